"""Search by several examples, by a vector, with a least score, with copies collapsed: service and API alike."""

import io
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from app.accounts.records import NOBODY, Viewer
from app.collections.records import Collection
from app.core.errors import Conflict, Invalid, NotFound
from app.search import service
from app.search.records import SearchOptions
from app.search.service import Engine
from app.search.service_examples import MAX_EXAMPLES
from ml.datasets.items import Item
from ml.embedder import DISLIKED_SHARE
from tests.app.search.conftest import Finder
from tests.conftest import CaughtUp, Client
from tests.factories import Gallery, picture

ALL = SearchOptions(100)


@pytest.fixture
async def ids(gallery: Gallery, anna: Viewer, birds: Collection, engine: Engine) -> list[int]:
    """Twelve searchable public pictures."""
    ids = await gallery.pictures(anna, birds, range(12))
    await gallery.embed()
    await engine.live.refresh()
    return ids


async def vector_of(gallery: Gallery, seed: int) -> np.ndarray:
    return (await gallery.embedders.get("baseline")).embed_bytes(picture(seed))


async def liked(engine: Engine, liked: list[int], disliked: list[int], options: SearchOptions = ALL) -> list[int]:
    results = await service.search_by_images(engine, NOBODY, liked, options, disliked)
    return [hit.image.id for hit in results.hits]


async def test_several_liked_are_searched_by_their_mean(engine: Engine, gallery: Gallery, ids: list[int]) -> None:
    mean = (await vector_of(gallery, 0) + await vector_of(gallery, 1)) / 2
    by_vector = await service.search_by_vector(engine, NOBODY, mean.tolist(), ALL)
    expected = [hit.image.id for hit in by_vector.hits if hit.image.id not in ids[:2]]
    assert await liked(engine, ids[:2], []) == expected
    assert len(expected) == 10


async def test_what_is_disliked_is_moved_away_from(engine: Engine, gallery: Gallery, ids: list[int]) -> None:
    vectors = np.stack([await vector_of(gallery, seed) for seed in range(12)])
    query = vectors[0] - DISLIKED_SHARE * vectors[5]
    order = np.argsort(-(vectors @ query))
    expected = [ids[place] for place in order if place not in (0, 5)]
    assert await liked(engine, [ids[0]], [ids[5]]) == expected
    assert await liked(engine, [ids[0]], []) != [*expected, ids[5]]


async def test_one_example_is_the_search_by_a_picture(engine: Engine, ids: list[int], find: Finder) -> None:
    assert await liked(engine, [ids[3]], [], SearchOptions(5)) == await find.near(ids[3], k=5)
    assert await liked(engine, [ids[3], ids[3]], [], SearchOptions(5)) == await find.near(ids[3], k=5)


async def test_a17_a_hidden_example_is_as_missing_as_none(
    engine: Engine, gallery: Gallery, anna: Viewer, ids: list[int]
) -> None:
    hidden = await gallery.pictures(anna, await gallery.collection(anna, "Private"), [50])
    await gallery.embed()
    said: set[str] = set()
    for wrong in (hidden[0], 99_999):
        for good, bad in (([wrong], []), ([ids[0]], [wrong])):
            with pytest.raises(NotFound) as refused:
                await service.search_by_images(engine, NOBODY, good, ALL, bad)
            said.add(refused.value.detail)
    assert len(said) == 1


async def test_examples_that_cannot_be_are_refused(
    engine: Engine, gallery: Gallery, anna: Viewer, birds: Collection, ids: list[int]
) -> None:
    for good, bad in (([], []), ([], ids[:1]), (list(range(MAX_EXAMPLES + 1)), [])):
        with pytest.raises(Invalid):
            await service.search_by_images(engine, NOBODY, good, ALL, bad)
    (fresh,) = await gallery.pictures(anna, birds, [77])
    with pytest.raises(Conflict, match="waits for its embedding"):
        await service.search_by_images(engine, NOBODY, [ids[0], fresh], ALL)


async def test_likes_and_dislikes_that_cancel_out_are_told(
    engine: Engine, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml.embedder.DISLIKED_SHARE", 1.0)
    with pytest.raises(Invalid, match="cancel each other out"):
        await service.search_by_images(engine, NOBODY, [ids[0]], ALL, [ids[0]])


async def test_a_vector_of_any_length_is_a_direction(engine: Engine, gallery: Gallery, ids: list[int]) -> None:
    vector = await vector_of(gallery, 4)
    short, long = [
        await service.search_by_vector(engine, NOBODY, (vector * scale).tolist(), SearchOptions(3))
        for scale in (0.001, 1000)
    ]
    assert [hit.image.id for hit in short.hits] == [hit.image.id for hit in long.hits]
    assert [hit.score for hit in short.hits] == pytest.approx([hit.score for hit in long.hits], abs=1e-6)
    assert long.hits[0].image.id == ids[4]
    assert long.hits[0].score == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("wrong", ["short", "long", "zero", "nan", "inf", "huge"])
async def test_a_vector_that_is_none_is_refused(engine: Engine, ids: list[int], wrong: str) -> None:
    values = [0.1] * engine.live.current()[0].model.dim
    match wrong:
        case "short":
            values.pop()
        case "long":
            values.append(0.1)
        case "zero":
            values = [0.0] * len(values)
        case _:
            values[3] = {"nan": float("nan"), "inf": float("inf"), "huge": 1e300}[wrong]
    with pytest.raises(Invalid):
        await service.search_by_vector(engine, NOBODY, values, ALL)


async def test_nothing_scores_below_the_least_score(engine: Engine, ids: list[int], find: Finder) -> None:
    every = await find.results(1, k=12)
    least = every.hits[4].score
    some = await service.search_by_picture(engine, NOBODY, picture(1), SearchOptions(12, min_score=least))
    assert some.hits == every.hits[:5]
    none = await service.search_by_images(engine, NOBODY, [ids[0]], SearchOptions(5, min_score=1.0))
    assert none.hits == []


@pytest.mark.parametrize("least", [-1.01, 1.01, float("nan"), float("inf")])
async def test_a_least_score_that_is_no_cosine_is_refused(engine: Engine, ids: list[int], least: float) -> None:
    with pytest.raises(Invalid, match="min_score is a cosine"):
        await service.search_by_picture(engine, NOBODY, picture(1), SearchOptions(5, min_score=least))


def saved_again(seed: int, quality: int) -> bytes:
    buffer = io.BytesIO()
    Image.open(io.BytesIO(picture(seed, (192, 128)))).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


async def test_copies_are_one_result_that_says_how_many_there_were(
    engine: Engine, gallery: Gallery, anna: Viewer, birds: Collection, ids: list[int]
) -> None:
    copies = [Item(f"{quality}.jpg", f"{quality}.jpg", saved_again(1, quality)) for quality in (95, 80, 60)]
    outcomes = await gallery.add(anna, birds, copies)
    await gallery.embed()
    await engine.live.refresh()
    family = {ids[1], *(one.image_id for one in outcomes)}
    plain = await service.search_by_picture(engine, NOBODY, picture(1), SearchOptions(6))
    assert {hit.image.id for hit in plain.hits[:4]} == family
    assert all(hit.copies == 0 for hit in plain.hits)
    collapsed = await service.search_by_picture(engine, NOBODY, picture(1), SearchOptions(6, collapse=True))
    assert [hit.copies for hit in collapsed.hits] == [3, 0, 0, 0, 0, 0]
    assert collapsed.hits[0].image.id == plain.hits[0].image.id
    assert [hit.image.id for hit in collapsed.hits[1:3]] == [hit.image.id for hit in plain.hits[4:]]


# The API.


@pytest.fixture
async def shown(gallery: Gallery, anna: Viewer, birds: Collection, caught_up: CaughtUp) -> list[int]:
    ids = await gallery.pictures(anna, birds, range(6))
    await gallery.embed()
    await caught_up()
    return ids


def found(answer: httpx.Response) -> list[int]:
    assert answer.status_code == 200, answer.text
    return [one["image_id"] for one in answer.json()["results"]]


async def test_the_api_takes_examples_and_vectors(client: Client, gallery: Gallery, shown: list[int]) -> None:
    one = await client.post("/api/v1/search", json={"image_id": shown[0]})
    assert found(one) == found(await client.post("/api/v1/search", json={"liked": [shown[0]]}))
    body = {"liked": shown[:2], "disliked": [shown[2]], "k": 3}
    assert set(found(await client.post("/api/v1/search", json=body))) == set(shown[3:])
    vectors = await client.post("/api/v1/embeddings", files={"file": ("a.png", picture(3), "image/png")})
    by_vector = await client.post("/api/v1/search", json={"vector": vectors.json()["vectors"][0], "k": 2})
    assert found(by_vector)[0] == shown[3]
    told = {"vector": vectors.json()["vectors"][0], "identity": vectors.json()["identity"]}
    assert found(await client.post("/api/v1/search", json=told))[0] == shown[3]
    assert (await client.post("/api/v1/search", json={**told, "identity": "another's"})).status_code == 409
    assert "copies" not in by_vector.json()["results"][0], "the shape that scripts rely on"


async def test_the_options_are_the_same_everywhere(client: Client, shown: list[int]) -> None:
    file = {"file": ("a.png", picture(0), "image/png")}
    every = (await client.post("/api/v1/search", files=file)).json()["results"]
    least = str(every[1]["score"] - 1e-4)
    form = await client.post("/api/v1/search", files=file, data={"min_score": least, "collapse": "true"})
    assert found(form) == [one["image_id"] for one in every[:2]]
    by_id = {"image_id": shown[0], "min_score": float(least), "collapse": True}
    sent = await client.post("/api/v1/search", json=by_id)
    got = await client.get(f"/api/v1/images/{shown[0]}/similar", params={"min_score": least, "collapse": "true"})
    assert sent.json() == got.json()
    assert found(got) == [every[1]["image_id"]]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"liked": []},
        {"disliked": [1]},
        {"image_id": 1, "liked": [1]},
        {"image_id": 1, "vector": [1.0]},
        {"image_id": 1, "disliked": [2]},
        {"vector": []},
        {"vector": [1, 2, 3]},
        {"vector": ["a"]},
        {"liked": ["a"]},
        {"liked": list(range(1000))},
        {"image_id": 1, "min_score": 2},
        {"image_id": 1, "min_score": "high"},
        {"image_id": 1, "unknown": 1},
    ],
)
async def test_what_cannot_be_is_refused_in_words(client: Client, shown: list[int], body: dict[str, Any]) -> None:
    answer = await client.post("/api/v1/search", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.json()["detail"]) > 10


async def test_a_form_that_cannot_be_is_refused(client: Client, shown: list[int]) -> None:
    for data in ({"min_score": "high"}, {"min_score": "nan"}, {"collapse": "maybe"}):
        file = {"file": ("a.png", picture(0), "image/png")}
        assert (await client.post("/api/v1/search", files=file, data=data)).status_code == 422
