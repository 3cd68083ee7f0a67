"""Filters by words and days: the same in lists, searches, pages, calls and commands."""

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from psycopg import sql

from app.accounts.records import NOBODY, Viewer
from app.collections.records import Collection
from app.core.database import Database
from app.core.errors import Invalid
from app.core.words import capfirst
from app.images import service as images
from app.images.records import Narrowing
from app.images.service_filters import resolve_filters
from app.images.store import list_matching
from ml.models.registry import BASELINE
from tests.conftest import CaughtUp, Client, Likeness, SignIn
from tests.factories import Gallery, picture

DAYS = ("2024-02-28", "2024-02-29", "2024-03-01", "2024-03-02")


@pytest.fixture
async def ids(gallery: Gallery, anna: Viewer, birds: Collection, caught_up: CaughtUp) -> list[int]:
    """Four searchable public pictures, each of another day, with captions; the last has labels, too."""
    ids = await gallery.pictures(anna, birds, range(4))
    captions = ("A red house", "100% Ärger", "a house, by the sea", "")
    for image_id, caption in zip(ids, captions, strict=True):
        labels = ["Mountain house", "snow"] if image_id == ids[-1] else []
        await images.describe(gallery.intake.db, anna, image_id, caption=caption, labels=labels)
    async with gallery.intake.db.transaction() as conn:
        for image_id, day in zip(ids, DAYS, strict=True):
            await conn.execute("UPDATE image SET created_at = %s WHERE id = %s", (f"{day} 23:59:59+00", image_id))
    await gallery.embed()
    await caught_up()
    return ids


TEXTS = [
    ("house", [0, 2, 3]),
    ("HOUSE red", [0]),
    ("house sea", [2]),
    ("hou se", [2]),  # as it is typed
    ("ouse", []),
    ("houses", [0, 2, 3]),  # in another form
    ("mountain snow", [3]),
    ("house snow", [3]),  # one word of each label
    ("0.png", [0]),
    ("png house", [0, 2, 3]),
    ("ärger", [1]),
    ("100%", [1]),
    ("%", []),
    ("\\", []),
    ("house &", []),
    ("seared", []),  # no word reaches from one field into another
    ("   ", [0, 1, 2, 3]),
]
SPANS = [
    ({"after": DAYS[1]}, [1, 2, 3]),
    ({"before": DAYS[1]}, [0, 1]),
    ({"after": DAYS[1], "before": DAYS[1]}, [1]),
    ({"after": DAYS[1], "before": DAYS[2], "text": "house"}, [2]),
    ({"after": "2024-03-03"}, []),
    ({"after": "", "before": "", "text": "", "label": ""}, [0, 1, 2, 3]),
]
ASKED = [({"text": text}, expected) for text, expected in TEXTS] + SPANS
WRONG = [
    ({"after": "yesterday"}, "after is a day"),
    ({"before": "2024-02-30"}, "before is a day"),
    ({"after": "20240229"}, "after is a day"),
    ({"after": "2024-W09-4"}, "after is a day"),
    ({"after": "2024-03-02", "before": "2024-03-01"}, "no day is after"),
    ({"text": "a " * 21}, "at most 20 words"),
    ({"text": "a" * 101}, "at most 100 characters"),
]


def found(answer: httpx.Response) -> list[int]:
    assert answer.status_code == 200, answer.text
    body = answer.json()
    return sorted(one["image_id"] for one in body.get("results", body.get("images")))


def tiles(page: httpx.Response) -> list[int]:
    assert page.status_code == 200
    return sorted(int(one) for one in re.findall(r'<a class="tile__link" href="/images/(\d+)"', page.text))


async def ask(browser: Client) -> str:
    """The address of a new query's results."""
    answer = await browser.post("/queries", files={"file": ("mine.png", picture(9), "image/png")})
    return answer.headers["location"]


async def test_all_ways_in_take_the_same_filters(client: Client, ids: list[int]) -> None:
    query = await ask(client)
    vector = [1.0] + [0.0] * (BASELINE.width - 1)
    for asked, places in ASKED:
        expected = [ids[place] for place in places]
        file = {"file": ("query.png", picture(9), "image/png")}
        assert found(await client.get("/api/v1/images", params=asked)) == expected, asked
        assert found(await client.post("/api/v1/search", json={"vector": vector, **asked})) == expected, asked
        assert found(await client.post("/api/v1/search", data=asked, files=file)) == expected, asked
        assert tiles(await client.get("/", params=asked)) == expected, asked
        assert tiles(await client.get(query, params=asked)) == expected, asked
        near = [one for one in expected if one != ids[0]]
        assert found(await client.get(f"/api/v1/images/{ids[0]}/similar", params=asked)) == near, asked
        assert tiles(await client.get(f"/images/{ids[0]}/similar", params=asked)) == near, asked


@pytest.mark.parametrize(("asked", "words"), WRONG)
async def test_what_is_no_filter_is_refused_in_words(
    client: Client, ids: list[int], asked: dict[str, Any], words: str
) -> None:
    calls = [
        await client.get("/api/v1/images", params=asked),
        await client.get(f"/api/v1/images/{ids[0]}/similar", params=asked),
        await client.post("/api/v1/search", json={"image_id": ids[0], **asked}),
        await client.post("/api/v1/search", data=asked, files={"file": ("x.png", picture(1), "image/png")}),
    ]
    for answer in calls:
        assert answer.status_code == 422
        assert words in answer.json()["detail"]
    sentence = capfirst(calls[0].json()["detail"])
    for path in ("/", f"/images/{ids[0]}/similar"):
        page = await client.get(path, params=asked)
        assert page.status_code == 422
        assert sentence in html.unescape(page.text)


async def test_a_file_in_a_filters_place_is_none(client: Client, ids: list[int]) -> None:
    files = {name: ("x.png", picture(1), "image/png") for name in ("file", "text", "label", "after", "k")}
    assert found(await client.post("/api/v1/search", files=files)) == ids


async def test_the_page_keeps_all_that_was_asked(client: Client, ids: list[int]) -> None:
    asked = {"text": "house", "after": DAYS[0], "before": DAYS[3], "min_likeness": "0.5", "copies": "true", "k": "48"}
    page = (await client.get(await ask(client), params=asked)).text
    for kept in (
        'name="text" type="search" value="house"',
        f'name="after" type="date" value="{DAYS[0]}"',
        f'name="before" type="date" value="{DAYS[3]}"',
        '<option value="0.5" selected>',
        'name="copies" value="true" checked',
        '<option value="48" selected>',
    ):
        assert kept in page
    assert "not in the picture itself" in page
    gallery = (await client.get("/", params={"text": "house", "after": DAYS[0]})).text
    label = html.unescape(re.findall(r'<a class="chip" href="([^"]*label=snow[^"]*)"', gallery)[0])
    assert tiles(await client.get(label)) == [ids[3]]
    assert "text=house" in label
    assert f"after={DAYS[0]}" in label


async def test_copies_are_hidden_on_the_page(
    client: Client, gallery: Gallery, anna: Viewer, birds: Collection, ids: list[int], caught_up: CaughtUp
) -> None:
    ben = await gallery.person("ben")
    more = await gallery.collection(ben, "More", public=True)
    copies = await gallery.pictures(ben, more, range(4))
    await gallery.embed()
    await caught_up()
    query = await ask(client)
    assert tiles(await client.get(query, params={"copies": "true"})) == sorted([*ids, *copies])
    assert len(tiles(await client.get(query))) == 4


async def test_words_find_nothing_that_is_private(
    client: Client, gallery: Gallery, ids: list[int], caught_up: CaughtUp, sign_in: SignIn
) -> None:
    ben = await gallery.person("ben")
    (hidden,) = await gallery.pictures(ben, await gallery.collection(ben, "Private"), [40], ["secret"])
    await gallery.embed()
    await caught_up()
    assert found(await client.get("/api/v1/images", params={"text": "secret"})) == []
    assert found(await client.post("/api/v1/search", json={"image_id": ids[0], "text": "secret"})) == []
    assert tiles(await (await sign_in(ben)).get("/", params={"text": "secret"})) == [hidden]


async def test_only_visible_pictures_are_selected_by(gallery: Gallery, anna: Viewer, db: Database) -> None:
    own = await gallery.pictures(anna, await gallery.collection(anna, "Private"), [1, 2])
    await images.trash(db, anna, own[1])
    filters, _ = await resolve_filters(db, anna, Narrowing(text="png"))
    async with db.transaction() as conn:
        assert (await list_matching(conn, anna, filters)).tolist() == own[:1]
        assert (await list_matching(conn, NOBODY, filters)).tolist() == []


async def test_days_are_those_of_utc(gallery: Gallery, anna: Viewer, birds: Collection, db: Database) -> None:
    (image_id,) = await gallery.pictures(anna, birds, [1])
    today = datetime.now(UTC).date()
    for setting in ("Pacific/Kiritimati", "America/Los_Angeles"):
        async with db.transaction() as conn:
            await conn.execute(sql.SQL("SET LOCAL timezone = {}").format(setting))
            await conn.execute("UPDATE image SET created_at = %s", (f"{today} 12:00:00+00",))
        for day, expected in ((today, [image_id]), (today - timedelta(1), []), (today + timedelta(1), [])):
            filters, _ = await resolve_filters(db, NOBODY, Narrowing(after=str(day), before=str(day)))
            page = await images.list_images(db, NOBODY, filters)
            assert [one.id for one in page.images] == expected


async def test_no_collection_no_connection(db: Database) -> None:
    filters, found = await resolve_filters(db, NOBODY, Narrowing(label="a", text="b c"))
    assert (filters.label, filters.words, found) == ("a", ("b", "c"), None)
    with pytest.raises(Invalid):
        await resolve_filters(db, NOBODY, Narrowing(after="0000-01-01"))


def test_the_command_takes_them_too(likeness: Likeness, tmp_path: Any) -> None:
    root = tmp_path / "pictures"
    root.mkdir()
    for seed, name in enumerate(("robin", "gull")):
        (root / f"{name}.png").write_bytes(picture(seed))
    assert likeness("import", "folder", root, "--collection", "B", "--visibility", "public").exit_code == 0
    today = datetime.now(UTC).date()
    for arguments, expected in (
        (("--text", "ROBIN"), ["robin.png"]),
        (("--after", today, "--before", today + timedelta(1)), ["gull.png", "robin.png"]),
        (("--before", today - timedelta(1)), []),
    ):
        result = likeness("search", root / "gull.png", *arguments)
        assert result.exit_code == 0
        assert sorted(line.split()[-1] for line in result.stdout.splitlines()) == expected
    wrong = likeness("search", root / "gull.png", "--after", "soon")
    assert (wrong.exit_code, wrong.stdout) == (1, "")
    assert "after is a day written as 2026-03-31, not 'soon'" in wrong.stderr
    assert likeness("search", root / "gull.png", "--min-likeness", "2").exit_code == 1
