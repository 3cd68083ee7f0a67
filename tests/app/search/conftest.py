"""Search in this process, without a web server: a follower and the engine over it."""

import os
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from app.accounts.records import NOBODY, Viewer
from app.collections.records import Collection
from app.core.settings import Settings
from app.embedding.lane import QueryLane
from app.images.records import Filters
from app.search import service
from app.search.finders import FaissFinder
from app.search.live import Live
from app.search.qdrant import connected
from app.search.records import Results, SearchOptions
from app.search.service import Engine
from tests.app.search.fake_qdrant import FakeQdrant
from tests.factories import Gallery, picture

REAL_QDRANT = os.environ.get("LIKENESS_QDRANT_URL")


@pytest.fixture
async def anna(gallery: Gallery) -> Viewer:
    return await gallery.person("anna")


@pytest.fixture
async def birds(gallery: Gallery, anna: Viewer) -> Collection:
    return await gallery.collection(anna, "Birds", public=True)


@pytest.fixture
def live(gallery: Gallery) -> Live:
    """A follower that goes on only when it is told to."""
    return Live(gallery.intake.db, gallery.settings, gallery.embedders)


@pytest.fixture
def engine(gallery: Gallery, live: Live) -> Iterator[Engine]:
    with ThreadPoolExecutor(1) as threads:
        lane = QueryLane(gallery.intake.decoder, max_waiting=1)
        finder = FaissFinder(live, threads)
        yield Engine(gallery.intake.db, gallery.intake.blobs, lane, live, finder, gallery.settings.max_upload_bytes)


class Finder:
    """Asks the engine, after the follower has caught up (or not)."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def like(self, seed: int, viewer: Viewer = NOBODY, *, k: int = 10, **filters: object) -> list[int]:
        """The ids found by a drawn picture, best first."""
        return [hit.image.id for hit in (await self.results(seed, viewer, k=k, **filters)).hits]

    async def results(self, seed: int, viewer: Viewer = NOBODY, *, k: int = 10, **filters: object) -> Results:
        chosen = Filters(**filters)  # pyright: ignore[reportArgumentType]
        return await service.search_by_picture(self.engine, viewer, picture(seed), SearchOptions(k, chosen))

    async def near(self, image_id: int, viewer: Viewer = NOBODY, *, k: int = 10) -> list[int]:
        """The ids found by a stored picture, best first."""
        found = await service.search_by_images(self.engine, viewer, [image_id], SearchOptions(k))
        return [hit.image.id for hit in found.hits]


@pytest.fixture
def find(engine: Engine) -> Finder:
    return Finder(engine)


@pytest.fixture
def fake() -> Iterator[FakeQdrant]:
    """A Qdrant server of the test's own, whose faults it chooses."""
    server = FakeQdrant()
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["fake", "real"] if REAL_QDRANT else ["fake"])
def qdrant_url(request: pytest.FixtureRequest) -> str:
    """Where a Qdrant server answers: the fake one, and a real one where LIKENESS_QDRANT_URL names it."""
    if request.param == "fake":
        return request.getfixturevalue("fake").url
    if "fake" in request.fixturenames:
        pytest.skip("only the fake server has faults")
    assert REAL_QDRANT is not None
    return REAL_QDRANT


@pytest.fixture
async def mirrored(settings: Settings, qdrant_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Settings]:
    """The settings of a gallery with a mirror; nobody waits for the collection before to be dropped."""
    monkeypatch.setattr("app.search.mirror_filling.GRACE_S", 0.0)
    key = os.environ.get("LIKENESS_QDRANT_API_KEY") if qdrant_url == REAL_QDRANT else None
    mirrored = replace(settings, qdrant_url=qdrant_url, qdrant_api_key=key)
    if qdrant_url != REAL_QDRANT:
        yield mirrored
        return
    async with connected(mirrored) as qdrant:
        there = set(await qdrant.list_collections("likeness_"))
        yield mirrored
        for name in set(await qdrant.list_collections("likeness_")) - there:
            await qdrant.drop(name)
