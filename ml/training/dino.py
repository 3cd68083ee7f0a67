"""Self-distillation with no labels: the loop, from the pictures to the last step."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ml.training.backbone import Backbone
from ml.training.checkpoint import restore
from ml.training.config import TrainingConfig, TrainingError
from ml.training.crops import GLOBAL_CROPS
from ml.training.head import Head
from ml.training.loader import Crops, Loader
from ml.training.loss import DinoLoss, Spread, koleo, spread_of
from ml.training.schedule import Schedule
from ml.training.teacher import Teacher, make_teacher


@dataclass(frozen=True, slots=True)
class Step:
    """What one step came to. `step` counts from 1; `pictures_per_s` of this step alone."""

    step: int
    epoch: int
    loss: float
    gradient_norm: float
    learning_rate: float
    momentum: float
    spread: Spread
    pictures_per_s: float


@dataclass(slots=True)
class Learner:
    """Student, teacher, loss and optimiser: all that changes during a run. `part` pictures are computed at once."""

    config: TrainingConfig
    backbone: Backbone
    device: torch.device
    dtype: torch.dtype
    schedule: Schedule
    part: int
    head: Head = field(init=False)
    teacher: Teacher = field(init=False)
    loss: DinoLoss = field(init=False)
    optimiser: torch.optim.AdamW = field(init=False)
    scaler: torch.amp.GradScaler = field(init=False)

    def __post_init__(self) -> None:
        width = int(self.backbone.network.config.hidden_size)
        self.head = Head(width, self.config).to(self.device)
        self.teacher = make_teacher(self.backbone, self.head)
        self.loss = DinoLoss(self.config).to(self.device)
        self.optimiser = _optimiser(self.backbone, self.head, self.config)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.dtype == torch.float16)

    def step(self, crops: Crops, step: int) -> tuple[float, float, Spread]:
        """Learn from a batch; `step` counts from 0. Returns loss, length of the gradient, the teacher's spread.

        Raises TrainingError when the loss is not finite; nothing has been learnt from such a batch.
        """
        schedule, config = self.schedule, self.config
        rate = schedule.learning_rate(step)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        # The teacher first: with adapters, student and teacher are the same network by turns.
        shared, tokens, scores = self.teach(crops)
        if step == 0:
            self.loss.start_centre(scores)
        targets = self.loss.targets(scores, schedule.teacher_temperature(step))
        loss = 0.0
        for start in range(0, crops.pictures, self.part):
            rows = slice(start, start + self.part)
            share = self.learn(crops.rows(start, start + self.part), shared[start // self.part], targets[:, rows])
            share = share * (targets[:, rows].shape[1] / crops.pictures)
            self.scaler.scale(share).backward()
            loss += float(share.detach())
        if not np.isfinite(loss):
            self.optimiser.zero_grad(set_to_none=True)
            raise TrainingError(f"the loss is {loss}: lower the learning rate ({config.learning_rate})")
        if schedule.freezes_last_layer(step):
            self.head.prototype_directions.grad = None
        self.scaler.unscale_(self.optimiser)
        learning = [*self.backbone.parameters().values(), *self.head.parameters()]
        norm = nn.utils.clip_grad_norm_([one for one in learning if one.grad is not None], config.clip)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.optimiser.zero_grad(set_to_none=True)
        self.loss.update_centre(scores)
        self.teacher.update(schedule.momentum(step))
        return loss, float(norm), spread_of(targets, tokens)

    def teach(self, crops: Crops) -> tuple[list[Tensor], Tensor, Tensor]:
        """The trunk's output part by part, the teacher's CLS tokens `[2 n, width]` and scores `[2, n, prototypes]`."""
        shared: list[Tensor] = []
        tokens: list[Tensor] = []
        scores: list[Tensor] = []
        with torch.no_grad(), self._autocast():
            for start in range(0, crops.pictures, self.part):
                pixels = crops.globals[:, start : start + self.part]
                shared.append(self.backbone.trunk(pixels.flatten(0, 1)))
                tokens.append(self.teacher.tokens(shared[-1]))
                scores.append(self.teacher.head(tokens[-1]).unflatten(0, pixels.shape[:2]))
        return shared, torch.cat(tokens), torch.cat(scores, dim=1)

    def learn(self, crops: Crops, shared: Tensor, targets: Tensor) -> Tensor:
        """The student's loss on some pictures: their global crops come as the trunk left them."""
        with self._autocast():
            tokens = [self.backbone.tail(shared)]
            if len(crops.locals):
                # All local crops in one tensor, crop by crop: row i of each is of picture i.
                tokens.append(self.backbone.tail(self.backbone.trunk(crops.locals.flatten(0, 1))))
            scores = self.head(torch.cat(tokens)).unflatten(0, (-1, crops.pictures))
        loss = self.loss(targets, scores)
        if self.config.koleo and crops.pictures > 1:
            views = tokens[0].unflatten(0, (GLOBAL_CROPS, crops.pictures))
            loss = loss + self.config.koleo * sum(koleo(view) for view in views) / GLOBAL_CROPS
        return loss

    def tensors(self) -> dict[str, Tensor]:
        """Everything that a run that goes on needs, by name: the live tensors."""
        named = {f"student.backbone.{name}": one.data for name, one in self.backbone.parameters().items()}
        named |= {f"student.head.{name}": one for name, one in self.head.state_dict().items()}
        named |= {f"teacher.{name}": one for name, one in self.teacher.tensors().items()}
        named["centre"] = self.loss.centre
        for name, parameter in self._learning().items():
            state: dict[str, Any] = self.optimiser.state[parameter]
            named |= {f"optimiser.{name}.{key}": value for key, value in state.items()}
        return named

    def restore(self, tensors: dict[str, Tensor], told: dict[str, Any]) -> None:
        """Put back what `tensors` and `told` gave. Raises TrainingError."""
        for name, parameter in self._learning().items():
            keys = ("step", "exp_avg", "exp_avg_sq")
            kept = {key: tensors[f"optimiser.{name}.{key}"] for key in keys if f"optimiser.{name}.{key}" in tensors}
            if kept:  # a parameter that was frozen so far has no state yet
                self.optimiser.state[parameter] = {
                    key: value.clone() if key == "step" else value.to(self.device) for key, value in kept.items()
                }
        restore(self.tensors(), tensors, "")
        if scaler := told.get("scaler"):
            self.scaler.load_state_dict(scaler)

    def _learning(self) -> dict[str, nn.Parameter]:
        backbone = {f"backbone.{name}": one for name, one in self.backbone.parameters().items()}
        return {**backbone, **{f"head.{name}": one for name, one in self.head.named_parameters()}}

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32)


def run_steps(learner: Learner, loader: Loader, first: int, stop: Callable[[], bool]) -> Iterator[Step]:
    """Every step from `first`, counted from 0, to the last; ends early, after a whole step, when `stop` says so."""
    steps = learner.schedule.steps
    for step, crops in enumerate(loader.batches(first, steps), start=first):
        # What is drawn inside the network (drop path) depends on the step alone, so that a run can go on.
        torch.manual_seed(learner.config.seed * 1_000_003 + step)
        started = time.perf_counter()
        loss, norm, spread = learner.step(crops, step)
        yield Step(
            step=step + 1,
            epoch=step // loader.steps_per_epoch,
            loss=loss,
            gradient_norm=norm,
            learning_rate=learner.schedule.learning_rate(step),
            momentum=learner.schedule.momentum(step),
            spread=spread,
            pictures_per_s=crops.pictures / (time.perf_counter() - started),
        )
        if stop():
            return


def _optimiser(backbone: Backbone, head: Head, config: TrainingConfig) -> torch.optim.AdamW:
    """AdamW; biases and norms are not decayed, as in DINO's own code."""
    parameters = [*backbone.parameters().values(), *head.parameters()]
    learning = [one for one in parameters if one.requires_grad]
    decayed = [one for one in learning if one.ndim > 1]
    other = [one for one in learning if one.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": other, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=0.0)
