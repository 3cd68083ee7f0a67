"""`/metrics`: who may read it, what it tells, and that nothing personal or unbounded is in it."""

from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.core.errors import Unavailable
from app.core.settings import Settings
from app.search import builds
from tests.conftest import CaughtUp, Client, SignIn
from tests.factories import Gallery, picture
from tests.waiting import until

TOKEN = "a token of Prometheus"
SCRAPER = {"authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, metrics_token=TOKEN)


async def scrape(client: Client) -> dict[tuple[str, ...], float]:
    """Values by name and label values."""
    answer = await client.get("/metrics", headers=SCRAPER)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["cache-control"] == "no-store"
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_the_token_or_an_admin_and_nobody_else(client: Client, gallery: Gallery, sign_in: SignIn) -> None:
    assert (await client.get("/metrics")).status_code == 401
    for wrong in ("Bearer another token of nobody", f"Basic {TOKEN}", TOKEN, "Bearer ", "Bearer é"):
        assert (await client.get("/metrics", headers={b"authorization": wrong.encode()})).status_code == 401, wrong
    assert (await client.get("/metrics", headers=SCRAPER)).status_code == 200
    anna = await sign_in(await gallery.person("anna"))
    assert (await anna.get("/metrics")).status_code == 404
    root = await sign_in(await gallery.person("root", admin=True))
    assert (await root.get("/metrics")).status_code == 200


async def test_an_api_token_of_an_admin_is_no_metrics_token(client: Client, gallery: Gallery) -> None:
    bearer = await gallery.bearer(await gallery.person("root", admin=True))
    assert (await client.get("/metrics", headers=bearer)).status_code == 401


class TestWithoutAToken:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return replace(settings, metrics_token=None)

    @pytest.mark.parametrize("given", ["Bearer ", "Bearer None", "Bearer"])
    async def test_none_is_right(self, client: Client, given: str) -> None:
        assert (await client.get("/metrics", headers={"authorization": given})).status_code == 401
        assert (await client.get("/metrics")).status_code == 401


async def test_b23_it_tells_of_queue_index_recall_and_embeddings(
    client: Client, gallery: Gallery, caught_up: CaughtUp
) -> None:
    before = await scrape(client)
    assert before["likeness_index_ready",] == 0
    anna = await gallery.person("anna")
    birds = await gallery.collection(anna, "Birds", public=True)
    ids = await gallery.pictures(anna, birds, range(4))
    await gallery.embed()
    await builds.build(gallery.intake.db, gallery.settings, (await gallery.model()).id, None)
    (waiting,) = await gallery.pictures(anna, birds, [9])
    await builds.request_build(gallery.intake.db, "asked for")
    await caught_up()
    await client.get(f"/images/{ids[0]}/similar")
    now: dict[tuple[str, ...], float] = {}

    async def measured() -> bool:
        now.update(await scrape(client))
        return ("likeness_index_recall_today",) in now

    await until(measured)
    assert now["likeness_database_up",] == 1
    assert now["likeness_worker_up",] == 0
    assert now["likeness_queue_jobs", "search", "waiting"] == 1
    assert 0 <= now["likeness_queue_oldest_seconds", "search"] < 60
    assert now["likeness_jobs", "index", "done"] == 1
    assert [now["likeness_embeddings", state] for state in ("embedded", "waiting", "failed")] == [4, 1, 0]
    assert [now["likeness_index_vectors", part] for part in ("main", "delta", "tombstones")] == [4, 0, 0]
    assert now["likeness_index_ready",] == 1
    assert now["likeness_index_version",] == 1
    assert now["likeness_index_lag_entries",] == 0
    assert now["likeness_index_size_bytes",] > 0
    assert 0 <= now["likeness_index_age_seconds",] < 60
    assert (now["likeness_index_recall_built",], now["likeness_index_recall_today",]) == (1, 1)
    assert now["likeness_search_seconds_count",] - before["likeness_search_seconds_count",] >= 1
    assert now["process_resident_memory_bytes",] > 1e6
    assert waiting


async def test_requests_are_counted_by_route_never_by_address(client: Client) -> None:
    await client.get("/images/12345")
    await client.get("/a-secret-address")
    await client.request("BREW", "/search")
    counted = await scrape(client)
    assert counted["likeness_http_requests_total", "GET", "/images/{image_id}", "404"] >= 1
    names = {part for key in counted for part in key}
    assert not {name for name in names if "12345" in name or "secret" in name or "BREW" in name}


async def test_rejections_are_counted_by_their_kind(client: Client) -> None:
    before = await scrape(client)
    answer = await client.post("/api/v1/search", files={"file": ("x.png", picture(1), "image/png")})
    assert answer.status_code == 503, "there is no model yet"
    now = await scrape(client)
    key = ("likeness_rejections_total", "Unavailable", "503")
    assert now[key] - before.get(key, 0) == 1


async def test_nothing_personal_is_told(client: Client, gallery: Gallery, caught_up: CaughtUp) -> None:
    anna = await gallery.person("anna-of-the-birds")
    await gallery.pictures(anna, await gallery.collection(anna, "Nobody-elses"), [1], ["a-label"])
    await gallery.embed()
    await caught_up()
    text = (await client.get("/metrics", headers=SCRAPER)).text
    for word in ("anna-of-the-birds", "Nobody-elses", "a-label", "1.png"):
        assert word not in text


async def test_without_its_database_a_process_still_tells_of_itself(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> None:
        raise Unavailable("the database does not answer")

    monkeypatch.setattr(client.app.state.db, "transaction", gone)
    told = await scrape(client)
    assert told["likeness_database_up",] == 0
    assert ("likeness_search_seconds_count",) in told
    assert ("likeness_index_lag_entries",) not in told
