"""The form of a new training, as it is filled in and as it is sent."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from app.core.errors import Invalid
from ml.training.config import TrainingConfig

_USUAL = TrainingConfig()


@dataclass(frozen=True, slots=True)
class TrainingForm:
    """What was chosen; `last_blocks` is 0 for all, crops of None fit the network."""

    collection: str = ""
    model: str = ""
    name: str = ""
    epochs: int = 10
    last_blocks: int = 4
    held_out_pct: int = 20
    seed: int = _USUAL.seed
    batch_size: int = _USUAL.batch_size
    rank: int = _USUAL.rank
    global_size: int | None = None
    local_size: int | None = None
    local_crops: int = _USUAL.local_crops
    learning_rate: float = _USUAL.learning_rate
    teacher_temperature: float = _USUAL.teacher_temperature

    def config(self) -> dict[str, Any]:
        """The settings that it names."""
        names = ("epochs", "seed", "batch_size", "rank", "local_crops", "learning_rate", "teacher_temperature")
        chosen: dict[str, Any] = {name: getattr(self, name) for name in names}
        crops = {"global_size": self.global_size, "local_size": self.local_size}
        chosen |= {name: size for name, size in crops.items() if size is not None}
        return {**chosen, "alpha": self.rank, "last_blocks": self.last_blocks or None}


DEFAULTS = TrainingForm()


def read_form(data: Mapping[str, str]) -> TrainingForm:
    """What is not filled in is as usual. Raises Invalid for what is no number."""
    values: dict[str, Any] = {}
    for field in fields(TrainingForm):
        text = data.get(field.name, "").strip()
        if field.type is str:
            values[field.name] = text
        elif field.name == "last_blocks" and field.name in data and not text:
            values[field.name] = 0
        elif text:
            values[field.name] = _number(field.name, text, whole=field.type is not float)
    return TrainingForm(**values)


def _number(name: str, text: str, *, whole: bool) -> float:
    try:
        return int(text) if whole else float(text)
    except ValueError as error:
        raise Invalid(f"{name.replace('_', ' ')} is a number, not {text!r}") from error
