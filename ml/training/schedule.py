"""What changes from step to step: learning rate, the teacher's momentum and temperature, the frozen last layer."""

import math
from dataclasses import dataclass

from ml.training.config import TrainingConfig


@dataclass(frozen=True, slots=True)
class Schedule:
    """The values at each step, counted from 0, of a run of `epochs` by `steps_per_epoch`."""

    config: TrainingConfig
    steps_per_epoch: int

    @property
    def steps(self) -> int:
        return self.config.epochs * self.steps_per_epoch

    def learning_rate(self, step: int) -> float:
        """From 0 by a line to the full rate over the warm-up, then by half a cosine to the least.

        A run shorter than the warm-up warms up over its first half.
        """
        config = self.config
        warmup = min(config.warmup_epochs * self.steps_per_epoch, self.steps // 2)
        if step < warmup:
            return config.learning_rate * step / warmup
        return _cosine(config.learning_rate, config.least_learning_rate, step - warmup, self.steps - warmup)

    def momentum(self, step: int) -> float:
        """How much of the teacher is kept at a step: it rises by half a cosine."""
        return _cosine(self.config.momentum_start, self.config.momentum, step, self.steps)

    def teacher_temperature(self, step: int) -> float:
        """By a line over the warm-up's epochs, in whole epochs as the paper's code does."""
        config = self.config
        if not config.teacher_warmup_epochs:
            return config.teacher_temperature
        share = min(1.0, (step // self.steps_per_epoch) / config.teacher_warmup_epochs)
        start = config.teacher_temperature_start
        return start + share * (config.teacher_temperature - start)

    def freezes_last_layer(self, step: int) -> bool:
        """Whether the prototypes are held still, so that the rest of a random head settles first."""
        return step < self.config.freeze_last_layer_epochs * self.steps_per_epoch


def _cosine(start: float, end: float, step: int, steps: int) -> float:
    """`start` at step 0 to `end` at the last of `steps`."""
    share = min(1.0, step / max(1, steps - 1))
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
