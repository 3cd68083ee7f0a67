"""The admin's index: its versions, the buttons on them, the curve, and the same as JSON."""

import re

import pytest

from app.accounts.records import Viewer
from app.admin.curve import draw_curve
from app.core import jobs
from app.search.builds import BelowTarget
from app.search.records import IndexVersion
from tests.app.search.building import build, fill, find_too_little, versions
from tests.conftest import CaughtUp, Client, SignIn
from tests.factories import Gallery


@pytest.fixture
async def root(gallery: Gallery) -> Viewer:
    return await gallery.person("root", admin=True)


@pytest.fixture
async def admin(root: Viewer, sign_in: SignIn) -> Client:
    return await sign_in(root)


@pytest.fixture
async def two(gallery: Gallery, root: Viewer, admin: Client, caught_up: CaughtUp) -> list[IndexVersion]:
    """The newest version, which is in force, and the one before."""
    await gallery.pictures(root, await gallery.collection(root, "Birds", public=True), range(4))
    await gallery.embed()
    for _ in range(2):
        await build(gallery)
    await caught_up()
    return await versions(gallery)


async def active(gallery: Gallery) -> list[int]:
    return [one.id for one in await versions(gallery) if one.is_active]


async def test_no_index_yet_is_a_state_of_its_own(admin: Client) -> None:
    page = (await admin.get("/admin")).text
    assert "No index stands yet" in page
    assert "Nothing has been built yet" in page
    assert 'id="rollback"' not in page


async def test_each_version_has_the_buttons_that_it_may_have(admin: Client, two: list[IndexVersion]) -> None:
    new, old = two
    page = (await admin.get("/admin")).text
    assert f"Roll back to {old.label}" in page
    assert f'id="activate-{old.id}"' in page
    assert f'id="delete-{old.id}"' in page
    assert f'id="activate-{new.id}"' not in page
    assert f'id="delete-{new.id}"' not in page
    assert "Kept in memory" in page
    part = await admin.get("/admin", headers={"hx-request": "true"})
    assert "<html" not in part.text
    assert 'id="index-panel"' in part.text
    assert 'id="versions-panel"' in part.text


async def test_the_buttons_do_what_they_say(admin: Client, gallery: Gallery, two: list[IndexVersion]) -> None:
    new, old = two
    assert (await admin.post("/admin/index/rollback")).headers["location"] == "/admin"
    assert await active(gallery) == [old.id]
    assert f"{old.label} is in force again." in (await admin.get("/admin")).text
    assert (await admin.post("/admin/index/rollback")).status_code == 409
    assert (await admin.post(f"/admin/index/versions/{new.id}/activate")).status_code == 303
    assert await active(gallery) == [new.id]
    assert (await admin.post(f"/admin/index/versions/{new.id}/delete")).status_code == 409
    assert (await admin.post(f"/admin/index/versions/{old.id}/delete")).status_code == 303
    assert [one.id for one in await versions(gallery)] == [new.id]
    assert (await admin.post(f"/admin/index/versions/{old.id}/activate")).status_code == 404


async def test_one_that_fell_short_is_put_in_force_only_knowingly(
    admin: Client, gallery: Gallery, two: list[IndexVersion], monkeypatch: pytest.MonkeyPatch
) -> None:
    find_too_little(monkeypatch)
    with pytest.raises(BelowTarget):
        await build(gallery)
    bad = (await versions(gallery))[0]
    page = (await admin.get("/admin")).text
    assert "Below target" in page
    assert f"/admin/index/versions/{bad.id}/activate?below_target=true" in page
    assert (await admin.post(f"/admin/index/versions/{bad.id}/activate")).status_code == 409
    assert (await admin.post(f"/admin/index/versions/{bad.id}/activate?below_target=true")).status_code == 303
    assert await active(gallery) == [bad.id]


async def test_an_ivf_index_shows_its_curve_with_a_table(
    admin: Client, gallery: Gallery, root: Viewer, two: list[IndexVersion], caught_up: CaughtUp
) -> None:
    assert root.account_id is not None
    await fill(gallery, root.account_id, (await gallery.collection(root, "Many")).id, 1_200)
    version = await build(gallery, exact_below=100)
    await caught_up()
    page = (await admin.get("/admin")).text
    facts = version.manifest
    assert f"nlist {facts['nlist']}, nprobe {facts['nprobe']}" in page
    assert "Fetching a vector, in µs" in page
    assert "gather_us" not in page
    assert page.count("<circle ") == len(facts["curve"]) > 1
    assert f"<title>nprobe {facts['nprobe']}: recall {facts['recall']:.3f}" in page
    rows = re.findall(r'<tr><th scope="row">(\d+)', page)
    assert [int(row) for row in rows] == [nprobe for nprobe, _, _ in facts["curve"]]
    assert "style=" not in page


async def test_the_same_as_json(client: Client, gallery: Gallery, root: Viewer, two: list[IndexVersion]) -> None:
    new, old = two
    bearer = await gallery.bearer(root)
    body = (await client.get("/api/v1/index", headers=bearer)).json()
    assert (body["state"], body["model"], body["version"]) == ("ready", "baseline", new.label)
    assert (body["count"], body["main"], body["delta"], body["tombstones"], body["lag"]) == (4, 4, 0, 0, 0)
    assert (body["due"], body["waits_for"]) == (None, None)
    assert [(one["version"], one["active"]) for one in body["versions"]] == [(new.id, True), (old.id, False)]
    back = await client.post("/api/v1/index/rollback", headers=bearer)
    assert (back.status_code, back.json()["version"], back.json()["active"]) == (200, old.id, True)
    refused = await client.post("/api/v1/index/rollback", headers=bearer)
    assert (refused.status_code, refused.headers["content-type"]) == (409, "application/problem+json")
    assert (await client.post(f"/api/v1/index/versions/{new.id}/activate", headers=bearer)).json()["active"] is True
    gone = await client.post(f"/api/v1/index/versions/{old.id}/delete", headers=bearer)
    assert (gone.status_code, gone.json()) == (200, {"deleted": old.id})
    queued = await client.post("/api/v1/index/build", headers=bearer)
    assert queued.status_code == 202
    async with gallery.intake.db.transaction() as conn:
        assert (await jobs.get(conn, queued.json()["job"])).message == "asked for by API"


def test_the_curve_stays_inside_its_drawing() -> None:
    curve = draw_curve([(1, 0.31, 0.02), (8, 0.90, 0.2), (64, 0.96, 1.4)], 64, 0.95)
    assert curve is not None
    assert all(curve.left <= point.x <= curve.right and curve.top <= point.y <= curve.bottom for point in curve.points)
    assert [point.in_force for point in curve.points] == [False, False, True]
    assert curve.points[0].y > curve.target_y > curve.points[2].y
    assert draw_curve([(1, 1.0, 2.0)], 1, 0.95) is None
    flat = draw_curve([(1, 1.0, 0.0), (2, 1.0, 0.0)], 2, 0.95)
    assert flat is not None
    assert {point.y for point in flat.points} == {flat.top}
