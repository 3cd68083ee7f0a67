"""How a model is asked for in one line: `NAME[:POOLING][:TRANSFORM]`."""

from dataclasses import dataclass

POOLINGS = ("cls", "mean", "cls+mean")
TRANSFORMS = ("reference", "fit", "tiles")
DEFAULT_POOLING = "cls"
DEFAULT_TRANSFORM = "fit"
"""By evaluation (docs/embedding.md): the crop of `reference` hides 40 % of a picture, for labels about as good."""


@dataclass(frozen=True, slots=True)
class ModelName:
    """`base` is a registry name or a folder; as text, what is usual is left out."""

    base: str
    pooling: str = DEFAULT_POOLING
    transform: str = DEFAULT_TRANSFORM

    def __str__(self) -> str:
        pooling = "" if self.pooling == DEFAULT_POOLING else f":{self.pooling}"
        transform = "" if self.transform == DEFAULT_TRANSFORM else f":{self.transform}"
        return f"{self.base}{pooling}{transform}"


def parse(text: str) -> ModelName:
    """The parts of a name; only known poolings and transforms are taken off, so a path may hold colons."""
    base, pooling, transform = text.strip(), "", ""
    while ":" in base:
        rest, _, last = base.rpartition(":")
        if last in POOLINGS and not pooling:
            base, pooling = rest, last
        elif last in TRANSFORMS and not transform:
            base, transform = rest, last
        else:
            break
    return ModelName(base, pooling or DEFAULT_POOLING, transform or DEFAULT_TRANSFORM)


def is_path(base: str) -> bool:
    """Whether a base is written as a path. A plain name never means a folder of wherever the program was started."""
    return "/" in base or base.startswith(("~", "."))
