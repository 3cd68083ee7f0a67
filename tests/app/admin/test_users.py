"""The admin's list of users."""

import re

from app.accounts import service, service_usage
from app.accounts.records import Quota
from tests.conftest import Client, OpenClient, SignIn
from tests.factories import PASSWORD, Gallery

LINK = re.compile(r"/claim/[A-Za-z0-9_-]{43}")


async def test_somebody_is_invited_and_takes_the_account(
    gallery: Gallery, sign_in: SignIn, open_client: OpenClient
) -> None:
    admin = await sign_in(await gallery.person("root", admin=True))
    made = await admin.post("/admin/users", data={"name": "ben"})
    assert made.headers["cache-control"] == "no-store"
    link = re.search(r"http://[^<]*(/claim/[A-Za-z0-9_-]{43})", made.text)
    assert link is not None
    assert link[1] not in (await admin.get("/admin/users")).text
    ben = await service.get_account(gallery.intake.db, "ben")
    renewed = await admin.post(f"/admin/users/{ben.id}/invite")
    fresh = re.search(r"/claim/[A-Za-z0-9_-]{43}", renewed.text)
    assert fresh is not None
    visitor = await open_client()
    claim = {"name": "ben", "password": PASSWORD}
    assert (await visitor.post(link[1], data=claim)).status_code == 404, "the one before died"
    assert (await visitor.post(fresh[0], data=claim)).status_code == 303
    assert (await visitor.get("/account")).status_code == 200
    assert (await admin.post(f"/admin/users/{ben.id}/invite")).status_code == 409, "it is claimed"
    taken = await admin.post("/admin/users", data={"name": "BEN"})
    assert taken.status_code == 422
    assert "is called BEN already" in taken.text


async def test_an_invitation_is_withdrawn_and_its_link_answers_as_an_expired_one(
    gallery: Gallery, sign_in: SignIn, open_client: OpenClient
) -> None:
    db = gallery.intake.db
    admin = await sign_in(await gallery.person("root", admin=True))
    links = [await invited_link(admin, name) for name in ("ben", "cleo")]
    ben = await service.get_account(db, "ben")
    assert ">Invited<" in (await admin.get("/admin/users")).text
    assert (await admin.post(f"/admin/users/{ben.id}/withdraw")).headers["location"] == "/admin/users"
    page = (await admin.get("/admin/users")).text
    assert "The invitation of ben is withdrawn." in page
    assert page.count(">No invitation<") == 1
    assert f"/admin/users/{ben.id}/withdraw" not in page
    async with db.transaction() as conn:
        await conn.execute("UPDATE claim SET created_at = now() - interval '8 days'")
    visitor = await open_client()
    withdrawn, expired = [await visitor.get(link) for link in links]
    assert (withdrawn.status_code, expired.status_code) == (404, 404)
    assert withdrawn.text.replace(links[0], "") == expired.text.replace(links[1], "")
    claim = {"name": "ben", "password": PASSWORD}
    assert (await visitor.post(links[0], data=claim)).status_code == 404
    assert (await admin.get("/admin/users")).text.count(">No invitation<") == 2, "an expired link is none"
    assert (await admin.post(f"/admin/users/{ben.id}/withdraw")).status_code == 409, "there is none any more"
    assert (await admin.post("/admin/users/999999/withdraw")).status_code == 404
    fresh = LINK.search((await admin.post(f"/admin/users/{ben.id}/invite")).text)
    assert fresh is not None
    assert (await visitor.post(fresh[0], data=claim)).status_code == 303
    assert (await admin.post(f"/admin/users/{ben.id}/withdraw")).status_code == 409, "it is claimed"


async def invited_link(admin: Client, name: str) -> str:
    link = LINK.search((await admin.post("/admin/users", data={"name": name})).text)
    assert link is not None
    return link[0]


async def test_disabling_acts_at_once_and_never_on_the_last_admin(
    gallery: Gallery, sign_in: SignIn, client: Client
) -> None:
    root = await gallery.person("root", admin=True)
    ben = await gallery.person("ben")
    token = await gallery.bearer(ben)
    admin = await sign_in(root)
    assert (await client.get("/api/v1/me", headers=token)).status_code == 200
    assert (await admin.post(f"/admin/users/{ben.account_id}/disable")).status_code == 303
    assert (await client.get("/api/v1/me", headers=token)).status_code == 401
    assert "Disabled" in (await admin.get("/admin/users")).text
    assert (await admin.post(f"/admin/users/{ben.account_id}/enable")).status_code == 303
    assert (await client.get("/api/v1/me", headers=token)).status_code == 200
    assert (await admin.post(f"/admin/users/{root.account_id}/disable")).status_code == 409
    assert (await admin.post("/admin/users/999999/disable")).status_code == 404


async def test_a31_a_quota_is_given_and_taken(gallery: Gallery, sign_in: SignIn) -> None:
    db = gallery.intake.db
    ben = await gallery.person("ben")
    assert ben.account_id is not None
    await gallery.pictures(ben, await gallery.collection(ben, "Bees"), [1, 2])
    admin = await sign_in(await gallery.person("root", admin=True))
    page = (await admin.get("/admin/users")).text
    assert "2 pictures" in page
    assert "last seen never" in page
    where = f"/admin/users/{ben.account_id}/quota"
    for bad in ("-1", "1.5", "many", "9" * 14, "٣"):
        assert (await admin.post(where, data={"max_files": bad})).status_code == 422, bad
    assert (await admin.post(where, data={"max_files": "2", "max_mib": "100"})).status_code == 303
    usage = await service_usage.get_usage(db, ben.account_id, Quota())
    assert (usage.max_files, usage.max_bytes) == (2, 100 * 1024**2)
    assert (await admin.post(where, data={"max_files": "", "max_mib": ""})).status_code == 303
    usage = await service_usage.get_usage(db, ben.account_id, Quota())
    assert (usage.max_files, usage.max_bytes) == (None, None)


async def test_users_as_json(client: Client, gallery: Gallery) -> None:
    root = await gallery.person("root", admin=True)
    bearer = await gallery.bearer(root)
    made = await client.post("/api/v1/admin/users", json={"name": "ben"}, headers=bearer)
    assert made.status_code == 201
    ben = made.json()["user"]
    assert (ben["name"], ben["invited"], ben["disabled"], ben["max_bytes"]) == ("ben", True, False, None)
    link = made.json()["claim_url"]
    assert re.search(r"/claim/[A-Za-z0-9_-]{43}$", link)
    where = f"/api/v1/admin/users/{ben['user_id']}"
    renewed = await client.post(f"{where}/invite", headers=bearer)
    assert (renewed.status_code, renewed.json()["claim_url"] == link) == (200, False)
    assert renewed.json()["user"]["invitation"]
    assert (await client.delete(f"{where}/invite", headers=bearer)).status_code == 204
    left = (await client.get("/api/v1/admin/users", headers=bearer)).json()["users"][0]
    assert (left["name"], left["invited"], left["invitation"]) == ("ben", True, False)
    assert (await client.delete(f"{where}/invite", headers=bearer)).status_code == 409
    assert (await client.post("/api/v1/admin/users", json={"name": "BEN"}, headers=bearer)).status_code == 409
    assert (await client.post("/api/v1/admin/users", json={"name": ""}, headers=bearer)).status_code == 422
    limited = await client.patch(where, json={"max_files": 2, "disabled": True}, headers=bearer)
    assert (limited.status_code, limited.json()["max_files"], limited.json()["disabled"]) == (200, 2, True)
    more = await client.patch(where, json={"max_bytes": 10}, headers=bearer)
    assert (more.json()["max_files"], more.json()["max_bytes"], more.json()["disabled"]) == (2, 10, True)
    free = await client.patch(where, json={"max_files": None, "disabled": False}, headers=bearer)
    assert (free.json()["max_files"], free.json()["max_bytes"], free.json()["disabled"]) == (None, 10, False)
    for bad in ({"max_files": -1}, {"max_bytes": 2**63}, {"disabled": None}, {"name": "x"}):
        assert (await client.patch(where, json=bad, headers=bearer)).status_code == 422, bad
    assert (await client.patch("/api/v1/admin/users/999999", json={}, headers=bearer)).status_code == 404
    last = await client.patch(f"/api/v1/admin/users/{root.account_id}", json={"disabled": True}, headers=bearer)
    assert last.status_code == 409
    listed = (await client.get("/api/v1/admin/users", headers=bearer)).json()["users"]
    assert [one["name"] for one in listed] == ["ben", "root"]
