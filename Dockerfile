# The gallery's image: `likeness serve` by default, and every other command by name.
FROM python:3.11-slim AS builder

# Where pip finds torch's CPU builds, which are several GB smaller than the default ones. See docs/deployment.md.
ARG EXTRA_INDEX_URL=""
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /srv/likeness
RUN python -m venv /opt/venv
# Dependencies first, so that a change of the code leaves this layer as it is: pip only notes where the code will be.
COPY pyproject.toml requirements.lock README.md LICENSE ./
RUN install -D /dev/null app/__init__.py && install -D /dev/null ml/__init__.py \
    && /opt/venv/bin/pip install ${EXTRA_INDEX_URL:+--extra-index-url "$EXTRA_INDEX_URL"} -c requirements.lock -e .


FROM python:3.11-slim

# Uploads are spooled to TMPDIR: on the volume, since /tmp may be memory.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/data \
    TMPDIR=/data/tmp \
    XDG_CACHE_HOME=/data/cache \
    LIKENESS_DATA_DIR=/data \
    LIKENESS_HOST=0.0.0.0
RUN groupadd --gid 10001 likeness \
    && useradd --uid 10001 --gid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin likeness \
    && install -d -o likeness -g likeness -m 0750 /data /data/tmp
COPY --from=builder /opt/venv /opt/venv
WORKDIR /srv/likeness
COPY pyproject.toml README.md LICENSE ./
COPY app app
COPY ml ml
COPY migrations migrations
COPY templates templates
COPY static static

USER 10001:10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ.get('LIKENESS_PORT', '8000') + '/readyz', timeout=4)"]
ENTRYPOINT ["likeness"]
CMD ["serve"]
