"""The log of security events: what is told, to whom, and for how long."""

from app.accounts import service, service_claims, service_events, service_tokens
from app.accounts.records import EVENT_KINDS
from app.collections import service as collections
from app.collections import service_links
from app.core.database import Database
from tests.app.world import HERE
from tests.conftest import Client, OpenClient, SignIn
from tests.factories import PASSWORD, Gallery

LINK_PASSWORD = "seven herons wading"


async def kinds(gallery: Gallery) -> list[str]:
    return [one.kind for one in (await service_events.list_events(gallery.intake.db)).events][::-1]


async def forget_attempts(db: Database) -> None:
    """Wrong passwords count for their address, wherever they were tried."""
    async with db.transaction() as conn:
        await conn.execute("DELETE FROM attempt")


async def test_a40_each_kind_of_event_is_told_with_who_where_and_when_and_no_secret(
    gallery: Gallery, open_client: OpenClient
) -> None:
    db, secrets = gallery.intake.db, [PASSWORD, LINK_PASSWORD, "tall grass in june"]
    anna = await gallery.person("anna", admin=True)
    browser = await open_client()
    credentials = {"name": "anna", "password": PASSWORD}
    await browser.post("/sign-in", data=credentials)
    await browser.post("/account/password", data={"current": "wrong", "new": "tall grass in june"})
    await gallery.session(anna)
    sessions = await browser.get("/account")
    number = sessions.text.split("/account/sessions/")[1].split("/")[0]
    await browser.post(f"/account/sessions/{number}/revoke")
    await browser.post("/account/password", data={"current": PASSWORD, "new": "tall grass in june"})
    made = await service_tokens.make_token(db, anna, "a script")
    secrets.append(made.secret)
    await service_tokens.revoke_token(db, anna, made.token.id)
    birds = await gallery.collection(anna, "Birds")
    link = await service_links.make_link(db, anna, HERE, birds.id, password=LINK_PASSWORD)
    secrets.append(link.token)
    await forget_attempts(db)
    for _ in range(11):
        await browser.post(f"/s/{link.token}", data={"password": "no"})
    await service_links.revoke_link(db, anna, HERE, birds.id, link.link.id)
    ben, token = await service_claims.add_claimable(db, "ben", by=anna)
    secrets.append(token)
    await service_claims.withdraw_claim(db, ben.id, by=anna, address=HERE.address)
    token = await service_claims.renew_claim(db, ben.id)
    secrets.append(token)
    await service_claims.claim(db, token, "ben", PASSWORD, HERE)
    await collections.add_member(db, anna, birds.id, "ben", "viewer")
    await collections.remove_member(db, anna, birds.id, ben.id)
    await collections.remove_member(db, anna, birds.id, ben.id)  # no member any more: nothing happened
    await service.set_disabled(db, "ben", disabled=True, by=anna)
    await service.set_disabled(db, "ben", disabled=False, by=anna)
    for _ in range(11):
        await browser.post("/account/password", data={"current": "no", "new": "purple lamps at noon"})
    await browser.post("/sign-out")
    await forget_attempts(db)
    for _ in range(11):
        await browser.post("/sign-in", data={"name": "anna", "password": "no"})
    told = await kinds(gallery)
    assert set(told) == set(EVENT_KINDS)
    assert told.count("link_refused") == 10
    assert told.count("member_removed") == 1
    events = (await service_events.list_events(db)).events
    assert not any(secret in str(one) for one in events for secret in secrets)
    by_kind = {one.kind: one for one in events}
    assert by_kind["signed_in"].name == "anna"
    assert by_kind["signed_in"].address == "testclient"
    assert by_kind["signed_in"].at.utcoffset() is not None
    assert by_kind["account_disabled"].name == "ben"
    assert by_kind["account_disabled"].about == "by anna"
    assert (by_kind["invitation_withdrawn"].name, by_kind["invitation_withdrawn"].about) == ("ben", "by anna")


async def test_the_page_and_the_api_filter_and_go_on(client: Client, gallery: Gallery, sign_in: SignIn) -> None:
    db = gallery.intake.db
    root = await gallery.person("root", admin=True)
    anna = await gallery.person("anna")
    for number in range(3):
        await service_tokens.make_token(db, anna, f"script {number}")
    browser = await sign_in(root)
    page = (await browser.get("/admin/events", params={"kind": "token_made", "name": "ANNA"})).text
    assert "script 2: read, write" in page
    assert "Account added" not in page.split("</select>")[1]
    assert (await browser.get("/admin/events", params={"kind": "nonsense"})).status_code == 422
    headers = await gallery.bearer(root)
    where = "/api/v1/admin/events"
    asked = {"kind": "token_made", "name": "anna", "limit": "2"}
    first = (await client.get(where, params=asked, headers=headers)).json()
    assert [one["about"] for one in first["events"]] == ["script 2: read, write", "script 1: read, write"]
    rest = (await client.get(where, params={**asked, "cursor": first["next_cursor"]}, headers=headers)).json()
    assert [one["about"] for one in rest["events"]] == ["script 0: read, write"]
    assert rest["next_cursor"] is None
    for bad in ({"limit": "501"}, {"kind": "nonsense"}, {"cursor": "x"}):
        assert (await client.get(where, params=bad, headers=headers)).status_code == 422, bad
    assert (await client.get(where, headers=await gallery.bearer(anna))).status_code == 404


async def test_events_are_kept_for_ninety_days(gallery: Gallery) -> None:
    db = gallery.intake.db
    await gallery.person("anna")
    await gallery.person("ben")
    async with db.transaction() as conn:
        await conn.execute(
            "UPDATE security_event SET at = now() - make_interval(days => 91)"
            " WHERE account_id = (SELECT id FROM account WHERE name = 'anna')"
        )
    await service_events.forget_old(db)
    assert [one.name for one in (await service_events.list_events(db)).events] == ["ben"]
