"""Signing in and out in a browser."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher
from structlog.testing import capture_logs

from app.accounts import passwords, service
from app.accounts.pages import local_path
from app.core.database import Database

Browser = httpx.AsyncClient
OpenBrowser = Callable[..., Awaitable[Browser]]
SignIn = Callable[..., Awaitable[None]]

PASSWORD = "green lamps at noon"


async def column(db: Database, query: Any) -> list[Any]:
    async with db.transaction() as conn:
        cursor = await conn.execute(query)
        return [row[0] for row in await cursor.fetchall()]


async def test_a_person_signs_in_and_out(db: Database, browser: Browser) -> None:
    await service.add_account(db, "Ada", PASSWORD)
    form = await browser.get("/sign-in?next=/collections%3Fk%3D1")
    assert form.status_code == 200
    assert 'value="/collections?k=1"' in form.text
    answer = await browser.post(
        "/sign-in", data={"name": " ada ", "password": PASSWORD, "next": "/collections?k=1&l=2"}
    )
    assert answer.status_code == 303
    assert answer.headers["location"] == "/collections?k=1&l=2"
    assert (await browser.get("/account")).status_code == 200
    assert (await browser.get("/sign-in?next=/upload")).headers["location"] == "/upload"

    answer = await browser.post("/sign-out")
    assert answer.status_code == 303
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
    assert (await browser.get("/account")).status_code == 401
    assert await column(db, "SELECT id FROM session") == []


async def test_a8_the_cookie_is_for_http_alone(db: Database, browser: Browser) -> None:
    await service.add_account(db, "ada", PASSWORD)
    answer = await browser.post("/sign-in", data={"name": "ada", "password": PASSWORD})
    name, *attributes = answer.headers["set-cookie"].split("; ")
    assert name.startswith("likeness_session=")
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(attributes)
    assert not {"Secure"} & set(attributes)
    assert not any(one.startswith("Domain") for one in attributes)


async def test_a8_over_https_no_other_host_can_set_it(db: Database, open_browser: OpenBrowser, sign_in: SignIn) -> None:
    await service.add_account(db, "ada", PASSWORD)
    browser = await open_browser(public_url="https://pictures.example.org")
    answer = await browser.post("/sign-in", data={"name": "ada", "password": PASSWORD})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-likeness_session=")
    assert {"Secure", "HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert (await browser.get("/account")).status_code == 200
    gone = (await browser.post("/sign-out")).headers.get_list("set-cookie")[0]
    assert gone.startswith("__Host-likeness_session=")
    assert {"Secure", "Max-Age=0", "Path=/"} <= set(gone.split("; "))
    # The plain name, which any host of the domain could set, is not looked at.
    secret = cookie.partition("=")[2].partition(";")[0]
    await sign_in(browser, "ada")
    secret = browser.cookies["__Host-likeness_session"]
    browser.cookies.clear()
    browser.cookies.set("likeness_session", secret)
    assert (await browser.get("/account")).status_code == 401


async def test_t1_an_id_that_the_browser_brings_is_never_adopted(
    db: Database, browser: Browser, sign_in: SignIn
) -> None:
    await service.add_account(db, "ada", PASSWORD)
    browser.cookies.set("likeness_session", "A" * 43, domain="testserver.local")
    assert (await browser.get("/account")).status_code == 401
    await sign_in(browser, "ada")
    secrets = [cookie.value for cookie in browser.cookies.jar if cookie.name == "likeness_session"]
    assert secrets != ["A" * 43]
    assert len(await column(db, "SELECT id FROM session")) == 1


async def test_t1_only_digests_are_stored_and_every_sign_in_has_a_new_id(
    db: Database, browser: Browser, sign_in: SignIn
) -> None:
    await service.add_account(db, "ada", PASSWORD)
    await sign_in(browser, "ada")
    first = browser.cookies["likeness_session"]
    await sign_in(browser, "ada")
    second = browser.cookies["likeness_session"]
    assert first is not None
    assert second is not None
    assert first != second
    assert len(second) == 43
    stored = await column(db, "SELECT session::text FROM session")
    assert len(stored) == 1, "the session before has ended"
    assert second not in stored[0]
    browser.cookies.clear()
    browser.cookies.set("likeness_session", first)
    assert (await browser.get("/account")).status_code == 401


async def test_a10_an_unknown_name_and_a_wrong_password_look_alike(
    db: Database, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    await service.add_account(db, "ada", PASSWORD)
    await service.add_account(db, "waiting", None)
    await service.add_account(db, "left", PASSWORD)
    await service.set_disabled(db, "left", disabled=True)
    compared: list[str] = []
    compare = passwords._matches

    def counted(password_hash: str, password: bytes) -> bool:
        compared.append(password_hash)
        return compare(password_hash, password)

    monkeypatch.setattr(passwords, "_matches", counted)
    answers = [
        await browser.post("/sign-in", data={"name": name, "password": password, "next": "/upload"})
        for name, password in [
            ("ada", "a wrong one"),
            ("nobody", PASSWORD),
            ("waiting", PASSWORD),
            ("left", PASSWORD),
            ("", ""),
            ("a\x00b", PASSWORD),
            ("ada", ""),
        ]
    ]
    assert {answer.status_code for answer in answers} == {401}
    texts = [re.sub(r'name="name" type="text"( value="[^"]*")?', "", answer.text) for answer in answers]
    assert len(set(texts)) == 1
    assert "The name or the password is wrong" in answers[0].text
    assert 'value="/upload"' in answers[0].text
    assert len(compared) == len(answers)
    assert {one.split("$")[3] for one in compared} == {"m=19456,t=2,p=1"}


async def test_a5_a_weaker_hash_is_replaced_at_sign_in(db: Database, browser: Browser, sign_in: SignIn) -> None:
    await service.add_account(db, "ada", PASSWORD)
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    async with db.transaction() as conn:
        await conn.execute("UPDATE account SET password_hash = %s", (weak,))
    await sign_in(browser, "ada")
    stored = await column(db, "SELECT password_hash FROM account")
    assert not passwords.needs_rehash(stored[0])
    assert (await browser.get("/account")).status_code == 200
    await sign_in(browser, "ada")


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ],
)
async def test_t2_another_site_cannot_sign_anybody_in(db: Database, browser: Browser, headers: dict[str, str]) -> None:
    await service.add_account(db, "ada", PASSWORD)
    del browser.headers["sec-fetch-site"]
    answer = await browser.post("/sign-in", data={"name": "ada", "password": PASSWORD}, headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert await column(db, "SELECT id FROM session") == []


async def test_t2_a_cookie_alone_signs_nobody_out(db: Database, browser: Browser, sign_in: SignIn) -> None:
    await service.add_account(db, "ada", PASSWORD)
    await sign_in(browser, "ada")
    del browser.headers["sec-fetch-site"]
    assert (await browser.post("/sign-out")).status_code == 403
    assert (await browser.post("/sign-out", headers={"origin": "http://testserver.local"})).status_code == 303


@pytest.mark.parametrize(
    "text",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "evil",
        "",
        "javascript:x",
    ],
)
def test_next_leads_nowhere_else(text: str) -> None:
    assert local_path(text) == "/"


async def test_a_crafted_next_leads_home(db: Database, browser: Browser) -> None:
    await service.add_account(db, "ada", PASSWORD)
    form = await browser.get("/sign-in", params={"next": "//evil.example"})
    assert "evil.example" not in form.text
    data = {"name": "ada", "password": PASSWORD, "next": "//evil.example/x"}
    assert (await browser.post("/sign-in", data=data)).headers["location"] == "/"


async def test_a40_the_log_tells_who_and_where_but_no_secret(db: Database, browser: Browser) -> None:
    account = await service.add_account(db, "ada", PASSWORD)
    with capture_logs() as entries:
        await browser.post(
            "/sign-in",
            data={"name": PASSWORD, "password": "wrong"},
            headers={"x-forwarded-for": "203.0.113.9"},
        )
        await browser.post("/sign-in", data={"name": "ada", "password": "a wrong one"})
        await browser.post("/sign-in", data={"name": "ada", "password": PASSWORD})
    events = [(one["event"], one["account"], one["address"]) for one in entries]
    assert events == [
        ("sign-in refused", None, "127.0.0.1"),
        ("sign-in refused", account.id, "127.0.0.1"),
        ("signed in", account.id, "127.0.0.1"),
    ]
    assert PASSWORD not in str(entries)
    assert "wrong" not in str(entries)
    assert str(browser.cookies["likeness_session"]) not in str(entries)
