"""Options of a search that come as text. Each raises Invalid for what it is not."""

from collections.abc import Mapping, Sequence

from app.core.errors import Invalid
from app.search import service
from ml.crop import Crop

DEFAULT_K = 10
MAX_SHOWN_EXAMPLES = 20


def read_k(text: str | None) -> int:
    """How many; DEFAULT_K where nothing is said."""
    if text is None or text == "":
        return DEFAULT_K
    try:
        return int(text)
    except ValueError as error:
        raise Invalid(f"k is a whole number from 1 to {service.MAX_K}") from error


def read_score(name: str, text: str | None) -> float | None:
    """A least score or likeness."""
    if text is None or text == "":
        return None
    try:
        return float(text)
    except ValueError as error:
        raise Invalid(f"{name} is a number, not {text[:40]!r}") from error


def read_flag(name: str, text: str | None) -> bool:
    """A flag; letter case aside, for generated clients write as their language does."""
    said = (text or "").lower()
    if said not in ("", "true", "false", "1", "0"):
        raise Invalid(f"{name} is true or false")
    return said in ("true", "1")


def read_percents(fields: Mapping[str, str]) -> Crop:
    """A part of a picture from a form: x, y, width and height in per cent of the picture."""
    shares: list[float] = []
    for name in Crop._fields:
        try:
            shares.append(float(fields.get(name, "")) / 100)
        except ValueError as error:
            raise Invalid(f"{name} is a number of per cent, from 0 to 100") from error
    return Crop(*shares)


def check_examples(liked: Sequence[int] | None, disliked: Sequence[int] | None) -> None:
    """How many examples a page takes, beside what was asked."""
    if len({*(liked or ()), *(disliked or ())}) > MAX_SHOWN_EXAMPLES:
        raise Invalid(f"a search takes at most {MAX_SHOWN_EXAMPLES} pictures as examples", hint="Remove some of them.")
