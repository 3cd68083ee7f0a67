"""Hostile values in every parameter of every route: refused in words, and never an error of ours."""

from typing import Any

import pytest

from app.accounts.records import Viewer
from tests.conftest import CaughtUp, Client, SignIn
from tests.factories import Gallery, picture

NUMBERS = ["-1", "0", str(2**31), str(2**63), str(2**70), str(-(2**70)), "1.5", "1e9", "٣"]
WORDS = ["", "abc", "x" * 4000, "null", "[]", "' OR 1=1 --", "<script>", "../../etc/passwd"]
HOSTILE = [*NUMBERS, *WORDS, "\x00", "a\x00b", "%00", "\ud7ff\uffff"]
PAGES = [
    "/",
    "/trash",
    "/upload",
    "/search",
    "/sign-in",
    "/collections/{}",
    "/images/{}",
    "/images/{}/similar",
    "/images/{}/original",
    "/images/{}/thumbnails/256",
    "/images/{id}/thumbnails/{}",
    "/images/{id}/similar",
    "/queries/{}",
    "/claim/{}",
    "/admin/jobs/{}",
    "/imports/{}",
    "/imports/{}/progress",
]
CALLS = [
    "/api/v1/images",
    "/api/v1/images/{}",
    "/api/v1/images/{}/original",
    "/api/v1/images/{}/thumbnail",
    "/api/v1/images/{}/similar",
    "/api/v1/imports/{}",
    "/api/v1/images/{id}/thumbnail",
    "/api/v1/images/{id}/similar",
]
FILTERS = ["collection", "label", "text", "after", "before", "min_score", "min_likeness", "collapse"]
NARROWED = ["/", "/images/{id}/similar"]
NAMES = ["k", "limit", "cursor", "width", "next", "top_k", *FILTERS]


@pytest.fixture
async def anna(gallery: Gallery) -> Viewer:
    return await gallery.person("anna", admin=True)


@pytest.fixture
async def image_id(gallery: Gallery, anna: Viewer, caught_up: CaughtUp) -> int:
    ids = await gallery.pictures(anna, await gallery.collection(anna, "Birds", public=True), [1, 2])
    await gallery.embed()
    await caught_up()
    return ids[0]


def broken(answers: list[tuple[Any, int]]) -> list[tuple[Any, int]]:
    return [(asked, status) for asked, status in answers if status >= 500]


async def test_no_address_and_no_query_breaks_a_page(anna: Viewer, image_id: int, sign_in: SignIn) -> None:
    browser = await sign_in(anna)
    answers: list[tuple[Any, int]] = []
    for path in PAGES:
        for value in HOSTILE:
            if path.count("{}"):
                asked = path.replace("{id}", str(image_id)).replace("{}", quoted(value))
                answers.append((asked, (await browser.get(asked)).status_code))
            else:
                each = [{name: value} for name in NAMES] if path in NARROWED else []
                for params in [dict.fromkeys(NAMES, value), *each]:
                    answer = await browser.get(path.format(id=image_id), params=params)
                    answers.append(((path, params), answer.status_code))
    assert broken(answers) == []


async def test_no_single_parameter_breaks_the_api(client: Client, image_id: int) -> None:
    answers: list[tuple[Any, int]] = []
    for path in CALLS:
        for value in HOSTILE:
            if "{}" in path:
                asked = path.replace("{}", quoted(value))
                answers.append((asked, (await client.get(asked)).status_code))
                continue
            for name in NAMES:
                answer = await client.get(path.format(id=image_id), params={name: value})
                answers.append(((path, name, value), answer.status_code))
    assert broken(answers) == []


async def test_no_form_breaks_a_page(gallery: Gallery, anna: Viewer, image_id: int, sign_in: SignIn) -> None:
    browser = await sign_in(anna)
    own = await gallery.collection(anna, "Mine")
    forms = {
        "/collections": ("name", "description", "visibility"),
        f"/collections/{own.id}": ("name", "description", "visibility"),
        f"/collections/{own.id}/members": ("name", "role"),
        f"/images/{image_id}": ("caption", "labels"),
        "/account/tokens": ("name",),
        "/sign-in": ("name", "password", "next"),
    }
    answers: list[tuple[Any, int]] = []
    for path, fields in forms.items():
        for field in fields:
            for value in HOSTILE:
                data = {**dict.fromkeys(fields, "viewer"), "visibility": "private", field: value}
                answers.append(((path, field, value), (await browser.post(path, data=data)).status_code))
    assert broken(answers) == []


async def test_no_search_breaks_the_api(client: Client, image_id: int) -> None:
    answers: list[tuple[Any, int]] = []
    for value in [*HOSTILE, 2**70, -1, 1.5, None, [], {}, True]:
        for name in ("image_id", "k", *FILTERS):
            body = {"image_id": image_id, name: value}
            answers.append(((name, value), (await client.post("/api/v1/search", json=body)).status_code))
    for value in HOSTILE:
        for name in ("k", *FILTERS):
            files = {"file": ("x.png", picture(1), "image/png")}
            answer = await client.post("/api/v1/search", data={name: value}, files=files)
            answers.append((("form", name, value), answer.status_code))
    assert broken(answers) == []


@pytest.mark.parametrize("path", ["/images/{}", "/api/v1/images/{}", "/api/v1/images/{}/similar", "/collections/{}"])
async def test_an_id_beyond_all_numbers_is_just_not_there(client: Client, image_id: int, path: str) -> None:
    for number in (0, 2**31, 2**63, 2**70):
        assert (await client.get(path.format(number))).status_code == 404, number


@pytest.mark.parametrize("k", ["0", "-1", "1001", "10000", "abc", "1.5"])
async def test_k_goes_from_1_to_1000(client: Client, image_id: int, k: str) -> None:
    asked = [
        await client.get(f"/api/v1/images/{image_id}/similar", params={"k": k}),
        await client.post("/api/v1/search", data={"k": k}, files={"file": ("x.png", picture(1), "image/png")}),
        await client.post("/search/", params={"top_k": k}, files={"file": ("x.png", picture(1), "image/png")}),
    ]
    for answer in asked:
        assert answer.status_code == 422
    for answer in asked[:2]:
        assert answer.headers["content-type"] == "application/problem+json"
    page = await client.get(f"/images/{image_id}/similar", params={"k": k})
    assert (page.status_code, page.headers["content-type"].split(";")[0]) == (422, "text/html")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"image_id": "1"}', b'{"k": 3}', b"\xff\xfe", b"[" * 9999]
)
async def test_json_that_is_none_is_refused_in_words(client: Client, image_id: int, body: bytes) -> None:
    answer = await client.post("/api/v1/search", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_a_search_of_another_kind_is_refused_in_words(client: Client, image_id: int, kind: str) -> None:
    answer = await client.post("/api/v1/search", content=b"file=x", headers={"content-type": kind})
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


def quoted(value: str) -> str:
    """As one part of a path."""
    return "".join(f"%{byte:02x}" for byte in value.encode("utf-8", "surrogatepass"))
