"""Checkpoints: whole or not there, the newest that is whole, and only for the run they are of."""

import errno
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ml.training import checkpoint
from ml.training.checkpoint import FOLDER, STATE, TENSORS, Checkpoint, Origin, list_steps, load_newest, save
from ml.training.config import TrainingConfig, TrainingError

ORIGIN = Origin(TrainingConfig(), "network", "pictures")


def at(step: int) -> Checkpoint:
    shared = torch.arange(6.0)
    return Checkpoint(
        ORIGIN, step, {"a": shared, "b": shared.view(2, 3), "step": torch.tensor(7.0)}, {"history": [step]}
    )


def folder_of(output: Path, step: int) -> Path:
    return output / FOLDER / f"step-{step:08d}"


def test_there_and_back(tmp_path: Path) -> None:
    assert load_newest(tmp_path) is None
    save(tmp_path, at(5))
    found = load_newest(tmp_path)
    assert found is not None
    assert (found.origin, found.step, found.told) == (ORIGIN, 5, {"history": [5]})
    assert found.tensors.keys() == {"a", "b", "step"}
    assert torch.equal(found.tensors["b"], torch.arange(6.0).view(2, 3))


def test_two_are_kept(tmp_path: Path) -> None:
    for step in (1, 2, 10):
        save(tmp_path, at(step))
    assert list_steps(tmp_path) == [2, 10]


@pytest.mark.parametrize("file", [TENSORS, STATE])
def test_a_damaged_one_is_passed_over(tmp_path: Path, file: str) -> None:
    save(tmp_path, at(1))
    save(tmp_path, at(2))
    damaged = folder_of(tmp_path, 2) / file
    damaged.write_bytes(damaged.read_bytes()[:-9])
    found = load_newest(tmp_path)
    assert found is not None
    assert found.step == 1
    (folder_of(tmp_path, 1) / file).unlink()
    with pytest.raises(TrainingError, match=r"no checkpoint in .* can be read"):
        load_newest(tmp_path)


def test_what_was_being_written_is_not_one(tmp_path: Path) -> None:
    """Killed in mid-write: the part has another name, and the next write clears it away."""
    save(tmp_path, at(1))
    part = tmp_path / FOLDER / ".step-00000002.part"
    part.mkdir()
    (part / TENSORS).write_bytes(b"half")
    assert list_steps(tmp_path) == [1]
    save(tmp_path, at(2))
    assert not part.exists()
    assert list_steps(tmp_path) == [1, 2]


def test_a_full_disk_leaves_the_last_one_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, at(1))

    def full(_tensors: Any, file: Path, **_: Any) -> None:
        file.write_bytes(b"some of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(TrainingError, match=r"the disk is full.*what was there before is whole.*--resume"):
        save(tmp_path, at(2))
    assert [entry.name for entry in (tmp_path / FOLDER).iterdir()] == ["step-00000001"]
    found = load_newest(tmp_path)
    assert found is not None
    assert found.step == 1


def test_another_run_is_told_apart() -> None:
    ORIGIN.check(ORIGIN)
    with pytest.raises(TrainingError, match=r"other settings \(rank: 4, 8\): use the same"):
        Origin(TrainingConfig(rank=8), "network", "pictures").check(ORIGIN)
    with pytest.raises(TrainingError, match="another network"):
        replace(ORIGIN, base="other").check(ORIGIN)
    with pytest.raises(TrainingError, match="other pictures or labels"):
        replace(ORIGIN, pictures="other").check(ORIGIN)


def test_a_checkpoint_of_another_version(tmp_path: Path) -> None:
    save(tmp_path, at(1))
    state = json.loads((folder_of(tmp_path, 1) / STATE).read_text())
    state["config"]["colour"] = 1
    (folder_of(tmp_path, 1) / STATE).write_text(json.dumps(state))
    with pytest.raises(TrainingError, match="no setting 'colour'"):
        load_newest(tmp_path)
    with pytest.raises(TrainingError, match="lacks weight"):
        checkpoint.restore({"weight": torch.zeros(2)}, {"weight": torch.zeros(3)}, "")
