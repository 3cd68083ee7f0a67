"""Writes from other sites are refused, and before a byte of their body is read."""

import pytest
from litestar.types import Message, Scope

from app.accounts.identity import SESSION_COOKIE
from tests.conftest import Client, SignIn
from tests.factories import Gallery

UPLOADS = ["/uploads", "/queries", "/search", "/api/v1/images", "/api/v1/search", "/collections"]
HUGE = str(1 << 40)


async def call_without_body(client: Client, path: str, headers: dict[str, str]) -> int:
    """The status of a POST whose body must never be asked for."""
    statuses: list[int] = []

    async def receive() -> Message:
        raise AssertionError(f"the body of {path} was read")

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    given = {"host": "testserver.local", "content-type": "multipart/form-data; boundary=x", "content-length": HUGE}
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in (given | headers).items()],
        "client": ("127.0.0.1", 1),
        "server": ("testserver.local", 80),
        "extensions": {},
        "state": {},
    }  # pyright: ignore[reportAssignmentType]  # litestar adds the rest as it routes
    await client.app(scope, receive, send)
    return statuses[0]


@pytest.mark.parametrize("path", UPLOADS)
async def test_t2_a_cross_site_write_is_refused_before_its_body_is_read(client: Client, path: str) -> None:
    assert await call_without_body(client, path, {"sec-fetch-site": "cross-site"}) == 403
    assert await call_without_body(client, path, {"origin": "https://elsewhere.example"}) == 403
    assert await call_without_body(client, path, {"cookie": f"{SESSION_COOKIE}=x"}) == 403


@pytest.mark.parametrize("path", ["/uploads", "/api/v1/images", "/collections"])
async def test_t2_who_is_not_signed_in_is_told_so_before_the_body_is_read(client: Client, path: str) -> None:
    assert await call_without_body(client, path, {"sec-fetch-site": "same-origin"}) == 401


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "http://testserver.local"}, False),
        ({"origin": "http://testserver.local"}, True),
        ({"origin": "http://testserver.local:8080"}, False),
        ({"origin": "https://elsewhere.example"}, False),
        ({"origin": "null"}, False),
        ({}, False),
    ],
)
async def test_the_browser_says_where_a_write_comes_from(
    gallery: Gallery, sign_in: SignIn, headers: dict[str, str], passes: bool
) -> None:
    browser = await sign_in(await gallery.person("anna"))
    del browser.headers["sec-fetch-site"]
    answer = await browser.post("/collections", data={"name": "Birds"}, headers=headers)
    assert answer.status_code == (303 if passes else 403)


async def test_a_script_without_cookies_passes(client: Client, gallery: Gallery) -> None:
    bearer = await gallery.bearer(await gallery.person("anna"))
    del client.headers["sec-fetch-site"]
    answer = await client.post("/api/v1/images", headers=bearer, files={"file": ("x.png", b"", "image/png")})
    assert answer.status_code == 422, "it came as far as the picture"


async def test_reading_is_free(client: Client) -> None:
    assert (await client.get("/", headers={"sec-fetch-site": "cross-site"})).status_code == 200
