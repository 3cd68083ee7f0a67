"""The settings of a training run: one frozen object, checked once, written beside what it made."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self, get_args

Centring = Literal["centre", "sinkhorn"]
Precision = Literal["auto", "float32", "bfloat16", "float16"]
DeviceKind = Literal["auto", "cuda", "mps", "cpu"]


class TrainingError(Exception):
    """A run that cannot start or go on; the message says why, and what to do."""


class BadConfig(TrainingError):
    """A setting out of its range, or settings that do not go together."""


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """What decides the outcome of a run, by DINO's names and defaults unless said otherwise.

    `last_blocks` adapts only that many blocks, None all of them. Sizes are pixels, and are rounded to whole
    patches of the network (96 is 98 with patches of 14). In how many parts a batch
    is computed is not among them: the memory decides (ml/training/memory.py). Temperatures of the teacher are
    those of the paper: 0.04, warmed up to 0.07 over 30 epochs, sharp enough at first that a random head does not
    average all out.
    """

    epochs: int = 20
    batch_size: int = 32
    seed: int = 0
    from_scratch: bool = False
    # LoRA
    rank: int = 4
    alpha: int = 4
    last_blocks: int | None = None
    # Views
    global_size: int = 224
    local_size: int = 96
    local_crops: int = 6
    global_scale: tuple[float, float] = (0.4, 1.0)
    local_scale: tuple[float, float] = (0.05, 0.4)
    # Head
    hidden: int = 2048
    bottleneck: int = 256
    prototypes: int = 1024
    # Loss
    student_temperature: float = 0.1
    teacher_temperature_start: float = 0.04
    teacher_temperature: float = 0.07
    teacher_warmup_epochs: int = 30
    centring: Centring = "centre"
    centre_momentum: float = 0.9
    koleo: float = 0.0
    # Optimiser
    learning_rate: float = 6e-4
    least_learning_rate: float = 1e-6
    warmup_epochs: int = 5
    weight_decay: float = 0.04
    clip: float = 3.0
    freeze_last_layer_epochs: int = 1
    momentum_start: float = 0.996
    momentum: float = 0.9995
    # Probes
    probe_every: int = 2
    probe_limit: int = 2000

    def __post_init__(self) -> None:
        for rule, words in self._rules():
            if not rule:
                raise BadConfig(words)

    def _rules(self) -> list[tuple[bool, str]]:
        scales = (self.global_scale, self.local_scale)
        return [
            (self.epochs >= 1, f"epochs is {self.epochs}: at least 1 is needed"),
            (self.batch_size >= 2, f"batch size is {self.batch_size}: at least 2 pictures are needed"),
            (self.rank >= 1 and self.alpha >= 1, "rank and alpha are at least 1"),
            (self.last_blocks is None or self.last_blocks >= 1, "at least one block is adapted"),
            (
                8 <= self.local_size <= self.global_size <= 1024,
                "crops have 8 to 1024 pixels, local ones no more than global ones",
            ),
            (0 <= self.local_crops <= 32, f"{self.local_crops} local crops: 0 to 32 can be had"),
            (all(0 < low <= high <= 1 for low, high in scales), "scales are shares of a picture: 0 < low <= high <= 1"),
            (min(self.hidden, self.bottleneck, self.prototypes) >= 2, "the head's layers have at least 2 units"),
            (
                min(self.student_temperature, self.teacher_temperature_start, self.teacher_temperature) > 0,
                "temperatures are above 0",
            ),
            (self.centring in get_args(Centring), f"centring is {' or '.join(get_args(Centring))}"),
            (0 <= self.centre_momentum < 1, "the centre's momentum is from 0 to below 1"),
            (self.learning_rate > 0 and self.clip > 0, "learning rate and gradient clip are above 0"),
            (0 <= self.least_learning_rate <= self.learning_rate, "the least learning rate is at most the highest"),
            (min(self.weight_decay, self.koleo) >= 0, "weight decay and KoLeo's weight are at least 0"),
            (
                min(self.warmup_epochs, self.teacher_warmup_epochs, self.freeze_last_layer_epochs) >= 0,
                "numbers of epochs are at least 0",
            ),
            (0 <= self.momentum_start <= self.momentum <= 1, "momentum rises, from 0 to 1"),
            (self.probe_every >= 1 and self.probe_limit >= 2, "probes take every 1 or more epochs, and 2 pictures"),
        ]

    def to_json(self) -> dict[str, Any]:
        """Plain values by name; scales as lists."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, stated: Mapping[str, Any]) -> Self:
        """The config that `to_json` wrote. Raises BadConfig for names it does not know and for values out of range."""
        names = {field.name for field in fields(cls)}
        if odd := sorted(stated.keys() - names):
            raise BadConfig(f"there is no setting {odd[0]!r}")
        values: dict[str, Any] = {
            name: (value[0], value[1]) if isinstance(value, list) else value for name, value in stated.items()
        }
        return cls(**values)

    def differences(self, other: Self) -> list[str]:
        """The settings that differ, as "name: here, there"."""
        here, there = self.to_json(), other.to_json()
        return [f"{name}: {here[name]}, {there[name]}" for name in here if here[name] != there[name]]


@dataclass(frozen=True, slots=True)
class Machine:
    """Where and how a run is computed. It may differ when a run is resumed; another device or format gives
    other last digits.

    `memory_bytes` caps what the network's activations may take: None is what is free, 16 GB at most.
    """

    device: DeviceKind = "auto"
    precision: Precision = "auto"
    memory_bytes: int | None = None
    gradient_checkpointing: bool = False
    workers: int = 1
    checkpoint_every_s: float = 600.0
