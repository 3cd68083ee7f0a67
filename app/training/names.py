"""The name of a model to come: the name of its folder among the models."""

import re
from pathlib import Path

from app.core.errors import Conflict, Invalid
from ml.models import weights
from ml.models.names import parse
from ml.models.registry import REGISTRY

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


def check_name(name: str) -> str:
    """The name without what surrounds it. Raises Invalid for one that cannot be a folder's, or means something else."""
    name = name.strip()
    if not _NAME.fullmatch(name) or parse(name).base != name:
        raise Invalid(
            f"{name!r} cannot be a model's name: it has up to 63 small letters, digits, dots, dashes and underscores, "
            "a letter or digit first"
        )
    if name in REGISTRY:
        raise Invalid(f"{name} is the name of another model")
    return name


def check_free(name: str, models_dir: Path) -> None:
    """Raises Conflict when there is a model of that name."""
    if name in weights.list_folders(models_dir):
        raise Conflict(f"there is a model called {name} already", hint="choose another name")
