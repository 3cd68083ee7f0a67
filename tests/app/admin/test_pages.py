"""The admin's page, and what supervisors ask."""

import pytest

from app.core import jobs
from app.core.errors import Unavailable
from app.images import service as images
from tests.conftest import CaughtUp, Client, SignIn
from tests.factories import Gallery


@pytest.fixture
async def admin(gallery: Gallery, sign_in: SignIn) -> Client:
    return await sign_in(await gallery.person("root", admin=True))


async def test_an_empty_gallery_has_an_admin_page(admin: Client) -> None:
    page = await admin.get("/admin")
    assert page.status_code == 200


async def test_the_page_tells_of_index_people_and_failures(
    admin: Client, gallery: Gallery, caught_up: CaughtUp
) -> None:
    anna = await gallery.person("anna")
    ids = await gallery.pictures(anna, await gallery.collection(anna, "Birds"), range(3))
    lost = await images.get_visible(gallery.intake.db, anna, ids[0])
    gallery.intake.blobs.remove(lost.digest)
    await gallery.embed()
    await caught_up()
    page = (await admin.get("/admin")).text
    for words in ("anna", "baseline", "the file of this picture is missing", "Embedding with baseline"):
        assert words in page
    assert f'src="/images/{ids[1]}' not in page, "an admin sees counts and never pictures"


async def test_a_rebuild_is_queued_and_its_job_shown_live(admin: Client, gallery: Gallery, caught_up: CaughtUp) -> None:
    assert (await admin.post("/admin/index/rebuild")).status_code == 409, "there is no model yet"
    await gallery.embed()
    await caught_up()
    assert (await admin.post("/admin/index/rebuild")).headers["location"] == "/admin"
    async with gallery.intake.db.transaction() as conn:
        job = await jobs.find_active(conn, "index")
    assert job is not None
    part = await admin.get(f"/admin/jobs/{job.id}", headers={"hx-request": "true"})
    assert f'id="job-{job.id}"' in part.text
    assert "<html" not in part.text
    assert "<html" in (await admin.get(f"/admin/jobs/{job.id}")).text
    assert (await admin.post(f"/admin/jobs/{job.id}/cancel")).status_code == 303
    async with gallery.intake.db.transaction() as conn:
        assert (await jobs.get(conn, job.id)).cancel_requested


async def test_failures_are_tried_again(admin: Client, gallery: Gallery) -> None:
    anna = await gallery.person("anna")
    (image_id,) = await gallery.pictures(anna, await gallery.collection(anna, "Birds"), [1])
    lost = await images.get_visible(gallery.intake.db, anna, image_id)
    gallery.intake.blobs.remove(lost.digest)
    await gallery.embed()
    assert (await admin.post("/admin/failures/retry")).status_code == 303
    assert "1 picture is tried again" in (await admin.get("/admin")).text


async def test_b18_alive_asks_for_nothing_and_ready_for_everything(
    client: Client, gallery: Gallery, caught_up: CaughtUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await client.get("/livez")).text == "alive\n"
    before = await client.get("/readyz")
    assert before.status_code == 503
    assert {one["name"]: one["ok"] for one in before.json()["checks"]}["index"] is False
    await gallery.embed()
    await caught_up()
    after = await client.get("/readyz")
    assert (after.status_code, after.json()["ready"]) == (200, True)
    checks = {one["name"]: one["ok"] for one in after.json()["checks"]}
    assert checks == {"database": True, "schema": True, "worker": False, "index": True, "disk": checks["disk"]}

    def gone() -> None:
        raise Unavailable("the database does not answer")

    monkeypatch.setattr(client.app.state.db, "transaction", gone)
    assert (await client.get("/readyz")).status_code == 503
    assert (await client.get("/livez")).status_code == 200


async def test_an_unknown_job_is_not_there(admin: Client) -> None:
    assert (await admin.get("/admin/jobs/999")).status_code == 404
    assert (await admin.post("/admin/jobs/999/cancel")).status_code == 404
