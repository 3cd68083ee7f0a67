"""What tokens are for: read, write, admin."""

from typing import Any

import pytest

from app.accounts import service_tokens
from app.accounts.identity import SESSION_COOKIE
from app.accounts.records import SCOPES, Scope, Viewer
from app.core.errors import Invalid, NotAllowed
from tests.conftest import Client, OpenClient
from tests.factories import Gallery

READ_BY_POST = {"search", "createEmbeddings", "openLink"}


async def header(gallery: Gallery, person: Viewer, *scopes: Scope) -> dict[str, str]:
    made = await service_tokens.make_token(gallery.intake.db, person, "a script", scopes=scopes)
    return {"authorization": f"Bearer {made.secret}"}


async def test_a13_a_token_does_what_it_is_for_and_is_told_what_it_lacks(client: Client, gallery: Gallery) -> None:
    root = await gallery.person("root", admin=True)
    home = await gallery.collection(root, "Home")
    asked: dict[Scope, tuple[str, str, dict[str, Any]]] = {
        "read": ("GET", "/api/v1/images", {}),
        "write": ("POST", f"/api/v1/collections/{home.id}/links", {"json": {"days": 7}}),
        "admin": ("GET", "/api/v1/index", {}),
    }
    for held in SCOPES:
        headers = await header(gallery, root, held)
        for needed, (method, path, body) in asked.items():
            answer = await client.request(method, path, headers=headers, **body)
            if needed == held:
                assert answer.status_code in (200, 201), (held, needed, answer.text)
            else:
                assert answer.status_code == 403, (held, needed)
                assert f"the scope {needed}" in answer.json()["detail"]


async def test_a13_a_token_for_reading_may_search(client: Client, gallery: Gallery) -> None:
    headers = await header(gallery, await gallery.person("anna"), "read")
    answer = await client.post("/api/v1/search", json={"image_id": 2**40}, headers=headers)
    assert answer.status_code != 403, answer.text


async def test_a13_who_is_no_admin_is_told_nothing_of_the_scope(client: Client, gallery: Gallery) -> None:
    anna = await gallery.person("anna")
    with pytest.raises(Invalid):
        await service_tokens.make_token(gallery.intake.db, anna, "a script", scopes=SCOPES)
    headers = await header(gallery, anna, "read")
    assert (await client.get("/api/v1/index", headers=headers)).status_code == 404


async def test_a14_a_token_makes_no_tokens(gallery: Gallery) -> None:
    db, anna = gallery.intake.db, await gallery.person("anna")
    made = await service_tokens.make_token(db, anna, "a script")
    by_token = await service_tokens.find_viewer(db, made.secret)
    assert by_token is not None
    assert by_token.scopes == ["read", "write"]
    with pytest.raises(NotAllowed):
        await service_tokens.make_token(db, by_token, "another", scopes=["read"])


async def test_a13_scopes_are_ticked_on_the_account_page(gallery: Gallery, open_client: OpenClient) -> None:
    anna = await gallery.person("anna")
    browser = await open_client()
    browser.cookies.set(SESSION_COOKIE, await gallery.session(anna))
    assert 'name="admin"' not in (await browser.get("/account")).text
    none = await browser.post("/account/tokens", data={"name": "idle"})
    assert none.status_code == 422
    forbidden = await browser.post("/account/tokens", data={"name": "greedy", "read": "yes", "admin": "yes"})
    assert forbidden.status_code == 422
    await browser.post("/account/tokens", data={"name": "reader", "read": "yes"})
    assert "May read." in (await browser.get("/account")).text
    [token] = await service_tokens.list_tokens(gallery.intake.db, anna)
    assert token.scopes == ["read"]


async def test_a13_the_document_names_the_scope_of_each_operation(client: Client) -> None:
    document = (await client.get("/api/openapi.json")).json()
    for path, methods in document["paths"].items():
        if not path.startswith("/api/"):
            continue
        for method, operation in methods.items():
            (scope,) = next(one["bearer"] for one in operation["security"] if one)
            if path.startswith(("/api/v1/index", "/api/v1/admin")):
                assert scope == "admin", path
            elif method in ("get", "head") or operation["operationId"] in READ_BY_POST:
                assert scope in ("read", "admin"), path
            else:
                assert scope in ("write", "admin"), path
