"""Too many searches at once: the ones too many are told so at once, and the others are answered."""

import asyncio
import threading
import time

import pytest

from app.accounts.records import Viewer
from app.collections.records import Collection
from app.core.errors import Unavailable
from app.search import finders
from app.search.live import Live
from tests.app.search.conftest import Finder
from tests.conftest import CaughtUp, Client
from tests.factories import Gallery, picture

AT_ONCE_S = 0.1
ATTEMPTS = 3  # the machine may be busy with something else for a moment


async def test_b19_a_search_too_many_is_refused_at_once(
    gallery: Gallery, anna: Viewer, birds: Collection, live: Live, find: Finder, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await gallery.pictures(anna, birds, range(3))
    await gallery.embed()
    await live.refresh()
    monkeypatch.setattr(finders, "MAX_WAITING", 2)
    go_on = threading.Event()
    blocked = find.engine.finder.threads.submit(go_on.wait)  # pyright: ignore[reportAttributeAccessIssue]
    try:
        waiting = [asyncio.create_task(find.near(ids[0])) for _ in range(2)]
        await asyncio.sleep(0.2)
        took_s: list[float] = []
        for _ in range(ATTEMPTS):
            started = time.perf_counter()
            with pytest.raises(Unavailable) as refused:
                await asyncio.wait_for(find.near(ids[0]), timeout=5)
            took_s.append(time.perf_counter() - started)
            assert refused.value.retry_after_s == 1
        assert min(took_s) < AT_ONCE_S
    finally:
        go_on.set()
    assert blocked.result()
    assert [sorted(found) for found in await asyncio.gather(*waiting)] == [ids[1:], ids[1:]]


async def test_b19_overload_is_answered_with_503_within_100_ms(
    client: Client, gallery: Gallery, anna: Viewer, birds: Collection, caught_up: CaughtUp
) -> None:
    await gallery.pictures(anna, birds, range(3))
    await gallery.embed()
    await caught_up()
    file = {"file": ("query.png", picture(1), "image/png")}
    assert (await client.post("/api/v1/search", files=file)).status_code == 200
    client.app.state.lane._waiting = 32
    for path in ("/api/v1/search", "/api/v1/embeddings", "/search"):
        took_s: list[float] = []
        for _ in range(ATTEMPTS):
            started = time.perf_counter()
            answer = await client.post(path, files=file, headers={"accept": "application/json"})
            took_s.append(time.perf_counter() - started)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1"), path
            assert answer.headers["content-type"] == "application/problem+json"
        assert min(took_s) < AT_ONCE_S, path
