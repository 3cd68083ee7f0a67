"""The mirror on the admin's page and in `/metrics`, and an index that the mirror answers for."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.admin.index_card import index_view, life_view
from app.admin.records import IndexLife, IndexState
from app.core import changes
from app.core.database import Database
from app.core.settings import Settings
from app.search import store_mirror
from app.search.records_mirror import Filling, MirrorState, Reconciled
from tests.conftest import Client, SignIn
from tests.factories import Gallery

AT = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
TOKEN = "a token of Prometheus"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, qdrant_url="http://qdrant.example:6333", metrics_token=TOKEN)


@pytest.fixture
async def admin(gallery: Gallery, sign_in: SignIn) -> Client:
    return await sign_in(await gallery.person("root", admin=True))


async def keep(db: Database, state: MirrorState) -> None:
    async with db.transaction() as conn:
        await store_mirror.write_state(conn, state)


async def filled(gallery: Gallery) -> MirrorState:
    """A mirror three entries behind that was counted and compared."""
    await gallery.embed()
    anna = await gallery.person("anna")
    await gallery.pictures(anna, await gallery.collection(anna, "Birds"), range(2))
    model = await gallery.model()
    async with gallery.intake.db.transaction() as conn:
        await changes.append(conn, [changes.Change("labelled", one) for one in (1, 2, 1)])
        position = await changes.position(conn) - 3
    return MirrorState(
        model.identity,
        alias="likeness_x",
        collection="likeness_x_v1",
        position=position,
        seen_at=AT,
        points=1_200,
        expected=1_203,
        counted_at=AT,
        reconciled=Reconciled(AT, 1_200, 2, missing=3, surplus=1, changed=2, repaired=True),
    )


async def metrics(client: Client) -> dict[str, float]:
    text = (await client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})).text
    lines = [line.split() for line in text.splitlines() if line.startswith("likeness_mirror")]
    return {name: float(value) for name, value in lines}


async def test_before_its_first_round_the_page_says_so(admin: Client) -> None:
    page = (await admin.get("/admin")).text
    assert "http://qdrant.example:6333" in page
    assert "none is complete yet" in page
    assert await metrics(admin) == {"likeness_mirror_up": 0, "likeness_mirror_lag_entries": 0}


async def test_the_page_tells_how_far_it_is_and_what_comparing_found(admin: Client, gallery: Gallery) -> None:
    state = await filled(gallery)
    await keep(gallery.intake.db, state)
    page = (await admin.get("/admin")).text
    for words in (
        "likeness_x_v1, by baseline",
        "1,200",
        "1,203",
        "24 Nov 2026, 10:00 UTC: 3 missing, 1 surplus, 2 changed; repaired",
        "likeness mirror reconcile",
        "Follows",
    ):
        assert words in page, words
    assert "Answers searches" not in page
    part = await admin.get("/admin", headers={"hx-request": "true"})
    assert 'id="mirror-panel"' in part.text
    assert await metrics(admin) == {
        "likeness_mirror_up": 1,
        "likeness_mirror_lag_entries": 3,
        "likeness_mirror_points": 1_200,
        "likeness_mirror_drift": -3,
    }


async def test_a_fault_and_a_filling_are_told(admin: Client, gallery: Gallery) -> None:
    filling = Filling("f" * 64, "likeness_x_v2", 0, last_id=1)
    await keep(gallery.intake.db, replace(await filled(gallery), error="<b>it does not answer</b>", filling=filling))
    page = (await admin.get("/admin")).text
    assert "&lt;b&gt;it does not answer" in page
    assert "likeness_x_v2, 50%" in page
    assert (await metrics(admin))["likeness_mirror_up"] == 0


class TestWithoutAServer:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return replace(settings, qdrant_url=None)

    async def test_nothing_of_it_is_shown(self, admin: Client) -> None:
        page = await admin.get("/admin")
        assert page.status_code == 200
        assert "Qdrant" not in page.text
        assert await metrics(admin) == {}


def test_an_index_that_the_mirror_answers_for_is_not_called_exact() -> None:
    index = IndexState("ready", engine="qdrant", model="baseline", count=7, version="qdrant:likeness_x_v1")
    life = IndexLife([], [], [], None)
    view = index_view(index, life)
    assert (view.kind, view.recall_text, view.locked_text) == ("HNSW, in Qdrant", "–", "")
    assert life_view(index, life, {}).recalls == []
