"""Logs: one line per event on standard error, never a body, a cookie or a token."""

import logging
import sys

import structlog


def configure_logs(level: str) -> None:
    """Console lines on a terminal, JSON lines elsewhere; the libraries' own logs go the same way."""
    number = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(
        level=max(number, logging.WARNING), stream=sys.stderr, format="%(levelname)s %(name)s %(message)s"
    )
    # A pool that loses its server says so at every try; what asked for the connection says it once.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    renderer = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(number),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )
