"""Examples on the page of results: more of this, less of that, all in the address."""

import re
from html import unescape

import pytest

from app.accounts.records import NOBODY, Viewer
from app.collections.records import Collection
from app.images import service as images
from app.search import service
from app.search.parameters import MAX_SHOWN_EXAMPLES
from app.search.records import SearchOptions
from app.search.service import Engine
from tests.app.search.test_pages import ask, tiles
from tests.conftest import CaughtUp, Client
from tests.factories import Gallery


@pytest.fixture
async def ids(gallery: Gallery, anna: Viewer, birds: Collection, caught_up: CaughtUp) -> list[int]:
    ids = await gallery.pictures(anna, birds, range(12), ["robin"])
    await gallery.embed()
    await caught_up()
    return ids


def links(page: str, name: str) -> list[str]:
    """Where the links of a class lead."""
    return [unescape(one) for one in re.findall(rf'class="{name}" href="([^"]+)"', page)]


async def test_c20_examples_move_the_results_of_a_stored_picture(
    client: Client, engine: Engine, ids: list[int]
) -> None:
    await engine.live.refresh()
    page = (await client.get(f"/images/{ids[0]}/similar", params={"liked": ids[1:3], "disliked": [ids[3]]})).text
    wanted = await service.search_by_images(engine, NOBODY, ids[:3], SearchOptions(24), [ids[3]])
    assert tiles(page) == [hit.image.id for hit in wanted.hits]
    assert len(tiles(page)) == 8
    assert page.count("More of robin</span></a>") == 2
    assert page.count("Less of robin</span></a>") == 1


async def test_c20_examples_join_an_uploaded_picture(client: Client, ids: list[int]) -> None:
    where = await ask(client, 2)
    plain = tiles((await client.get(where)).text)
    moved = tiles((await client.get(where, params={"liked": ids[7]})).text)
    assert sorted([*moved, ids[7]]) == sorted(plain)
    assert moved != [one for one in plain if one != ids[7]]


async def test_c5_buttons_and_chips_keep_the_whole_state_in_the_address(client: Client, ids: list[int]) -> None:
    where = f"/images/{ids[0]}/similar"
    state = {"label": "robin", "k": 12, "liked": ids[1], "disliked": ids[2]}
    page = (await client.get(where, params=state)).text
    form = page.split('<form id="examples"')[1].split("</form>")[0]
    fields = re.findall(r'name="(\w+)" value="([^"]*)"', form)
    expected = [("label", "robin"), ("k", "12"), ("liked", str(ids[1])), ("disliked", str(ids[2]))]
    assert fields == expected
    assert f'form="examples" name="liked" value="{ids[3]}"' in page
    assert f'form="examples" name="disliked" value="{ids[3]}"' in page
    narrowing = page.split('<form class="results__filters"')[1].split("</form>")[0]
    assert f'name="liked" value="{ids[1]}"' in narrowing
    assert links(page, "example__remove") == [
        f"{where}?label=robin&k=12&disliked={ids[2]}",
        f"{where}?label=robin&k=12&liked={ids[1]}",
    ]
    assert f"{where}?liked={ids[1]}&disliked={ids[2]}" in links(page, "chip"), "filters cleared, examples kept"
    assert f"{where}?label=robin&k=12" in links(page, "chip"), "examples cleared, filters kept"


async def test_c20_the_picture_asked_about_is_no_example_of_its_own(client: Client, ids: list[int]) -> None:
    where = f"/images/{ids[0]}/similar"
    plain = (await client.get(where)).text
    page = (await client.get(where, params={"liked": ids[0], "disliked": ids[0]})).text
    assert tiles(page) == tiles(plain)
    assert links(page, "example__remove") == []


async def test_a17_an_example_that_one_may_not_see_is_as_gone_as_one_that_never_was(
    client: Client, gallery: Gallery, anna: Viewer, ids: list[int], caught_up: CaughtUp
) -> None:
    (hidden,) = await gallery.pictures(anna, await gallery.collection(anna, "Private"), [50])
    await images.trash(gallery.intake.db, anna, ids[5])
    await gallery.embed()
    await caught_up()
    where = f"/images/{ids[0]}/similar"
    pages = [(await client.get(where, params={"liked": one})).text for one in (hidden, ids[5], 99_999)]
    plain = (await client.get(where)).text
    for page in pages:
        assert "1 example is not here any more" in page
        assert tiles(page) == tiles(plain)
    assert len({re.sub(r"[\d.]+ ms", "", page) for page in pages}) == 1


async def test_c20_at_most_so_many_examples(client: Client, ids: list[int]) -> None:
    where = f"/images/{ids[0]}/similar"
    many = list(range(1000, 1000 + MAX_SHOWN_EXAMPLES))
    assert (await client.get(where, params={"liked": many})).status_code == 200
    refused = await client.get(where, params={"liked": many, "disliked": [ids[1]]})
    assert refused.status_code == 422
    assert "at most 20 pictures as examples" in refused.text
    for unreadable in ("a", "1.5"):
        assert (await client.get(where, params={"liked": unreadable})).status_code == 422
    assert "1 example is not here any more" in (await client.get(where, params={"liked": 2**70})).text
