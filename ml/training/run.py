"""A run from beginning to end: network, pictures, steps, probes, checkpoints, and what it leaves."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from ml.decoder import Decoder
from ml.embedder import Embedder
from ml.models.preprocess import CentreCrop
from ml.training import checkpoint, probes
from ml.training.backbone import adapt, free, store_frozen_as
from ml.training.checkpoint import Checkpoint, Origin
from ml.training.config import Machine, TrainingConfig, TrainingError
from ml.training.crops import in_patches
from ml.training.dino import Learner, Step, run_steps
from ml.training.loader import Loader
from ml.training.memory import budget_of
from ml.training.network import Start, begin, device_of, dtype_of
from ml.training.pictures import Picture, Refused, Studio, fingerprint, survey
from ml.training.probe_model import TeacherModel
from ml.training.probes import Probe, ProbeSet
from ml.training.result import Data, is_finished, probe_entry, read_probe, write_result
from ml.training.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Began:
    """What a run is about to do: `part` of a batch's pictures are computed at once; from `step`, 0 for a new one.

    `probes` were made before that step, each with the epochs before it.
    """

    model: str
    trainable: int
    frozen: int
    pictures: int
    refused: list[Refused]
    labels: int
    device: str
    batch_size: int
    part: int
    bytes_per_picture: int
    steps: int
    step: int
    probes: list[tuple[int, Probe]]


Event = Began | Step | tuple[int, Probe]
"""What is reported as it happens; a probe with the epochs before it."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be learnt, from which pictures, and where the result goes."""

    model: str
    models_dir: Path
    data_name: str
    pictures: Sequence[Picture]
    refused: Sequence[Refused]
    output: Path
    config: TrainingConfig
    machine: Machine
    resume: bool = False


def train(
    task: Task, report: Callable[[Event], None], stop: Callable[[], bool] = lambda: False
) -> Literal["done", "stopped"]:
    """Learn, and write the model to `task.output`; or, when `stop` says so after a step, a checkpoint.

    Raises TrainingError, ModelError.
    """
    found = _check_output(task)
    start = begin(task.model, task.config, task.models_dir, task.output)
    with Decoder(task.machine.workers) as decoder:
        studio = Studio(decoder)
        pictures, refused = survey(task.pictures, studio)
        run = _prepare(task, start, pictures, [*task.refused, *refused], studio, found)
        report(run.began())
        return run.go(report, stop)


def _check_output(task: Task) -> Checkpoint | None:
    """The checkpoint to go on from. Raises TrainingError for a folder that holds something already."""
    if is_finished(task.output):
        raise TrainingError(f"{task.output} holds a model already: choose another folder")
    found = checkpoint.load_newest(task.output)
    if found is not None and not task.resume:
        raise TrainingError(
            f"{task.output} holds a run that has not ended (step {found.step}): go on with --resume, "
            "or choose another folder"
        )
    return found


@dataclass(slots=True)
class _Run:
    """A run under way. `history` is what it has to tell so far: steps and probes."""

    task: Task
    start: Start
    loader: Loader
    learner: Learner
    refused: list[Refused]
    origin: Origin
    chosen: ProbeSet | None
    history: list[dict[str, Any]]
    step: int
    bytes_per_picture: int
    took_s: float

    def began(self) -> Began:
        learning = list(self.learner.backbone.parameters().values())
        trainable = sum(one.numel() for one in [*learning, *self.learner.head.parameters()] if one.requires_grad)
        network = sum(one.numel() for one in self.start.network.parameters())
        # The teacher's adapter stands in the same network.
        frozen = network - sum(one.numel() for one in learning) * (2 if self.learner.backbone.adapted else 1)
        return Began(
            model=self.start.title,
            trainable=trainable,
            frozen=frozen,
            pictures=len(self.loader.pictures),
            refused=self.refused,
            labels=0 if self.chosen is None else int(self.chosen.labels.max()) + 1,
            device=f"{str(self.learner.dtype).removeprefix('torch.')} on {self.learner.device.type}",
            batch_size=self.loader.batch_size,
            part=self.learner.part,
            bytes_per_picture=self.bytes_per_picture,
            steps=self.learner.schedule.steps,
            step=self.step,
            probes=[read_probe(one) for one in self.history if one["kind"] == "probe"],
        )

    def go(self, report: Callable[[Event], None], stop: Callable[[], bool]) -> Literal["done", "stopped"]:
        """To the end, or until it is told to stop; a checkpoint is written either way, and now and then."""
        started = saved = time.monotonic()
        before_s = self.took_s
        if not self.history:
            self._probe(0, report)
        for step in run_steps(self.learner, self.loader, self.step, stop):
            self.step = step.step
            self.took_s = before_s + time.monotonic() - started
            self.history.append({"kind": "step", **asdict(step)})
            report(step)
            if step.step % self.loader.steps_per_epoch == 0:
                self._end_epoch(step.epoch + 1, report)
            if time.monotonic() - saved >= self.task.machine.checkpoint_every_s:
                self._save()
                saved = time.monotonic()
        if self.step < self.learner.schedule.steps:
            self._save()
            return "stopped"
        labels = 0 if self.chosen is None else int(self.chosen.labels.max()) + 1
        data = Data(self.task.data_name, len(self.loader.pictures), len(self.refused), labels)
        write_result(self.task.output, self.learner, self.start, data, self.history, self.took_s)
        checkpoint.remove_all(self.task.output)
        return "done"

    def _end_epoch(self, epochs: int, report: Callable[[Event], None]) -> None:
        config = self.task.config
        if epochs % config.probe_every == 0 or epochs == config.epochs:
            self._probe(epochs, report)

    def _probe(self, epochs: int, report: Callable[[Event], None]) -> None:
        """Measure the teacher's embeddings; nothing to measure without labels."""
        if self.chosen is None:
            return
        model = TeacherModel(self.learner, in_patches(self.task.config.global_size, self.loader.patch), self.start)
        side = model.spec.input_size
        pictures = [self.loader.pictures[position] for position in self.chosen.positions]
        inputs = self.loader.studio.each(((one, CentreCrop(side, side)) for one in pictures), ahead=32)
        embedder = Embedder(model)
        embeddings: list[np.ndarray] = []
        batch: list[np.ndarray] = []
        for one in inputs:
            if isinstance(one, str):
                raise TrainingError(f"a picture of the probes cannot be read any more: {one}")
            batch.append(one)
            if len(batch) == model.batch_size:
                embeddings.append(embedder.embed(batch))
                batch = []
        if batch:
            embeddings.append(embedder.embed(batch))
        probe = probes.score(np.concatenate(embeddings), self.chosen, self.task.config.seed)
        self.history.append(probe_entry(epochs, probe))
        report((epochs, probe))

    def _save(self) -> None:
        told = {
            "history": self.history,
            "part": self.learner.part,
            "took_s": self.took_s,
            "scaler": self.learner.scaler.state_dict(),
        }
        checkpoint.save(self.task.output, Checkpoint(self.origin, self.step, self.learner.tensors(), told))


def _prepare(
    task: Task,
    start: Start,
    pictures: Sequence[Picture],
    refused: list[Refused],
    studio: Studio,
    found: Checkpoint | None,
) -> _Run:
    """Everything in memory, and put back to where the checkpoint left it."""
    config, machine = task.config, task.machine
    device = device_of(machine)
    dtype = dtype_of(machine, device)
    origin = Origin(config, start.identity, fingerprint(pictures))
    if found is not None:
        origin.check(found.origin)
    torch.manual_seed(config.seed)
    network = start.network.to(device)
    kept = machine.gradient_checkpointing
    if config.from_scratch:
        backbone = free(network, gradient_checkpointing=kept)
    else:
        backbone = adapt(network, config, gradient_checkpointing=kept)
        if dtype != torch.float32:
            store_frozen_as(network, dtype)
    loader = Loader(config, pictures, studio, start.patch, start.normalisation, device)
    schedule = Schedule(config, loader.steps_per_epoch)
    learner = Learner(config, backbone, device, dtype, schedule, part=loader.batch_size)
    budget = budget_of(learner, start.patch, machine)
    learner.part = budget.part(loader.batch_size)
    told: dict[str, Any] = {"history": [], "took_s": 0.0}
    if found is not None:
        learner.restore(found.tensors, found.told)
        told = found.told
        learner.part = int(told["part"])  # a batch cut otherwise has other last digits
    return _Run(
        task=task,
        start=start,
        loader=loader,
        learner=learner,
        refused=refused,
        origin=origin,
        chosen=probes.choose(pictures, config.probe_limit, config.seed),
        history=list(told["history"]),
        step=0 if found is None else found.step,
        bytes_per_picture=budget.per_picture,
        took_s=float(told["took_s"]),
    )
