"""Checkpoints: one folder each with safetensors and JSON, whole or not there, from which a run goes on exactly."""

import errno
import json
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from ml.models.model import WrongCheckpoint
from ml.models.weights import check_whole
from ml.training.config import BadConfig, TrainingConfig, TrainingError

FOLDER = "checkpoints"
TENSORS, STATE = "tensors.safetensors", "state.json"
KEPT = 2


@dataclass(frozen=True, slots=True)
class Origin:
    """What a run is of: it can be gone on with only when all of this is the same.

    `base` names the network and its weights, `pictures` is their fingerprint.
    """

    config: TrainingConfig
    base: str
    pictures: str

    def check(self, other: "Origin") -> None:
        """Raises TrainingError that names what differs, and the remedy."""
        remedy = "use the same, or begin anew in another folder"
        if differing := other.config.differences(self.config):
            raise TrainingError(f"the run was begun with other settings ({'; '.join(differing)}): {remedy}")
        if self.base != other.base:
            raise TrainingError(f"the run was begun with another network: {remedy}")
        if self.pictures != other.pictures:
            raise TrainingError(f"the run was begun with other pictures or labels: {remedy}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A run after `step` steps: every tensor that changes, by name, and what else there is to tell in JSON."""

    origin: Origin
    step: int
    tensors: dict[str, Tensor]
    told: dict[str, Any]


def save(output: Path, checkpoint: Checkpoint) -> Path:
    """Write it beside the others, and remove all but the KEPT newest. Raises TrainingError when the disk is full."""
    folder = output / FOLDER / f"step-{checkpoint.step:08d}"
    origin = checkpoint.origin
    state = {
        "step": checkpoint.step,
        "config": origin.config.to_json(),
        "base": origin.base,
        "pictures": origin.pictures,
        "told": checkpoint.told,
    }
    with writing(folder) as part:
        # Copies, because two names may share one storage, which the format refuses.
        save_file({name: tensor.detach().cpu().clone() for name, tensor in checkpoint.tensors.items()}, part / TENSORS)
        (part / STATE).write_text(json.dumps(state) + "\n")
    for old in list_steps(output)[:-KEPT]:
        shutil.rmtree(output / FOLDER / f"step-{old:08d}", ignore_errors=True)
    return folder


def load_newest(output: Path) -> Checkpoint | None:
    """The newest checkpoint that is whole; None when there is none. A damaged one is passed over for the one before.

    Raises TrainingError when there are checkpoints, and none can be read.
    """
    steps = list_steps(output)
    damage = ""
    for step in reversed(steps):
        try:
            return _load(output / FOLDER / f"step-{step:08d}")
        except (OSError, ValueError, LookupError, TypeError, SafetensorError, WrongCheckpoint, BadConfig) as error:
            damage = str(error)
    if steps:
        raise TrainingError(f"no checkpoint in {output / FOLDER} can be read ({damage}): begin anew in another folder")
    return None


def list_steps(output: Path) -> list[int]:
    """The steps that have a checkpoint, the oldest first."""
    names = [folder.name for folder in (output / FOLDER).glob("step-*")]
    return sorted(int(name.removeprefix("step-")) for name in names if name.removeprefix("step-").isdigit())


def remove_all(output: Path) -> None:
    """What a run that has ended does not need any more."""
    shutil.rmtree(output / FOLDER, ignore_errors=True)


@contextmanager
def writing(folder: Path) -> Generator[Path]:
    """A folder that takes its name when everything in it is on the disk; an error leaves what was there as it was.

    Raises TrainingError when the disk is full.
    """
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
        yield part
        for file in part.rglob("*"):
            _sync(file)
        _sync(part)
        old = folder.with_name(f".{folder.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        if folder.exists():
            folder.rename(old)
        part.rename(folder)
        _sync(folder.parent)
        shutil.rmtree(old, ignore_errors=True)
    except (OSError, SafetensorError) as error:
        if _is_full(error):
            raise TrainingError(
                f"the disk is full: nothing was written to {folder}, and what was there before is whole; make room, "
                "then go on with --resume"
            ) from error
        raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _load(folder: Path) -> Checkpoint:
    check_whole(folder / TENSORS)
    state = json.loads((folder / STATE).read_text())
    origin = Origin(TrainingConfig.from_json(state["config"]), state["base"], state["pictures"])
    return Checkpoint(origin, int(state["step"]), load_file(folder / TENSORS), state["told"])


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _is_full(error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return "No space left" in str(error) or "os error 28" in str(error)


def restore(target: dict[str, Tensor], source: dict[str, Tensor], prefix: str) -> None:
    """Put the tensors under a prefix back where they were. Raises TrainingError when one is missing or differs."""
    with torch.no_grad():
        for name, tensor in target.items():
            kept = source.get(prefix + name)
            if kept is None or kept.shape != tensor.shape:
                raise TrainingError(f"the checkpoint lacks {prefix}{name}: it is of another version; begin anew")
            tensor.copy_(kept)
