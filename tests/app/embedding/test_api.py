"""`POST /api/v1/embeddings`: many files in, vectors out, nothing stored."""

import numpy as np
import pytest

from app.core.database import Database
from tests.conftest import CaughtUp, Client
from tests.factories import Gallery, picture

URL = "/api/v1/embeddings"


@pytest.fixture
async def ready(gallery: Gallery, client: Client, caught_up: CaughtUp) -> Client:
    await gallery.embed()  # makes the model known and active
    await caught_up()
    return client


def form(*contents: bytes) -> list[tuple[str, tuple[str, bytes, str]]]:
    return [("file", (f"{position}.png", content, "image/png")) for position, content in enumerate(contents)]


async def test_vectors_are_the_models_and_in_order(ready: Client, gallery: Gallery, db: Database) -> None:
    answer = await ready.post(URL, files=form(*(picture(seed) for seed in range(6))))
    assert answer.status_code == 200, answer.text
    body = answer.json()
    embedder = await gallery.embedders.get("baseline")
    assert (body["model"], body["identity"], body["dim"]) == ("baseline", embedder.model.identity, embedder.model.dim)
    vectors = np.array(body["vectors"], np.float32)
    np.testing.assert_allclose(vectors, [embedder.embed_bytes(picture(seed)) for seed in range(6)], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert body["refused"] == []
    async with db.transaction() as conn:
        assert await (await conn.execute("SELECT count(*) FROM image")).fetchone() == (0,)


async def test_a_bad_picture_costs_itself_only(ready: Client) -> None:
    body = (await ready.post(URL, files=form(picture(1), b"no picture", picture(2)))).json()
    assert [vector is not None for vector in body["vectors"]] == [True, False, True]
    (refused,) = body["refused"]
    assert (refused["position"], refused["file"]) == (1, "1.png")
    assert "not a picture" in refused["reason"]


@pytest.mark.parametrize("contents", [(), (b"no picture",), (b"", b"GIF89a")])
async def test_nothing_that_can_be_embedded_is_a_problem(ready: Client, contents: tuple[bytes, ...]) -> None:
    answer = await ready.post(URL, files=form(*contents) or {"other": b""})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.json().get("refused", [])) == len(contents)


async def test_too_large_a_picture_is_named(ready: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(ready.app.state.settings), "max_upload_bytes", property(lambda _: 100))
    answer = await ready.post(URL, files=form(picture(1)))
    assert answer.status_code == 413
    assert "0.png" in answer.json()["detail"]


async def test_b19_a_full_line_says_when_to_come_again(ready: Client) -> None:
    ready.app.state.lane._waiting = 32
    answer = await ready.post(URL, files=form(picture(1)))
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert (await ready.post("/api/v1/search", files=form(picture(1)))).status_code == 503


async def test_before_there_is_a_model_it_is_not_available(client: Client) -> None:
    assert (await client.post(URL, files=form(picture(1)))).status_code == 503
