"""Trainings: from the wish to the model, cancelled, gone on with, and after a worker's death."""

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from app.core.errors import Conflict, Invalid, NotFound
from app.training import order, service
from app.training.process import threads
from app.training.records import State
from app.training.running import RunFailed
from ml.models.registry import resolve
from ml.training import checkpoint
from tests.app.training.conftest import School
from tests.factories import Gallery

LONG = 400  # epochs: more than a test waits for
PATIENCE_S = 150  # a process of the lowest priority, on a machine where others work


async def state_of(school: School, training_id: int) -> State:
    return (await service.get(school.db, training_id)).made.state


async def steps(school: School, training_id: int) -> list[int]:
    return [one["step"] for one in await service.list_points(school.db, training_id) if one["kind"] == "step"]


async def test_a_training_makes_a_model_of_its_own_which_is_deleted_with_it(school: School) -> None:
    training_id = await school.begin()
    assert await state_of(school, training_id) == "queued"
    with pytest.raises(Conflict, match="under way"):
        await service.delete(school.db, school.settings, training_id)
    assert (await estimated(school, training_id)).seconds is None, "nothing is known of its pace yet"
    await school.run(training_id)
    found = await service.get(school.db, training_id)
    assert (found.made.state, found.made.error, found.job.state) == ("done", "", "done")
    assert found.made.about["pictures"] == 12, "a quarter of each label is held out"
    assert found.made.about["trainable"] > 0
    assert await steps(school, training_id) == [1, 2, 3, 4, 5, 6]
    probes = [one for one in await service.list_points(school.db, training_id) if one["kind"] == "probe"]
    assert [one["epoch"] for one in probes] == [0, 1, 2]
    made = resolve("mine", cache_dir=school.settings.models_dir)
    assert made.adapter is not None
    assert made.adapter == school.settings.models_dir / "mine"
    story = json.loads((made.adapter / "training.json").read_text())
    assert story["config"]["epochs"] == 2
    assert [one["loss"] for one in story["history"] if one["kind"] == "step"] == [
        one["loss"] for one in await service.list_points(school.db, training_id) if one["kind"] == "step"
    ]
    job = found.job
    assert (job.kind, job.title, job.done, job.total) == ("train", "Training mine on Patterns", 6, 6)
    known = await estimated(school, training_id)
    assert known.pictures == 12
    assert known.seconds is not None
    assert known.seconds > 0

    await service.delete(school.db, school.settings, training_id)
    assert not made.adapter.exists()
    assert not (school.settings.trainings_dir / str(training_id)).exists()
    with pytest.raises(NotFound):
        await service.get(school.db, training_id)


async def estimated(school: School, training_id: int) -> service.Estimate:
    """What a training like this one would take."""
    return await service.estimate(
        school.db,
        school.settings,
        school.root,
        collection_id=school.collection.id,
        model=school.model,
        config=(await service.get(school.db, training_id)).made.config,
        held_out_pct=25,
    )


async def test_what_cannot_be_trained_is_refused_with_the_remedy(school: School, gallery: Gallery) -> None:
    async def refused(error: type[Exception], words: str, **changed: Any) -> None:
        asked: dict[str, Any] = {
            "collection": school.collection.id,
            "model": school.model,
            "name": "mine",
            "config": {},
            **changed,
        }
        with pytest.raises(error, match=words):
            await service.begin(school.db, school.settings, school.root, **asked)

    await refused(Conflict, "baseline cannot be trained", model="baseline")
    await refused(Conflict, "dinov2-small cannot be trained", model="dinov2-small")
    await refused(NotFound, "no such collection", collection=2**40)
    await refused(Invalid, "cannot be a model's name", name="../mine")
    await refused(Invalid, "the name of another model", name="dinov2-base")
    await refused(Conflict, "there is a model called tiny-net already", name="tiny-net")
    await refused(Invalid, "epochs is 0", config={"epochs": 0})
    await refused(Invalid, "no setting 'speed'", config={"speed": 2})
    await refused(Invalid, "from 0 to 50 percent", held_out_pct=90)
    await school.begin()
    await refused(Conflict, "another training makes a model called mine")
    other = await gallery.person("anna")
    hidden = await gallery.collection(other, "Hidden")
    await refused(NotFound, "no such collection", collection=hidden.id, name="theirs")


async def has_steps(school: School, training_id: int, step: int = 1) -> bool:
    return max(await steps(school, training_id), default=0) >= step


async def test_b22_a_training_apart_from_searches_goes_on_whatever_ended_it(school: School) -> None:
    training_id = await school.begin(epochs=60)
    folder = school.settings.trainings_dir / str(training_id)
    running = asyncio.create_task(school.run(training_id))
    await until(lambda: has_steps(school, training_id))
    pid = child_of(folder)
    assert os.getpriority(os.PRIO_PROCESS, pid) == 19
    assert {f"{name}={value}" for name, value in threads().items()} <= environment_of(pid)

    await service.cancel(school.db, training_id)
    await running
    found = await service.get(school.db, training_id)
    assert (found.made.state, found.job.state, found.can_go_on) == ("stopped", "cancelled", True)
    (first,) = checkpoint.list_steps(school.settings.models_dir / "mine")
    await service.go_on(school.db, training_id)
    assert await state_of(school, training_id) == "queued"

    running = asyncio.create_task(school.run(training_id))
    await until(lambda: has_steps(school, training_id, first + 1))
    running.cancel()  # what the queue does to its tasks when the worker ends
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await state_of(school, training_id) == "running"
    await service.queue_unfinished(school.db)
    async with school.db.transaction() as conn:
        cursor = await conn.execute("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'training:run'")
        assert await cursor.fetchone() == (1,), "the task that waits already will do"
    second = max(checkpoint.list_steps(school.settings.models_dir / "mine"))
    assert second > first

    await school.run(training_id)
    found = await service.get(school.db, training_id)
    assert (found.made.state, found.made.about["step"]) == ("done", second)
    assert await steps(school, training_id) == list(range(1, 181))


async def test_a_process_that_is_killed_is_told_of_and_can_be_gone_on_with(school: School) -> None:
    training_id = await school.begin(epochs=LONG)
    running = asyncio.create_task(school.run(training_id))
    await until(lambda: has_steps(school, training_id))
    os.kill(child_of(school.settings.trainings_dir / str(training_id)), signal.SIGKILL)
    with pytest.raises(RunFailed, match="its process died"):
        await running
    found = await service.get(school.db, training_id)
    assert (found.made.state, found.job.state, found.can_go_on) == ("failed", "failed", True)


async def test_too_few_pictures_end_it_with_the_reason(school: School, gallery: Gallery) -> None:
    empty = await gallery.collection(school.root, "Empty")
    training_id = await service.begin(
        school.db, school.settings, school.root, collection=empty.id, model=school.model, name="mine", config={}
    )
    with pytest.raises(RunFailed):
        await school.run(training_id)
    made = (await service.get(school.db, training_id)).made
    assert (made.state, made.error) == ("failed", "0 of 0 pictures can be used, and training needs at least 2")


async def test_a_cancelled_one_that_waited_does_not_run(school: School) -> None:
    training_id = await school.begin()
    await service.cancel(school.db, training_id)
    await school.run(training_id)
    assert await state_of(school, training_id) == "stopped"
    await school.run(training_id)  # a second task of the same, which finds it ended
    assert await state_of(school, training_id) == "stopped"


def test_hold_out_takes_its_share_of_each_label_and_is_the_same_each_time() -> None:
    pictures = [order.Listed(number, "", "ab"[number % 2]) for number in range(40)]
    learnt, held = order.hold_out(pictures, 20, 0)
    assert sorted(one.id for one in [*learnt, *held]) == list(range(40))
    assert sorted(one.label for one in held) == ["a"] * 4 + ["b"] * 4
    assert order.hold_out(pictures, 20, 0) == (learnt, held)
    assert order.hold_out(pictures, 20, 1) != (learnt, held)
    drawn = order.draw(pictures, 10, 0)
    assert sorted(one.label for one in drawn) == ["a"] * 5 + ["b"] * 5
    assert [one.id for one in drawn] == sorted(one.id for one in drawn)


def environment_of(pid: int) -> set[str]:
    return set(Path(f"/proc/{pid}/environ").read_text().split("\0"))


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Return as soon as the condition holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not await condition():  # noqa: ASYNC110  # nothing tells of it
            await asyncio.sleep(0.05)


def child_of(folder: Path) -> int:
    """The process that computes a run."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and str(folder) in (entry / "cmdline").read_bytes().decode().split("\0"):
            return int(entry.name)
    raise AssertionError("no such process")
