"""Jobs and models by API."""

import pytest

from app.accounts.records import Viewer
from app.core import jobs
from app.ingest import service as imports
from app.ingest.records import NewImport
from tests.conftest import Client
from tests.factories import Gallery


@pytest.fixture
async def root(gallery: Gallery) -> dict[str, str]:
    return await gallery.bearer(await gallery.person("root", admin=True))


@pytest.fixture
async def anna(gallery: Gallery) -> Viewer:
    return await gallery.person("anna")


async def an_import(gallery: Gallery, owner: Viewer, name: str) -> int:
    assert owner.account_id is not None
    collection = await gallery.collection(owner, name)
    new = NewImport(owner.account_id, collection.id, name, "archive", f"{name}.zip", {}, total=10)
    async with gallery.intake.db.transaction() as conn:
        return await imports.begin(conn, new)


async def test_one_sees_the_jobs_of_ones_own_imports_and_an_admin_all(
    client: Client, gallery: Gallery, anna: Viewer, root: dict[str, str]
) -> None:
    bearer = await gallery.bearer(anna)
    async with gallery.intake.db.transaction() as conn:
        built = await jobs.create(conn, "index", "Building")
    first, second = [await an_import(gallery, anna, name) for name in ("First", "Second")]
    await an_import(gallery, await gallery.person("bert"), "Theirs")
    page = (await client.get("/api/v1/jobs", params={"limit": 1}, headers=bearer)).json()
    assert [one["import_id"] for one in page["jobs"]] == [second]
    rest = (await client.get("/api/v1/jobs", params={"cursor": page["next_cursor"]}, headers=bearer)).json()
    assert ([one["import_id"] for one in rest["jobs"]], rest["next_cursor"]) == ([first], None)
    job = rest["jobs"][0]
    assert (job["kind"], job["state"], job["done"], job["total"], job["cancelling"]) == (
        "import",
        "queued",
        0,
        10,
        False,
    )
    assert (await client.get(f"/api/v1/jobs/{job['job_id']}", headers=bearer)).json() == job
    assert (await client.get(f"/api/v1/jobs/{built}", headers=bearer)).status_code == 404
    assert (await client.post(f"/api/v1/jobs/{built}/cancel", headers=bearer)).status_code == 404
    assert len((await client.get("/api/v1/jobs", headers=root)).json()["jobs"]) == 4
    cancelled = await client.post(f"/api/v1/jobs/{job['job_id']}/cancel", headers=bearer)
    assert (cancelled.status_code, cancelled.json()) == (202, {**job, "cancelling": True})


async def test_a_job_that_has_ended_is_not_cancelled(client: Client, gallery: Gallery, root: dict[str, str]) -> None:
    async with gallery.intake.db.transaction() as conn:
        job_id = await jobs.create(conn, "index", "Building")
    async with jobs.running(gallery.intake.db, job_id):
        pass
    refused = await client.post(f"/api/v1/jobs/{job_id}/cancel", headers=root)
    assert (refused.status_code, refused.json()["detail"]) == (409, "this job has ended")


async def test_models_are_listed_and_one_at_hand_is_used(
    client: Client, gallery: Gallery, root: dict[str, str]
) -> None:
    listed = (await client.get("/api/v1/models", headers=root)).json()["models"]
    by_name = {one["name"]: one for one in listed}
    assert by_name["baseline"]["at_hand"]
    assert not by_name["dinov2-small"]["at_hand"]
    far = await client.post("/api/v1/models/use", json={"name": "dinov2-small"}, headers=root)
    assert far.status_code == 409
    assert "likeness models fetch dinov2-small" in far.json()["hint"]
    for name in ("nothing", "/etc", "../models", ""):
        assert (await client.post("/api/v1/models/use", json={"name": name}, headers=root)).status_code == 404
    used = await client.post("/api/v1/models/use", json={"name": "baseline"}, headers=root)
    assert used.status_code == 202
    assert used.json()["identity"] == (await gallery.model()).identity
    after = (await client.get("/api/v1/models", headers=root)).json()
    assert [one["name"] for one in after["models"] if one["wanted"]] == ["baseline"]
