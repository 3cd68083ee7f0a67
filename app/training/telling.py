"""How `likeness train` tells of a run on standard error: a live line on a terminal, plain lines elsewhere."""

import time
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from app.core.words import counted, duration_text, size_text
from app.training.events import Warnings
from ml.training.dino import Step
from ml.training.probes import Probe
from ml.training.run import Began, Event

REFUSED_SHOWN = 20
PLAIN_EVERY_S = 5.0
RECENT = 0.1
"""What the newest step weighs in the pace that the time left is told by."""


@dataclass(slots=True)
class Telling:
    """Takes a run's events; keeps the last ones, and all probes, for the command's last line."""

    console: Console
    began: Began | None = None
    last: Step | None = None
    probes: list[tuple[int, Probe]] = field(default_factory=list[tuple[int, Probe]])
    warnings: Warnings = field(default_factory=lambda: Warnings(set()))
    _bar: Progress | None = None
    _task: TaskID | None = None
    _told_at: float = 0.0
    _step_at: float = 0.0
    _step_s: float = 0.0

    def tell(self, event: Event) -> None:
        """One event as it happens."""
        if isinstance(event, Began):
            self._begin(event)
        elif isinstance(event, Step):
            self._step(event)
        else:
            self._probe(*event)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _begin(self, began: Began) -> None:
        self.began = began
        self.probes = list(began.probes)
        self._step_at = time.monotonic()
        for one in began.refused[:REFUSED_SHOWN]:
            self._say(f"{one.name}: {one.reason}")
        if len(began.refused) > REFUSED_SHOWN:
            self._say(f"and {len(began.refused) - REFUSED_SHOWN:,} more that cannot be used")
        self._say(
            f"{began.model}: {began.trainable:,} trainable parameters, {began.frozen:,} frozen; {began.device}\n"
            f"{counted(began.pictures, 'picture', 'pictures')}"
            f"{f' of {began.labels:,} labels, which only the probes see' if began.labels else ', without labels'}; "
            f"{began.steps:,} steps of {began.batch_size}, {began.part} at once "
            f"(a picture takes {size_text(began.bytes_per_picture)})"
        )
        if began.step:
            self._say(f"on from step {began.step:,}")
        if self.console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                console=self.console,
            )
            self._task = self._bar.add_task("Begins", total=began.steps, completed=began.step)
            self._bar.start()

    def _step(self, step: Step) -> None:
        self.last = step
        now = time.monotonic()
        took_s = now - self._step_at
        self._step_s = took_s if not self._step_s else (1 - RECENT) * self._step_s + RECENT * took_s
        self._step_at = now
        if wrong := self.warnings.new(step):
            self._say(f"Warning, step {step.step:,}: {wrong}")
        words = f"loss {step.loss:.4f} (floor {step.spread.floor:.4f}), {step.pictures_per_s:.1f} pictures/s"
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=step.step, description=f"Epoch {step.epoch + 1}  {words}")
            return
        total = self.began.steps if self.began is not None else step.step
        if now - self._told_at < PLAIN_EVERY_S and step.step not in (1, total):
            return
        self._told_at = now
        left = f", {duration_text((total - step.step) * self._step_s)} left" if step.step < total else ""
        gradient = f"gradient {step.gradient_norm:.3f}"
        self._say(f"step {step.step:,} of {total:,}, epoch {step.epoch + 1}: {words}, {gradient}{left}")

    def _probe(self, epoch: int, probe: Probe) -> None:
        self.probes.append((epoch, probe))
        self._say(
            f"probe after epoch {epoch}: k-NN {probe.knn:.3f}, linear of {probe.shots} a label {probe.linear:.3f}, "
            f"guessing {probe.chance:.3f} ({probe.pictures:,} pictures)"
        )

    def _say(self, words: str) -> None:
        self.console.print(words, markup=False, highlight=False, soft_wrap=True)
