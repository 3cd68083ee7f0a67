"""The admin's page as a whole: queues, disk, settings in force, and the one button on models."""

from pathlib import Path

import pytest

from app.admin.models_card import models_view
from app.admin.settings_card import list_settings
from app.core import jobs
from app.core.queue import enqueue
from app.core.settings import Settings
from app.embedding import service as embedding
from app.embedding import store as embedding_store
from app.embedding.models import find_choice
from app.embedding.service import BUILD_TASK
from app.embedding.service_models import Listed
from app.ingest.pipeline import EMBED_TASK
from app.search import builds
from ml.models import registry
from tests.app.search.building import build, versions
from tests.conftest import CaughtUp, Client, SignIn
from tests.factories import Gallery


@pytest.fixture
async def admin(gallery: Gallery, sign_in: SignIn) -> Client:
    return await sign_in(await gallery.person("root", admin=True))


async def test_c23_the_page_tells_how_long_the_oldest_of_each_queue_has_waited(admin: Client, gallery: Gallery) -> None:
    async with gallery.intake.db.transaction() as conn:
        await enqueue(conn, EMBED_TASK)
        await conn.execute("UPDATE procrastinate_events SET at = now() - interval '2 hours'")
    page = (await admin.get("/admin")).text
    assert '<th scope="row">Embedding</th><td>1</td><td>0</td><td>2 h</td>' in page
    assert '<th scope="row">Imports</th><td>0</td><td>0</td><td>–</td>' in page
    part = await admin.get("/admin", headers={"hx-request": "true"})
    assert "<td>2 h</td>" in part.text
    assert "LIKENESS_PORT" not in part.text, "what does not change is not asked for again"


async def test_c23_disk_drift_and_versions_are_told(admin: Client, gallery: Gallery, caught_up: CaughtUp) -> None:
    anna = await gallery.person("anna")
    await gallery.pictures(anna, await gallery.collection(anna, "Birds"), range(4))
    await gallery.embed()
    await build(gallery)
    await caught_up()
    page = (await admin.get("/admin")).text
    assert "none: the index holds what the database does" in page
    assert "<dt>Originals</dt>" in page
    assert "GiB free" in page
    for column in ("Version", "Kind", "Vectors", "nlist", "nprobe", "Recall", "Age", "Why"):
        assert f'<th scope="col">{column}</th>' in page
    async with gallery.intake.db.transaction() as conn:
        await conn.execute("DELETE FROM embedding WHERE image_id = (SELECT min(image_id) FROM embedding)")
    assert "the index holds 4 pictures, the database 3" in (await admin.get("/admin")).text


async def test_c23_settings_are_shown_as_they_are_in_force_and_secrets_are_not(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIKENESS_PORT", "8000")
    page = (await admin.get("/admin")).text
    settings = page.split('id="settings"')[1]
    assert settings.count("LIKENESS_") == len(Settings.__dataclass_fields__)
    assert settings.count(">Environment<") >= 1


def test_c23_secrets_of_settings_are_masked() -> None:
    url = "postgresql://keeper:tiger@db.example.org:5433/likeness?sslpassword=lion"
    settings = Settings(Path("/data"), database_url=url, qdrant_api_key="panther", metrics_token="x" * 20)
    shown = {one.variable: one for one in list_settings(settings, {"LIKENESS_DATABASE_URL": url})}
    assert shown["LIKENESS_DATABASE_URL"].text == "user keeper, host db.example.org, port 5433, dbname likeness"
    assert shown["LIKENESS_DATABASE_URL"].from_environment
    assert not shown["LIKENESS_PORT"].from_environment
    assert shown["LIKENESS_QDRANT_API_KEY"].text == shown["LIKENESS_METRICS_TOKEN"].text == "set, not shown"
    assert shown["LIKENESS_PUBLIC_URL"].text == "not set"
    words = " ".join(one.text for one in shown.values())
    assert not any(secret in words for secret in ("tiger", "lion", "panther", "xxxx"))
    odd = list_settings(Settings(Path("/data"), database_url="no=such=address tiger"), {})
    assert "tiger" not in " ".join(one.text for one in odd)


async def test_c23_one_button_extracts_and_indexes(admin: Client, gallery: Gallery, caught_up: CaughtUp) -> None:
    """The whole way: another model is in force before; the chosen one embeds all, is indexed, and is put in force."""
    db, settings = gallery.intake.db, gallery.settings
    anna = await gallery.person("anna")
    await gallery.pictures(anna, await gallery.collection(anna, "Birds"), range(4))
    async with db.transaction() as conn:
        other = await embedding_store.put_model(conn, "other", "0" * 64, 8)
    await builds.ensure_active(db, other)
    assert "Extract and index" in (await admin.get("/admin")).text
    assert (await admin.post("/admin/models/use", data={"model": "baseline"})).status_code == 303
    assert "until then searches are answered as before" in (await admin.get("/admin")).text
    choice = await find_choice(db, settings)
    assert choice is not None
    assert choice.name == "baseline"
    await embedding.embed_pending(gallery.workshop, "baseline")
    assert await waiting(gallery, BUILD_TASK) == 1, "complete, so its index is to be built"
    model = await gallery.model()
    await builds.build(db, settings, model.id, None, activate=True)
    active = await embedding.active_model(db)
    assert active is not None
    assert active.id == model.id
    await caught_up()
    assert [(one.model, one.is_active) for one in await versions(gallery)] == [("baseline", True)]


async def test_c23_the_model_in_force_is_indexed_afresh_by_the_same_button_and_api(
    admin: Client, client: Client, gallery: Gallery
) -> None:
    await gallery.embed()
    assert (await admin.post("/admin/models/use", data={"model": "baseline"})).status_code == 303
    async with gallery.intake.db.transaction() as conn:
        job = await jobs.find_active(conn, "index")
        assert job is not None
        assert job.message == "extract and index"
        await conn.execute("UPDATE job SET state = 'done'")
    bearer = await gallery.bearer(await gallery.person("ruth", admin=True))
    answer = await client.post("/api/v1/models/use", json={"name": "baseline"}, headers=bearer)
    assert answer.status_code == 202
    async with gallery.intake.db.transaction() as conn:
        assert await jobs.find_active(conn, "index") is not None


async def test_a_model_that_is_unknown_or_not_at_hand_changes_nothing(admin: Client, gallery: Gallery) -> None:
    for name, status in (("", 404), ("no-such", 404), ("../elsewhere", 404), ("dinov2-small", 409)):
        assert (await admin.post("/admin/models/use", data={"model": name})).status_code == status, name
    assert await waiting(gallery, EMBED_TASK) == 0


def test_only_what_the_environment_allows_can_be_chosen() -> None:
    baseline = registry.resolve("baseline", cache_dir=Path("/nowhere"))
    small = registry.resolve("dinov2-small", cache_dir=Path("/nowhere"))
    listed = [
        Listed("baseline", baseline, "", active=True, wanted=True),
        Listed("dinov2-small", small, "", active=False, wanted=False),
        Listed("broken", None, "its files are damaged", active=False, wanted=False),
    ]
    view = models_view(listed, "", Settings(Path("/data")))
    assert (view.choices, view.chosen, view.fixed) == (["baseline"], "baseline", "")
    assert [one.state for one in view.models] == ["in force", "to fetch", "unusable"]
    fixed = models_view(listed, "", Settings(Path("/data"), model="dinov2-small"))
    assert (fixed.choices, fixed.fixed) == ([], "dinov2-small")


async def waiting(gallery: Gallery, task: str) -> int:
    async with gallery.intake.db.transaction() as conn:
        cursor = await conn.execute(
            "SELECT count(*) FROM procrastinate_jobs WHERE task_name = %s AND status = 'todo'", (task,)
        )
        row = await cursor.fetchone()
    return row[0] if row else 0
