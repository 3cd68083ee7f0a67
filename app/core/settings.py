"""Settings: what the environment says, read once and passed down."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]

IndexLayout = Literal["auto", "panorama", "plain", "float16"]


class SettingsError(Exception):
    """A setting has a value that cannot be used; the message names the variable and the remedy."""


def _default_data_dir() -> Path:
    """A checkout keeps its data beside its code, so two checkouts never share one; elsewhere XDG's place."""
    if (ROOT / "pyproject.toml").is_file():
        return ROOT / ".likeness"
    return Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local" / "share")) / "likeness"


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting; `LIKENESS_` and the upper-case name is its environment variable.

    - `data_dir`: pictures, indexes, model weights and the embedded Postgres.
    - `database_url`: a Postgres of one's own; without it the embedded one runs in `data_dir`.
    - `model`: `auto` (what `likeness models use` chose, else what suits this machine), a name from `likeness models
      list`, or a folder in the hub's format.
    - `model_idle_minutes`: without work for so long, a model gives its memory back; 0 means never.
    - `host`, `port`: where the web server listens. Beyond loopback only when told so.
    - `public_url`: the address people type, when it differs; `https://…` makes cookies Secure.
    - `max_upload_mb`: the largest single file, in MiB; `max_upload_files`: the most files in one request.
    - `max_archive_mb`: the largest archive that is uploaded to be imported, in MiB.
    - `quota_mb`, `quota_files`: what each account may keep, its trash included, where it has no limit of its own;
      0 means no limit.
    - `trash_days`: how long a trashed picture can be restored.
    - `exact_below`: galleries smaller than this are searched exactly, without IVF lists.
    - `index_layout`: how an index holds its vectors: `auto` (`plain` or `panorama`, whichever is faster) or `float16`.
    - `target_recall`: how much of the exact answer an index must find at its build, from 0 to 1.
    - `log_level`: `debug`, `info`, `warning` or `error`.
    - `workers`: child processes that decode pictures, per process of ours; 0 means one per core.
    - `qdrant_url`, `qdrant_api_key`: a Qdrant server that the worker keeps a copy of the vectors in, and its key.
    - `search_engine`: `faiss`, in each web process, or `qdrant`, which answers from that copy.
    - `metrics_token`: what Prometheus sends to read `/metrics`; without one only admins read them.
    """

    data_dir: Path
    database_url: str | None = None
    model: str = "auto"
    model_idle_minutes: int = 30
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str | None = None
    max_upload_mb: int = 100
    max_upload_files: int = 1000
    max_archive_mb: int = 20_480
    quota_mb: int = 0
    quota_files: int = 0
    trash_days: int = 30
    exact_below: int = 20_000
    index_layout: IndexLayout = "auto"
    target_recall: float = 0.95
    workers: int = 0
    qdrant_url: str | None = None
    qdrant_api_key: str | None = field(default=None, repr=False)
    search_engine: str = "faiss"
    metrics_token: str | None = field(default=None, repr=False)
    log_level: str = "info"

    @property
    def blobs_dir(self) -> Path:
        return self.data_dir / "blobs"

    @property
    def spool_dir(self) -> Path:
        return self.data_dir / "spool"

    @property
    def indexes_dir(self) -> Path:
        return self.data_dir / "indexes"

    @property
    def models_dir(self) -> Path:
        return self.data_dir / "models"

    @property
    def trainings_dir(self) -> Path:
        return self.data_dir / "trainings"

    @property
    def evaluations_dir(self) -> Path:
        return self.data_dir / "evaluations"

    @property
    def local_address(self) -> str:
        """Where this machine reaches the server."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104  # compared, not bound
        return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{self.port}"

    @property
    def address(self) -> str:
        """What people type to get here."""
        return (self.public_url or self.local_address).rstrip("/")

    @property
    def secure_cookies(self) -> bool:
        return self.public_url is not None and self.public_url.startswith("https://")

    @property
    def max_upload_bytes(self) -> int:
        return self.max_upload_mb * 1024 * 1024

    @property
    def max_archive_bytes(self) -> int:
        return self.max_archive_mb * 1024 * 1024

    @property
    def decoders(self) -> int:
        return self.workers or os.cpu_count() or 1


METRICS_TOKEN_LENGTH = 16
LOG_LEVELS = ("debug", "info", "warning", "error")
SEARCH_ENGINES = ("faiss", "qdrant")
TARGET_RECALL_BOUNDS = (0.5, 0.999)
BOUNDS: dict[str, tuple[int, int]] = {
    "model_idle_minutes": (0, 100_000),
    "port": (1, 65_535),
    "max_upload_mb": (1, 10_240),
    "max_upload_files": (1, 100_000),
    "max_archive_mb": (1, 1_048_576),
    "quota_mb": (0, 1_073_741_824),
    "quota_files": (0, 1_000_000_000),
    "trash_days": (1, 3_650),
    "exact_below": (1, 10_000_000),
    "workers": (0, 1_024),
}


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings from the environment. Raises SettingsError for a value that cannot be used."""
    values: dict[str, object] = {"data_dir": _default_data_dir()}
    for one in fields(Settings):
        variable = f"LIKENESS_{one.name.upper()}"
        text = environ.get(variable, "").strip()
        if not text:
            continue
        if one.name == "data_dir":
            values[one.name] = Path(text).expanduser().absolute()
        elif one.name in BOUNDS:
            values[one.name] = _integer(variable, text, *BOUNDS[one.name])
        elif one.name == "target_recall":
            values[one.name] = _fraction(variable, text, *TARGET_RECALL_BOUNDS)
        else:
            values[one.name] = text
    settings = Settings(**values)  # pyright: ignore[reportArgumentType]  # typed field by field above
    if settings.log_level not in LOG_LEVELS:
        raise SettingsError(f"LIKENESS_LOG_LEVEL must be one of {', '.join(LOG_LEVELS)}")
    if settings.index_layout not in get_args(IndexLayout):
        raise SettingsError(f"LIKENESS_INDEX_LAYOUT must be one of {', '.join(get_args(IndexLayout))}")
    if settings.public_url is not None:
        parts = urlsplit(settings.public_url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise SettingsError("LIKENESS_PUBLIC_URL must be an address such as https://pictures.example.org")
    if settings.metrics_token is not None and len(settings.metrics_token) < METRICS_TOKEN_LENGTH:
        raise SettingsError(f"LIKENESS_METRICS_TOKEN must have at least {METRICS_TOKEN_LENGTH} characters")
    _check_engine(settings)
    return settings


def _check_engine(settings: Settings) -> None:
    if settings.search_engine not in SEARCH_ENGINES:
        raise SettingsError(f"LIKENESS_SEARCH_ENGINE must be one of {', '.join(SEARCH_ENGINES)}")
    if settings.qdrant_url is None:
        if settings.search_engine == "qdrant":
            raise SettingsError("LIKENESS_SEARCH_ENGINE=qdrant needs LIKENESS_QDRANT_URL: the server that is to answer")
        return
    parts = urlsplit(settings.qdrant_url)
    try:
        usable = parts.scheme in ("http", "https") and parts.hostname is not None and parts.port != 0
    except ValueError:  # the port is no number, or none that there is
        usable = False
    if not usable:
        raise SettingsError("LIKENESS_QDRANT_URL must be an address such as http://localhost:6333")
    if parts.username is not None or parts.password is not None:
        raise SettingsError(
            "LIKENESS_QDRANT_URL must not hold a user or a password: LIKENESS_QDRANT_API_KEY is the key"
        )


def _integer(variable: str, text: str, low: int, high: int) -> int:
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise SettingsError(f"{variable} must be a whole number from {low} to {high}, not {text!r}")
    return int(text)


def _fraction(variable: str, text: str, low: float, high: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise SettingsError(f"{variable} must be a number from {low} to {high}, not {text!r}")
    return value
