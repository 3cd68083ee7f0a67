"""The headers that keep a browser on the safe side: on every answer, errors and files included."""

from pathlib import Path

import pytest
from litestar.testing import AsyncTestClient

from app.core.headers import CONTENT_SECURITY_POLICY
from app.core.settings import Settings
from app.main import create_app
from tests.conftest import Client

A36 = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)


def test_a36_the_policy_is_as_agreed() -> None:
    assert CONTENT_SECURITY_POLICY == A36


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/sign-in"),
        ("GET", "/static/css/base.css"),
        ("GET", "/static/nothing.css"),
        ("GET", "/nothing"),
        ("GET", "/images/99"),
        ("GET", "/images/abc"),
        ("GET", "/images/99/original"),
        ("GET", "/upload"),
        ("GET", "/livez"),
        ("GET", "/readyz"),
        ("GET", "/api/v1/images"),
        ("GET", "/api/v1/images?limit=0"),
        ("GET", "/api/nothing"),
        ("GET", "/api/openapi.json"),
        ("DELETE", "/"),
        ("OPTIONS", "/"),
        ("POST", "/sign-out"),
        ("POST", "/uploads"),
    ],
)
async def test_a36_a38_every_answer_carries_them(client: Client, method: str, path: str) -> None:
    answer = await client.request(method, path)
    assert answer.headers["content-security-policy"] == A36
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert "strict-transport-security" not in answer.headers


async def test_a36_refused_writes_carry_them_too(client: Client) -> None:
    answer = await client.post("/collections", headers={"sec-fetch-site": "cross-site"})
    assert (answer.status_code, answer.headers["content-security-policy"]) == (403, A36)


async def test_a38_under_tls_the_browser_is_to_stay_there(conninfo: str, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, model="baseline", public_url="https://pictures.example.org")
    async with AsyncTestClient(create_app(settings, conninfo), base_url="https://pictures.example.org") as client:
        answer = await client.get("/livez")
    assert answer.headers["strict-transport-security"].startswith("max-age=31536000")


async def test_pages_are_kept_by_nobody_else_and_told_from_their_parts(client: Client) -> None:
    answer = await client.get("/")
    assert answer.headers["cache-control"] == "private, no-cache"
    assert {"HX-Request", "Cookie"} <= {name.strip() for name in answer.headers["vary"].split(",")}
