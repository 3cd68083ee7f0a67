"""One file from the model hub: gone on with where it broke off, and compared with what the hub states of it."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

Report = Callable[[int], None]


def fetch_file(hub_id: str, file: Path, report: Report) -> None:
    """Fetch the file of that name, unless it is whole already; `report` gets the bytes that have come to hand.

    `hf_hub_download` throws away what it has when it breaks off, so a part is kept here, named by its content:
    what is gone on with is the beginning of the same file. Raises OSError, and the HTTPError of the hub's library.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers

    url = hf_hub_url(hub_id, file.name)
    stated = get_hf_file_metadata(url)
    if file.is_file() and _is_whole(file, stated.size, stated.etag):
        report(file.stat().st_size)
        return
    part = file.with_name(f"{file.name}.{stated.etag}.part")
    with part.open("ab") as opened:
        report(opened.tell())
        http_get(
            url,
            opened,
            resume_size=opened.tell(),
            headers={**build_hf_headers(), "Accept-Encoding": "identity"},
            expected_size=stated.size,
            tqdm_class=_bar(report),
        )
    if not _is_whole(part, stated.size, stated.etag):
        part.unlink()
        raise OSError(f"{file.name} arrived damaged")
    part.replace(file)


def _is_whole(file: Path, size: int | None, etag: str | None) -> bool:
    """Whether a file is the hub's: in length, and in content where the hub tells its SHA-256, as of weights."""
    if size is not None and file.stat().st_size != size:
        return False
    if etag is None or len(etag) != 64:
        return True
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest() == etag


def _bar(report: Report) -> type[Any]:
    """A progress bar for the hub's library that reports what arrives instead of drawing."""
    from tqdm import tqdm

    # Generic in its stubs only; the class itself takes no parameter.
    class Reporting(tqdm):  # pyright: ignore[reportMissingTypeArgument]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **{**kwargs, "disable": True})

        def update(self, n: float | None = 1) -> None:
            report(int(n or 0))

    return Reporting
