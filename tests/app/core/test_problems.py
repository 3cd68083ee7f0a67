"""Every error answers in the form that was asked for, tells what is wrong, and never more."""

import pytest

from app.core.errors import AppError, Conflict, DiskFull, Gone, Invalid, NotFound, SignInNeeded, TooLarge, Unavailable
from app.core.problems import PROBLEM_JSON
from app.images import service as images
from tests.conftest import Client, SignIn
from tests.factories import Gallery

HTMX = {"hx-request": "true"}


async def test_the_api_answers_problem_json(client: Client) -> None:
    answer = await client.get("/api/v1/images/99")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == PROBLEM_JSON
    assert answer.json() == {
        "type": "about:blank",
        "title": "Not found",
        "status": 404,
        "detail": "no such picture",
        "instance": "/api/v1/images/99",
    }


async def test_a_browser_gets_a_page(client: Client) -> None:
    answer = await client.get("/images/99")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.text.startswith("<!doctype html>")
    assert "No such picture" in answer.text


async def test_htmx_gets_a_fragment(client: Client) -> None:
    answer = await client.get("/images/99", headers=HTMX)
    assert answer.status_code == 404
    assert 'id="error-part"' in answer.text
    assert "<html" not in answer.text


async def test_a_boosted_link_gets_the_page(client: Client) -> None:
    answer = await client.get("/images/99", headers={**HTMX, "hx-boosted": "true"})
    assert answer.text.startswith("<!doctype html>")


@pytest.mark.parametrize("accept", ["*/*", "application/json", PROBLEM_JSON, None])
async def test_t9_whoever_asks_for_no_page_gets_problem_json(client: Client, accept: str | None) -> None:
    client.headers.pop("accept")
    answer = await client.get("/images/99", headers={"accept": accept} if accept else {})
    assert answer.headers["content-type"] == PROBLEM_JSON


@pytest.mark.parametrize(
    "path", ["/nothing", "/nothing/at/all", "/api/nothing", "/api/v1/nothing", "/static/nothing.css"]
)
async def test_unknown_addresses_answer_as_other_errors_do(client: Client, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404
    if path.startswith("/api/"):
        assert answer.headers["content-type"] == PROBLEM_JSON
    else:
        assert "There is nothing at this address" in answer.text


async def test_a_method_that_is_not_known_is_told_in_the_same_forms(client: Client) -> None:
    answer = await client.request("DELETE", "/api/v1/search")
    assert (answer.status_code, answer.headers["content-type"]) == (405, PROBLEM_JSON)


async def test_a_value_of_the_wrong_kind_is_named(client: Client) -> None:
    answer = await client.get("/api/v1/images", params={"limit": "many"})
    assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM_JSON)
    assert "limit" in answer.json()["detail"]


async def test_who_has_to_sign_in_is_led_there(client: Client) -> None:
    page = await client.get("/upload")
    assert page.status_code == 401
    assert 'href="/sign-in' in page.text
    script = await client.get("/api/v1/me")
    assert (script.status_code, script.headers["www-authenticate"]) == (401, "Bearer")


async def test_an_unexpected_error_is_logged_and_tells_nothing(
    client: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(images, "list_images", broken)
    for path in ("/", "/api/v1/images"):
        answer = await client.get(path)
        assert answer.status_code == 500
        assert "secret" not in answer.text
        assert "our mistake" in answer.text
    assert "the secret of the house" in "".join(capsys.readouterr())


async def test_a_page_that_fails_says_who_is_signed_in(client: Client, gallery: Gallery, sign_in: SignIn) -> None:
    anna = await sign_in(await gallery.person("anna"))
    assert "Signed in as anna" in (await anna.get("/nothing")).text


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Invalid("x"), 422),
        (SignInNeeded("x"), 401),
        (NotFound("x"), 404),
        (Conflict("x"), 409),
        (Gone("x"), 410),
        (TooLarge("x"), 413),
        (Unavailable("x", retry_after_s=5), 503),
        (DiskFull("x"), 507),
    ],
)
async def test_each_refusal_has_its_status(
    client: Client, monkeypatch: pytest.MonkeyPatch, error: AppError, status: int
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(images, "list_images", refuse)
    answer = await client.get("/api/v1/images")
    assert (answer.status_code, answer.json()["detail"], answer.json()["title"]) == (status, "x", error.title)
    assert answer.headers.get("retry-after") == ("5" if status == 503 else None)


async def test_what_a_refusal_adds_never_covers_what_a_problem_is(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise Invalid("x", hint="try y", extra={"refused": [1], "status": 200})

    monkeypatch.setattr(images, "list_images", refuse)
    body = (await client.get("/api/v1/images")).json()
    assert (body["status"], body["refused"], body["hint"]) == (422, [1], "try y")
