"""Search by page: a question has an address, and it is its owner's."""

from typing import Any

import pytest

from app.accounts.records import Viewer
from app.collections.records import Collection
from tests.conftest import CaughtUp, Client, SignIn
from tests.factories import Gallery, picture


@pytest.fixture
async def ids(gallery: Gallery, anna: Viewer, birds: Collection, caught_up: CaughtUp) -> list[int]:
    ids = await gallery.pictures(anna, birds, range(4), ["robin"])
    ids += await gallery.pictures(anna, birds, [4], ["gull"])
    await gallery.embed()
    await caught_up()
    return ids


async def ask(browser: Client, seed: int) -> str:
    """The address of a new query's results."""
    file = {"file": ("mine.png", picture(seed), "image/png")}
    answer = await browser.post("/queries", files=file)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def tiles(page: str) -> list[int]:
    """The pictures shown, in order."""
    return [int(part.split('"')[0]) for part in page.split('<a class="tile__link" href="/images/')[1:]]


async def test_c5_a_search_by_upload_has_an_address(client: Client, ids: list[int]) -> None:
    where = await ask(client, 2)
    page = await client.get(where)
    assert page.status_code == 200
    assert tiles(page.text)[0] == ids[2]
    assert sorted(tiles(page.text)) == ids
    assert "mine.png" in page.text
    assert "same picture" in page.text
    assert tiles((await client.get(where, params={"label": "gull"})).text) == [ids[4]]
    assert len(tiles((await client.get(where, params={"k": 2})).text)) == 2
    thumbnail = await client.get(f"{where}/picture")
    assert thumbnail.headers["content-type"] == "image/webp"
    assert thumbnail.headers["cache-control"] == "private, no-cache"


async def test_a_signed_in_persons_query_is_theirs(
    client: Client, gallery: Gallery, anna: Viewer, ids: list[int], sign_in: SignIn
) -> None:
    where = await ask(await sign_in(anna), 2)
    ben = await sign_in(await gallery.person("ben"))
    assert (await (await sign_in(anna)).get(where)).status_code == 200
    for browser in (client, ben):
        assert (await browser.get(where)).status_code == 404
        assert (await browser.get(f"{where}/picture")).status_code == 404


async def test_nobodys_query_is_whose_hold_its_address(client: Client, ids: list[int], open_client: Any) -> None:
    where = await ask(client, 2)
    assert (await (await open_client()).get(where)).status_code == 200


async def test_more_like_this_as_a_page_and_as_a_strip(client: Client, ids: list[int]) -> None:
    page = await client.get(f"/images/{ids[0]}/similar")
    assert sorted(tiles(page.text)) == ids[1:]
    strip = await client.get(f"/images/{ids[0]}/similar", headers={"hx-request": "true", "hx-target": "similar"})
    assert "<html" not in strip.text
    assert tiles(strip.text) == tiles(page.text)


async def test_the_strip_of_a_picture_that_waits_for_its_embedding_asks_again(
    gallery: Gallery, anna: Viewer, sign_in: SignIn, client: Client, ids: list[int], caught_up: CaughtUp
) -> None:
    (fresh,) = await gallery.pictures(anna, await gallery.collection(anna, "Fresh"), [50])
    browser, where = await sign_in(anna), f"/images/{fresh}/similar"
    asked_by_htmx = {"hx-request": "true", "hx-target": "similar"}
    strip = await browser.get(where, headers=asked_by_htmx)
    assert strip.status_code == 200
    assert "as soon as it is embedded" in strip.text
    assert f'hx-get="{where}"' in strip.text
    assert (await browser.get(where)).status_code == 409
    assert (await client.get(where, headers=asked_by_htmx)).status_code == 404
    await gallery.embed()
    await caught_up()
    assert "hx-get" not in (await browser.get(where, headers=asked_by_htmx)).text


async def test_htmx_gets_the_results_alone(client: Client, ids: list[int]) -> None:
    part = await client.get(await ask(client, 2), headers={"hx-request": "true", "hx-target": "results"})
    assert part.text.lstrip().startswith('<section class="results"')


async def test_private_pictures_are_on_nobody_elses_results(
    client: Client, gallery: Gallery, ids: list[int], sign_in: SignIn, caught_up: CaughtUp
) -> None:
    ben = await gallery.person("ben")
    (hidden,) = await gallery.pictures(ben, await gallery.collection(ben, "Private"), [40], ["secret label"])
    await gallery.embed()
    await caught_up()
    page = (await client.get(await ask(client, 40))).text
    assert hidden not in tiles(page)
    assert "secret label" not in page
    own = await sign_in(ben)
    assert hidden in tiles((await own.get(await ask(own, 40))).text)


async def test_what_is_no_picture_is_refused_on_the_page(client: Client, ids: list[int]) -> None:
    answer = await client.post("/queries", files={"file": ("letter.jpg", b"Dear all", "image/jpeg")})
    assert answer.status_code == 422
    assert "error-part" in answer.text or "empty--error" in answer.text
    nothing = await client.post("/queries", files={"file": ("", b"", "application/octet-stream")})
    assert nothing.status_code == 422


async def test_c18_a_score_has_words_its_model_and_its_index(
    client: Client, gallery: Gallery, anna: Viewer, birds: Collection, ids: list[int], caught_up: CaughtUp
) -> None:
    few = (await client.get(await ask(client, 2))).text
    assert "With so few pictures nobody can tell" in few
    await gallery.pictures(anna, birds, range(10, 40))
    await gallery.embed()
    await caught_up()
    where = await ask(client, 2)
    page = (await client.get(where)).text
    assert "by baseline, index live: same picture" in page
    assert "by baseline, index live: no more alike than chance" in page
    assert "measured by this gallery" in page
    assert len(tiles(page)) == 24
    assert tiles((await client.get(where, params={"min_likeness": 0.9})).text) == [ids[2]]


async def test_c13_what_cannot_be_answered_yet_offers_to_try_again(
    client: Client, gallery: Gallery, anna: Viewer, birds: Collection
) -> None:
    (image_id,) = await gallery.pictures(anna, birds, [1])
    for address in (f"/images/{image_id}/similar?k=12&label=gull", f"/images/{image_id}/similar"):
        answer = await client.get(address)
        assert answer.status_code == 503
        assert "retry-after" in answer.headers
        assert f'href="{address.replace("&", "&amp;")}">Try again</a>' in answer.text
    refused = await client.post("/queries", files={"file": ("mine.png", picture(2), "image/png")})
    assert refused.status_code == 503
    assert "Try again</a>" not in refused.text
