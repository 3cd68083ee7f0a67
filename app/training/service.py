"""The verbs of trainings: begin, run, cancel, go on, look, delete."""

import asyncio
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from app.accounts.records import Viewer
from app.accounts.service import require_account
from app.collections import service as collections
from app.core import jobs
from app.core.blobs import BlobStore
from app.core.database import Connection, Database
from app.core.errors import Conflict, Invalid, NotFound
from app.core.queue import enqueue
from app.core.settings import Settings
from app.embedding import service_models
from app.training import order, store, store_pictures
from app.training.names import check_free, check_name
from app.training.records import NewTraining, Training
from app.training.running import TrainingFollower, follow
from app.training.service_config import check_config
from ml.models import weights

RUN_TASK = "training:run"
LOCK = "training"
LISTED = 100
POINTS = 800
MOST_HELD_OUT = 50
CARD = "README.md"


@dataclass(frozen=True, slots=True)
class Progress:
    """A training with the job that runs it."""

    made: Training
    job: jobs.Job

    @property
    def can_go_on(self) -> bool:
        return self.made.state in ("stopped", "failed")


@dataclass(frozen=True, slots=True)
class Estimate:
    """How long a training may take, by the last one of the same kind; None where there was none."""

    pictures: int
    seconds: float | None


async def begin(
    db: Database,
    settings: Settings,
    viewer: Viewer,
    *,
    collection: str | int,
    model: str,
    name: str,
    config: dict[str, Any],
    held_out_pct: int = 20,
) -> int:
    """Queue a training on a collection that the viewer may see. Returns its id.

    Raises NotFound, Invalid for settings out of range, Conflict for a model that cannot be trained or a taken name.
    """
    account_id = require_account(viewer)
    name = check_name(name)
    if not 0 <= held_out_pct <= MOST_HELD_OUT:
        raise Invalid(f"from 0 to {MOST_HELD_OUT} percent can be held out")
    trainable = await _trainable(db, settings)
    checked = check_config(config, trainable.get(model))
    _check_model(trainable, model)
    await asyncio.to_thread(check_free, name, settings.models_dir)
    async with db.transaction() as conn:
        found = await collections.resolve(conn, viewer, collection)
        if await store.find_by_output(conn, name) is not None:
            raise Conflict(f"another training makes a model called {name}", hint="choose another name")
        new = NewTraining(account_id, found.id, found.name, model, name, checked.to_json(), held_out_pct)
        job_id = await jobs.create(conn, "train", _title(new.output, new.collection_name))
        training_id = await store.insert(conn, new, job_id)
        await _queue(conn, training_id)
    return training_id


async def run(db: Database, settings: Settings, blobs: BlobStore, training_id: int) -> None:
    """Run a training to its end, or on from its last checkpoint. Raises RunFailed.

    One that was stopped, or has ended, is left as it is: a worker that takes over asks for all that it may have to do.
    """
    async with db.transaction() as conn:
        made = await store.get(conn, training_id)
        if made.ended:
            return
        job = await jobs.get(conn, made.job_id)
        if job.ended:
            made = replace(made, job_id=await jobs.create(conn, "train", job.title, job.total))
            await store.set_job(conn, training_id, made.job_id)
        await store.set_state(conn, training_id, "running")
    async with jobs.running(db, made.job_id) as report:
        try:
            await report.advance(0)
            folder = settings.trainings_dir / str(training_id)
            if not (folder / order.FILE).is_file():
                await asyncio.to_thread(order.write_order, folder, await make_order(db, settings, blobs, made))
            ending = await follow(folder, TrainingFollower(db, report, training_id))
        except jobs.JobCancelled:
            await _end(db, training_id, "stopped")
            raise
        except Exception as error:  # whatever it is, nobody is told that it still runs
            await _end(db, training_id, "failed", str(error))
            raise
        await _end(db, training_id, ending)
        report.outcome = f"{made.output} is trained: compare it, then promote it"


async def get(db: Database, training_id: int) -> Progress:
    """One training. Raises NotFound."""
    async with db.transaction() as conn:
        made = await store.get(conn, training_id)
        return Progress(made, await jobs.get(conn, made.job_id))


async def list_points(db: Database, training_id: int) -> list[dict[str, Any]]:
    """The curves: steps and probes in order, steps thinned to a number that can be drawn."""
    async with db.transaction() as conn:
        return await store.list_points(conn, training_id, POINTS)


async def read_card(settings: Settings, made: Training) -> str:
    """The model card of what a training made; empty before."""
    file = settings.models_dir / made.output / CARD
    return await asyncio.to_thread(file.read_text) if made.state == "done" and file.is_file() else ""


async def list_all(db: Database) -> list[Progress]:
    """The newest first."""
    async with db.transaction() as conn:
        return [Progress(one, await jobs.get(conn, one.job_id)) for one in await store.list_all(conn, LISTED)]


async def cancel(db: Database, training_id: int) -> None:
    """Ask a training to end with a checkpoint. Raises NotFound, and Conflict for one that has ended."""
    async with db.transaction() as conn:
        made = await store.get(conn, training_id)
        if made.ended:
            raise Conflict("this training has ended")
        await jobs.request_cancel(conn, made.job_id)


async def go_on(db: Database, training_id: int) -> None:
    """Queue a training that was stopped or failed: it goes on from its last checkpoint. Raises NotFound, Conflict."""
    async with db.transaction() as conn:
        made = await store.get(conn, training_id)
        if made.state not in ("stopped", "failed"):
            raise Conflict(
                "this training has come to its end" if made.state == "done" else "this training is under way"
            )
        job = await jobs.get(conn, made.job_id)
        await store.set_job(conn, training_id, await jobs.create(conn, "train", job.title, job.total))
        await store.set_state(conn, training_id, "queued")
        await _queue(conn, training_id)


async def queue_unfinished(db: Database) -> None:
    """Queue again what a worker that ended left behind: its task ended with it."""
    async with db.transaction() as conn:
        for training_id in await store.list_unfinished(conn):
            await _queue(conn, training_id)


async def delete(db: Database, settings: Settings, training_id: int) -> Training:
    """Erase a training with its model, the model's vectors and its checkpoints.

    Raises NotFound, and Conflict while it runs and while the gallery needs the model.
    """
    made = (await get(db, training_id)).made
    if not made.ended:
        raise Conflict("this training is under way", hint="cancel it first")
    if made.output in weights.list_folders(settings.models_dir):
        await service_models.remove_model(db, settings, made.output, embeddings=True)
    async with db.transaction() as conn:
        await store.delete(conn, training_id)
    for folder in (settings.models_dir / made.output, settings.trainings_dir / str(training_id)):
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    return made


async def estimate(
    db: Database,
    settings: Settings,
    viewer: Viewer,
    *,
    collection_id: int,
    model: str,
    config: dict[str, Any],
    held_out_pct: int,
) -> Estimate:
    """By the pace of the last training of the model with the same blocks and crops. Raises NotFound, Invalid."""
    checked = check_config(config, (await _trainable(db, settings)).get(model))
    async with db.transaction() as conn:
        await collections.resolve(conn, viewer, collection_id)
        count = len(await store_pictures.list_pictures(conn, collection_id))
        rate = await store.find_rate(conn, model, checked.to_json())
    pictures = round(count * (100 - held_out_pct) / 100)
    return Estimate(pictures, pictures * checked.epochs / rate if rate else None)


async def list_trainable(db: Database, settings: Settings) -> list[str]:
    """The networks that are at hand."""
    return list(await _trainable(db, settings))


async def _trainable(db: Database, settings: Settings) -> dict[str, int]:
    """The networks that are at hand, each with the pixels that its preprocessing keeps."""
    listed, _ = await service_models.list_models(db, settings)
    found = {one.name: one.found for one in listed if one.at_hand}
    return {
        name: one.network.input_size
        for name, one in found.items()
        if one is not None and one.network.patch is not None and one.adapter is None
    }


def _check_model(trainable: Iterable[str], model: str) -> None:
    if model not in trainable:
        names = ", ".join(trainable) or "none is at hand: fetch one with likeness models fetch dinov2-small"
        raise Conflict(f"{model or 'no model'} cannot be trained", hint=f"networks that can: {names}")


async def make_order(db: Database, settings: Settings, blobs: BlobStore, made: Training) -> order.Order:
    """What a training's process is told. Raises Conflict when the collection is gone."""
    if made.collection_id is None:
        raise Conflict("its collection was deleted before it began")
    async with db.transaction() as conn:
        stored = await store_pictures.list_pictures(conn, made.collection_id)
    pictures = order.list_pictures(stored, blobs)
    learnt, held = order.hold_out(pictures, made.held_out_pct, made.config["seed"])
    asked = {"model": made.model, "output": str(settings.models_dir / made.output), "config": made.config}
    return order.Order("train", made.collection_name, str(settings.models_dir), learnt, held, asked)


async def _queue(conn: Connection, training_id: int) -> None:
    await enqueue(conn, RUN_TASK, queueing_lock=f"training:{training_id}", lock=LOCK, training_id=training_id)


async def _end(db: Database, training_id: int, state: Any, error: str = "") -> None:
    async with db.transaction() as conn:
        try:
            await store.set_state(conn, training_id, state, error)
        except NotFound:
            return


def _title(output: str, collection: str) -> str:
    return f"Training {output} on {collection}"
