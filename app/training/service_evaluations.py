"""The verbs of evaluation runs: begin, run, run again, cancel, look, read the report, delete."""

import asyncio
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
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
from app.training import order, service_reports, store, store_evaluations, store_pictures
from app.training.records import Evaluation, NewEvaluation
from app.training.running import Follower, follow
from app.training.service_reports import REPORT_FILES

RUN_TASK = "training:evaluate"
LOCK = "evaluation"
LISTED = 100
LEAST_SAMPLE = 10
PROTOCOLS = ("retrieval", "original", "knn", "clusters")
KEPT = ("model", "protocols")
"""What of an outcome is kept beside the report, which has all."""


@dataclass(frozen=True, slots=True)
class Progress:
    """An evaluation with the job that runs it."""

    made: Evaluation
    job: jobs.Job


async def begin(
    db: Database,
    settings: Settings,
    viewer: Viewer,
    *,
    models: Sequence[str],
    collection: str | int | None = None,
    training_id: int | None = None,
    protocols: Sequence[str] = PROTOCOLS,
    sample: int | None = None,
    seed: int = 0,
) -> int:
    """Queue an evaluation of models on a collection, or on what a training held out of its own. Returns its id.

    Raises NotFound, Invalid, Conflict. The viewer must be able to see the collection.
    """
    account_id = require_account(viewer)
    models = list(dict.fromkeys(models))
    if unknown := sorted(set(protocols) - set(PROTOCOLS)):
        raise Invalid(f"there is no protocol {unknown[0]!r}: {', '.join(PROTOCOLS)}")
    if not protocols or not models:
        raise Invalid("name at least one model and one protocol")
    if sample is not None and not LEAST_SAMPLE <= sample < 2**31:
        raise Invalid(f"a sample has at least {LEAST_SAMPLE} pictures")
    if not 0 <= seed < 2**31:
        raise Invalid(f"a seed is from 0 to {2**31 - 1}")
    await _check_models(db, settings, models)
    async with db.transaction() as conn:
        if training_id is not None:
            trained = await store.get(conn, training_id)
            if not trained.held_out_pct:
                raise Conflict("that training held no pictures out", hint="evaluate on a collection")
            if not (settings.trainings_dir / str(training_id) / order.FILE).is_file():
                raise Conflict("that training has not begun: it has held nothing out yet")
            collection = trained.collection_id
        if collection is None:
            raise NotFound("no such collection")
        found = await collections.resolve(conn, viewer, collection)
        new = NewEvaluation(account_id, found.id, found.name, training_id, models, list(protocols), sample, seed)
        return await _insert(conn, new)


async def begin_again(db: Database, viewer: Viewer, evaluation_id: int) -> int:
    """A new evaluation with the settings of an earlier one, on the pictures that there are now. Returns its id."""
    account_id = require_account(viewer)
    async with db.transaction() as conn:
        made, collection = await service_reports.get_seen(conn, viewer, evaluation_id)
        new = NewEvaluation(
            account_id,
            collection.id,
            collection.name,
            made.training_id,
            made.models,
            made.protocols,
            made.sample,
            made.seed,
        )
        return await _insert(conn, new)


async def run(db: Database, settings: Settings, blobs: BlobStore, evaluation_id: int) -> None:
    """Run an evaluation to its end; one that has ended is left as it is. Raises RunFailed."""
    async with db.transaction() as conn:
        made = await store_evaluations.get(conn, evaluation_id)
        if made.ended:
            return
        job = await jobs.get(conn, made.job_id)
        if job.ended:
            made = replace(made, job_id=await jobs.create(conn, "evaluate", job.title))
            await store_evaluations.set_job(conn, evaluation_id, made.job_id)
        await store_evaluations.set_state(conn, evaluation_id, "running")
    folder = settings.evaluations_dir / str(evaluation_id)
    async with jobs.running(db, made.job_id) as report:
        try:
            await report.advance(0)
            await asyncio.to_thread(order.write_order, folder, await make_order(db, settings, blobs, made))
            await follow(folder, Follower(report))
            results = await asyncio.to_thread(_read_results, folder)
        except jobs.JobCancelled:
            await _end(db, evaluation_id, "stopped")
            raise
        except Exception as error:  # whatever it is, nobody is told that it still runs
            await _end(db, evaluation_id, "failed", str(error))
            raise
        async with db.transaction() as conn:
            await store_evaluations.set_results(conn, evaluation_id, results)
            await store_evaluations.set_state(conn, evaluation_id, "done")
        report.outcome = f"{', '.join(made.models)} on {made.collection_name}"


async def get(db: Database, evaluation_id: int) -> Progress:
    """One evaluation: figures, which show nobody's pictures. Raises NotFound."""
    async with db.transaction() as conn:
        made = await store_evaluations.get(conn, evaluation_id)
        return Progress(made, await jobs.get(conn, made.job_id))


async def list_all(db: Database, training_id: int | None = None) -> list[Progress]:
    """The newest first; with `training_id`, those on what it held out."""
    async with db.transaction() as conn:
        found = await store_evaluations.list_all(conn, LISTED, training_id)
        return [Progress(one, await jobs.get(conn, one.job_id)) for one in found]


async def cancel(db: Database, evaluation_id: int) -> None:
    """Ask an evaluation to end. Raises NotFound, and Conflict for one that has ended."""
    async with db.transaction() as conn:
        made = await store_evaluations.get(conn, evaluation_id)
        if made.ended:
            raise Conflict("this evaluation has ended")
        await jobs.request_cancel(conn, made.job_id)


async def delete(db: Database, settings: Settings, evaluation_id: int) -> None:
    """Erase an evaluation with its report. Raises NotFound, and Conflict while it runs."""
    async with db.transaction() as conn:
        made = await store_evaluations.get(conn, evaluation_id)
        if not made.ended:
            raise Conflict("this evaluation is under way", hint="cancel it first")
        await store_evaluations.delete(conn, evaluation_id)
    await asyncio.to_thread(shutil.rmtree, settings.evaluations_dir / str(evaluation_id), ignore_errors=True)


async def queue_unfinished(db: Database) -> None:
    """Queue again what a worker that ended left behind."""
    async with db.transaction() as conn:
        for evaluation_id in await store_evaluations.list_unfinished(conn):
            await _queue(conn, evaluation_id)


async def list_comparable(db: Database, settings: Settings) -> list[str]:
    """The models that are at hand."""
    listed, _ = await service_models.list_models(db, settings)
    return [one.name for one in listed if one.at_hand]


async def _check_models(db: Database, settings: Settings, models: Sequence[str]) -> None:
    at_hand = await list_comparable(db, settings)
    if lacking := [one for one in models if one not in at_hand]:
        raise Conflict(f"{lacking[0]} is not at hand", hint=f"models that are: {', '.join(at_hand)}")


async def _insert(conn: Connection, new: NewEvaluation) -> int:
    job_id = await jobs.create(conn, "evaluate", f"Evaluating {', '.join(new.models)} on {new.collection_name}")
    evaluation_id = await store_evaluations.insert(conn, new, job_id)
    await _queue(conn, evaluation_id)
    return evaluation_id


async def make_order(db: Database, settings: Settings, blobs: BlobStore, made: Evaluation) -> order.Order:
    """What an evaluation's process is told. Raises Conflict when the collection is gone."""
    if made.collection_id is None:
        raise Conflict("its collection was deleted before it began")
    async with db.transaction() as conn:
        stored = await store_pictures.list_pictures(conn, made.collection_id)
    pictures = order.list_pictures(stored, blobs)
    name = made.collection_name
    if made.training_id is not None:
        trained = await asyncio.to_thread(order.read_order, settings.trainings_dir / str(made.training_id))
        held = {one.id for one in trained.held_out}
        pictures = [one for one in pictures if one.id in held]
        name += ", held out"
    pictures = order.draw(pictures, made.sample, made.seed)
    asked = {"models": made.models, "protocols": made.protocols, "seed": made.seed}
    return order.Order("evaluate", name, str(settings.models_dir), pictures, [], asked)


def _read_results(folder: Path) -> dict[str, Any]:
    """The figures alone: names of pictures are the report's."""
    found = json.loads((folder / REPORT_FILES["json"]).read_text())
    for one in found["sets"]:
        one["outcomes"] = [{name: outcome[name] for name in KEPT} for outcome in one["outcomes"]]
        one["left_out"] = len(one["left_out"])
    return found


async def _queue(conn: Connection, evaluation_id: int) -> None:
    lock = f"evaluation:{evaluation_id}"
    await enqueue(conn, RUN_TASK, queueing_lock=lock, lock=LOCK, evaluation_id=evaluation_id)


async def _end(db: Database, evaluation_id: int, state: Any, error: str = "") -> None:
    async with db.transaction() as conn:
        await store_evaluations.set_state(conn, evaluation_id, state, error)
