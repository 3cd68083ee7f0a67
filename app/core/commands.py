"""What every command shares: how it runs, how it fails, how it prints."""

import asyncio
import json
import sys
from collections.abc import Coroutine
from typing import Any, NoReturn, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.core.blobs import VolumeMissing
from app.core.errors import AppError
from app.core.logs import configure_logs
from app.core.postgres import PostgresError
from app.core.schema import SchemaTooNew
from app.core.settings import Settings, SettingsError, read_settings

T = TypeVar("T")

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
# Refusals that are told in a sentence; anything else is a defect and shows its traceback.
REFUSALS = (AppError, PostgresError, SchemaTooNew, SettingsError, VolumeMissing)


def start() -> Settings:
    """The settings, with logs configured. Ends the command with a sentence when they cannot be used."""
    try:
        settings = read_settings()
    except SettingsError as error:
        fail(str(error))
    configure_logs("warning" if settings.log_level == "info" else settings.log_level)
    return settings


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work: a refusal is one sentence on standard error and exit status 1, Ctrl-C is 130."""
    try:
        return asyncio.run(work)
    except REFUSALS as error:
        fail(describe(error))
    except KeyboardInterrupt:
        click.echo("likeness: stopped; what was done so far is kept", err=True)
        sys.exit(130)


def describe(error: Exception) -> str:
    """A refusal in a sentence, with its hint if it has one."""
    if isinstance(error, AppError):
        return f"{error.detail.rstrip('.')}: {error.hint}" if error.hint else error.detail
    return str(error)


def fail(message: str) -> NoReturn:
    """End with a message and exit status 1."""
    click.echo(f"likeness: {message}", err=True)
    sys.exit(1)


def print_json(value: object) -> None:
    """One line of JSON on standard output."""
    click.echo(json.dumps(value, ensure_ascii=False, default=str))


def progress_bar(*, in_bytes: bool = False) -> Progress:
    """A bar on standard error, so that standard output stays the command's own; it counts pieces, or bytes."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn() if in_bytes else MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
