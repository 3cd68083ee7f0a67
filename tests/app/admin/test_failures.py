"""Pictures that failed, and jobs that did: tried again one by one, or all."""

from pathlib import Path

import pytest

from app.accounts.records import Viewer
from app.core import jobs
from app.images import service as images
from app.ingest import service as imports
from app.ingest import store
from app.ingest.records import NewImport
from tests.conftest import Client, SignIn
from tests.factories import Gallery, picture


@pytest.fixture
async def root(gallery: Gallery) -> Viewer:
    return await gallery.person("root", admin=True)


@pytest.fixture
async def admin(root: Viewer, sign_in: SignIn) -> Client:
    return await sign_in(root)


async def lose(gallery: Gallery, owner: Viewer, image_id: int) -> tuple[bytes, bytes]:
    """Take the file of a picture away; returns its digest and its bytes."""
    lost = await images.get_visible(gallery.intake.db, owner, image_id)
    data = gallery.intake.blobs.read(gallery.intake.blobs.original(lost.digest))
    gallery.intake.blobs.remove(lost.digest)
    return lost.digest, data


async def test_c23_one_picture_that_failed_is_tried_again_alone(admin: Client, root: Viewer, gallery: Gallery) -> None:
    anna = await gallery.person("anna")
    first, second = await gallery.pictures(anna, await gallery.collection(anna, "Birds"), [1, 2])
    (own,) = await gallery.pictures(root, await gallery.collection(root, "Mine"), [3])
    back = await lose(gallery, anna, first)
    for person, image_id in ((anna, second), (root, own)):
        await lose(gallery, person, image_id)
    await gallery.embed()
    page = (await admin.get("/admin")).text
    assert page.count("the file of this picture is missing") == 3
    assert f'href="/images/{own}"' in page
    assert f'href="/images/{first}"' not in page, "an admin sees nobody else's pictures"
    gallery.intake.blobs.put_all([(*back, {})])
    assert (await admin.post(f"/admin/failures/{first}/retry")).status_code == 303
    assert await gallery.embed() == 1
    assert (await admin.get("/admin")).text.count("the file of this picture is missing") == 2
    assert (await admin.post(f"/admin/failures/{first}/retry")).status_code == 404


@pytest.fixture
async def refused(gallery: Gallery, tmp_path: Path) -> int:
    """An import of anna's that came to its end, and refused two files of three."""
    anna = await gallery.person("anna")
    assert anna.account_id is not None
    folder = tmp_path / "scans"
    folder.mkdir()
    (folder / "a.png").write_bytes(picture(1))
    for name in ("b.png", "c.png"):
        (folder / name).write_text("no picture", encoding="utf-8")
    shelf = await gallery.collection(anna, "Scans")
    new = NewImport(anna.account_id, shelf.id, "Scans", "folder", "scans", {"path": str(folder)}, "f", 3)
    async with gallery.intake.db.transaction() as conn:
        import_id = await imports.begin(conn, new)
    await imports.run(gallery.intake, import_id)
    return import_id


async def test_c23_one_refused_file_is_tried_again_alone(
    admin: Client, gallery: Gallery, refused: int, tmp_path: Path
) -> None:
    page = (await admin.get("/admin")).text
    assert "2 refused" in page
    for name, seed in (("b.png", 2), ("c.png", 3)):
        (tmp_path / "scans" / name).write_bytes(picture(seed))
    assert (await admin.post(f"/admin/quarantine/{refused}/0/retry")).status_code == 404, "a.png came in"
    assert (await admin.post(f"/admin/quarantine/{refused}/1/retry")).status_code == 303
    assert (await admin.post(f"/admin/quarantine/{refused}/1/retry")).status_code == 409, "it is under way"
    await imports.run(gallery.intake, refused, again=True, position=1)
    async with gallery.intake.db.transaction() as conn:
        assert [one.file for one in await store.list_refusals(conn, refused)] == ["c.png"]
        made = await store.get(conn, refused)
    assert (made.added, made.refused) == (2, 1)


async def test_c23_all_that_was_refused_is_tried_again(admin: Client, gallery: Gallery, refused: int) -> None:
    assert (await admin.post("/admin/quarantine/retry")).status_code == 303
    assert "1 import tries again what was refused." in (await admin.get("/admin")).text
    async with gallery.intake.db.transaction() as conn:
        job = await jobs.get(conn, (await store.get(conn, refused)).job_id)
    assert (job.state, job.total) == ("queued", 2)
    assert (await admin.post("/admin/quarantine/retry")).status_code == 303
    assert "Nothing to try." in (await admin.get("/admin")).text


async def test_failures_as_json_are_paged_and_tried_again(client: Client, root: Viewer, gallery: Gallery) -> None:
    anna = await gallery.person("anna")
    ids = await gallery.pictures(anna, await gallery.collection(anna, "Birds"), [1, 2, 3])
    backs = [await lose(gallery, anna, one) for one in ids]
    await gallery.embed()
    bearer, where = await gallery.bearer(root), "/api/v1/admin/failures"
    first = (await client.get(where, params={"limit": 2}, headers=bearer)).json()
    cursor = {"cursor": first["next_cursor"]}
    rest = (await client.get(where, params=cursor, headers=bearer)).json()
    assert rest["next_cursor"] is None
    listed = [*first["failures"], *rest["failures"]]
    assert sorted(one["image_id"] for one in listed) == ids
    assert {(one["owner"], one["model"], one["reason"]) for one in listed} == {
        ("anna", "baseline", "the file of this picture is missing")
    }
    gallery.intake.blobs.put_all([(*backs[0], {})])
    assert (await client.post(f"{where}/{ids[0]}/retry", headers=bearer)).status_code == 202
    assert await gallery.embed() == 1
    for nothing in (ids[0], 2**70):
        assert (await client.post(f"{where}/{nothing}/retry", headers=bearer)).status_code == 404
    assert (await client.post(f"{where}/retry", headers=bearer)).json() == {"retried": 2}
    assert (await client.get(where, headers=bearer)).json() == {"failures": [], "next_cursor": None}


async def test_the_quarantine_as_json_is_paged_and_tried_again(
    client: Client, root: Viewer, gallery: Gallery, refused: int
) -> None:
    bearer, where = await gallery.bearer(root), "/api/v1/admin/quarantine"
    first = (await client.get(where, params={"limit": 1}, headers=bearer)).json()
    assert first.pop("next_cursor") == f"{refused}_1"
    told = {"import_id": refused, "import_name": "scans", "owner": "anna", "can_retry": True}
    assert first["count"] == 2
    assert [(one["position"], one["file"]) for one in first["refused"]] == [(1, "b.png")]
    assert told.items() <= first["refused"][0].items()
    rest = (await client.get(where, params={"cursor": f"{refused}_1"}, headers=bearer)).json()
    assert [one["file"] for one in rest["refused"]] == ["c.png"]
    assert (await client.post(f"{where}/{refused}/0/retry", headers=bearer)).status_code == 404, "it came in"
    assert (await client.post(f"{where}/{refused}/1/retry", headers=bearer)).status_code == 202
    assert (await client.post(f"{where}/{refused}/1/retry", headers=bearer)).status_code == 409, "it is under way"
    await imports.run(gallery.intake, refused, again=True, position=1)
    assert (await client.post(f"{where}/retry", headers=bearer)).json() == {"retried": 1}


@pytest.mark.parametrize("cursor", ["x", "1_2", "1_2_3_4", "-1_2_3", f"{2**62}_1_1", f"1_{2**63}_1", "1_2_٣"])
async def test_a_cursor_of_something_else_is_refused(
    client: Client, root: Viewer, gallery: Gallery, cursor: str
) -> None:
    bearer = await gallery.bearer(root)
    answer = await client.get("/api/v1/admin/failures", params={"cursor": cursor}, headers=bearer)
    assert (answer.status_code, answer.json()["detail"]) == (422, "cursor is the next_cursor of the page before")
    if cursor != "1_2":
        assert (
            await client.get("/api/v1/admin/quarantine", params={"cursor": cursor}, headers=bearer)
        ).status_code == 422


async def test_c23_a_job_that_failed_is_tried_again(admin: Client, gallery: Gallery, refused: int) -> None:
    await gallery.embed()
    async with gallery.intake.db.transaction() as conn:
        embed, index = [await jobs.create(conn, kind, "It", 1) for kind in ("embed", "index")]
        fetch = await jobs.create(conn, "fetch", "Fetching", 1)
        of_import = (await store.get(conn, refused)).job_id
        await conn.execute("UPDATE job SET state = 'failed', message = 'no room'")
    page = (await admin.get("/admin")).text
    assert [f'id="job-{one}-retry"' in page for one in (embed, index, of_import, fetch)] == [True, True, True, False]
    for one in (embed, index, of_import):
        assert (await admin.post(f"/admin/jobs/{one}/retry")).status_code == 303
    assert (await admin.post(f"/admin/jobs/{fetch}/retry")).status_code == 409
    async with gallery.intake.db.transaction() as conn:
        again = await jobs.find_active(conn, "index")
        assert again is not None
        assert again.message == "again, after: no room"
        assert (await jobs.get(conn, (await store.get(conn, refused)).job_id)).state == "queued"
    assert (await admin.post(f"/admin/jobs/{again.id}/retry")).status_code == 409, "it has not failed"
