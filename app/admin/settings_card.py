"""Settings as they are in force, as the admin's page shows them: what is secret stays so."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from app.core.settings import Settings

SECRET = frozenset({"qdrant_api_key", "metrics_token"})
TOLD_OF_DATABASE = ("user", "host", "port", "dbname")
"""The parts of an address that are no secret: others may hold passwords and keys."""


@dataclass(frozen=True, slots=True)
class SettingView:
    """One setting. `from_environment`: its variable is set; else its value is the default."""

    variable: str
    text: str
    from_environment: bool


def list_settings(settings: Settings, environ: Mapping[str, str]) -> list[SettingView]:
    """Every setting as this process has it, in the order of the documentation."""
    return [
        SettingView(variable, _text(settings, one.name), bool(environ.get(variable, "").strip()))
        for one in fields(Settings)
        for variable in [f"LIKENESS_{one.name.upper()}"]
    ]


def _text(settings: Settings, name: str) -> str:
    value = getattr(settings, name)
    if value is None:
        return "not set"
    if name in SECRET:
        return "set, not shown"
    if name == "database_url":
        return _database_text(value)
    return str(value)


def _database_text(url: str) -> str:
    try:
        parts = conninfo_to_dict(url)
    except ProgrammingError:
        return "set, not shown"
    return ", ".join(f"{name} {parts[name]}" for name in TOLD_OF_DATABASE if parts.get(name))
