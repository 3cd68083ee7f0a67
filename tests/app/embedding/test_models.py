"""Which model a gallery wants, and the models that are loaded: once, and not for longer than they are used."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app.core import jobs
from app.core.database import Database
from app.core.settings import Settings
from app.embedding import models
from app.embedding.models import Embedders, absolute, ensure_weights, find_choice, register, resolve_choice
from ml.models import weights
from ml.models.choice import Choice
from ml.models.model import ModelSpec, ModelUnavailable
from tests.factories import picture
from tests.ml.hub import LocalHub
from tests.waiting import until


@pytest.fixture
def auto(settings: Settings) -> Settings:
    return replace(settings, model="auto")


async def last_job(db: Database) -> jobs.Job:
    async with db.transaction() as conn:
        return (await jobs.list_recent(conn))[0]


async def test_a_named_model_is_the_choice(db: Database, settings: Settings) -> None:
    choice = await resolve_choice(db, settings)
    assert (choice.name, choice.reason) == ("baseline", "named by LIKENESS_MODEL")


async def test_auto_is_resolved_once_and_stored(db: Database, auto: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def choose(models_dir: object) -> Choice:
        asked.append(models_dir)
        return Choice("baseline", "nothing else is at hand")

    monkeypatch.setattr(models, "choose", choose)
    assert await find_choice(db, auto) is None
    first = await resolve_choice(db, auto)
    assert (first.name, first.reason) == ("baseline", "nothing else is at hand")
    assert await resolve_choice(db, auto) == first == await find_choice(db, auto)
    assert asked == [auto.models_dir]


async def test_what_auto_cannot_fetch_is_not_insisted_on(
    db: Database, auto: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "choose", lambda _: Choice("dinov2-small", "the hub answered"))
    choice = await resolve_choice(db, auto)
    assert choice.name == "baseline"
    assert choice.reason.startswith("dinov2-small could not be fetched: HF_HUB_OFFLINE is set")


async def test_weights_are_fetched_once_as_a_job(db: Database, settings: Settings, hub: LocalHub) -> None:
    told: list[int] = []
    for _ in range(2):
        await ensure_weights(db, settings, "dinov2-small:tiles", lambda done, _: told.append(done))
    folder = settings.models_dir / "dinov2-small"
    assert told[-1] == sum((folder / file).stat().st_size for file in weights.FILES)
    assert hub.sent["model.safetensors"] == (folder / "model.safetensors").stat().st_size
    job = await last_job(db)
    assert (job.kind, job.title, job.state) == ("fetch", "Fetching DINOv2 ViT-S/14", "done")


async def test_a_fetch_that_is_cancelled_ends(
    db: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[int] = []

    def fetch_slowly(spec: ModelSpec, _: Path, progress: Callable[[int, int], None]) -> None:
        done = 0
        try:
            while done < 1000:
                progress(done := done + 1, spec.size_bytes)
                time.sleep(0.005)
        finally:
            ended.append(done)

    monkeypatch.setattr(weights, "fetch", fetch_slowly)
    monkeypatch.setattr(models, "FETCH_REPORT_S", 0.05)
    work = asyncio.create_task(ensure_weights(db, settings, "dinov2-small"))
    await until(lambda: _is_running(db))
    async with db.transaction() as conn:
        await jobs.request_cancel(conn, (await jobs.list_recent(conn))[0].id)
    with pytest.raises(ModelUnavailable, match="fetching dinov2-small was cancelled"):
        await work
    assert ended, "its thread ended"
    assert ended[0] < 1000, "and had not fetched all"
    assert (await last_job(db)).state == "cancelled"


async def _is_running(db: Database) -> bool:
    async with db.transaction() as conn:
        return any(job.state == "running" for job in await jobs.list_recent(conn))


def test_a_folder_is_known_by_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tiny").mkdir()
    (tmp_path / "dinov2-small").mkdir()
    monkeypatch.chdir(tmp_path)
    assert absolute("./tiny:cls:tiles") == f"{tmp_path}/tiny:tiles"
    assert absolute("tiny:tiles") == "tiny:tiles", "one of the gallery's own, whatever lies here"
    assert absolute("dinov2-small:fit:mean") == "dinov2-small:mean"
    assert absolute("elsewhere") == "elsewhere"


async def test_a_model_is_loaded_once_and_known_by_its_identity(db: Database, settings: Settings) -> None:
    embedders = Embedders(settings.models_dir)
    embedder = await embedders.get("baseline")
    assert await embedders.get("baseline") is embedder
    row = await register(db, "baseline", embedder)
    assert (row.name, row.identity, row.dim) == ("baseline", embedder.model.identity, embedder.model.dim)
    assert await register(db, "baseline", embedder) == row


async def test_a_model_without_work_gives_its_memory_back(settings: Settings, tiny: Path) -> None:
    embedders, name = Embedders(settings.models_dir), str(tiny)
    await embedders.get("baseline")
    embedder = await embedders.get(name)
    before = embedder.embed_bytes(picture(1))
    with capture_logs() as logs:
        assert await embedders.unload_idle(3600) == []
        assert await embedders.unload_idle(0) == [name]
        assert await embedders.unload_idle(0) == [], "it has nothing left, and baseline never had"
    assert [entry["model"] for entry in logs] == [name]
    assert (embedder.embed_bytes(picture(1)) == before).all(), "it is loaded again when there is work"
    assert await embedders.unload_idle(0) == [name]


async def test_models_are_tended_until_cancelled(
    settings: Settings, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "TEND_S", 0.01)
    embedders = Embedders(settings.models_dir)
    embedder = await embedders.get(str(tiny))
    asked: list[float] = []
    monkeypatch.setattr(embedder, "unload_if_idle", lambda idle_s: asked.append(idle_s))
    await embedders.tend(0)
    assert not asked, "with 0 minutes a model is kept"
    tending = asyncio.create_task(embedders.tend(2))

    async def asked_twice() -> bool:
        return len(asked) >= 2

    await until(asked_twice)
    tending.cancel()
    assert set(asked) == {120.0}
