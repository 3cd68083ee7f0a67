"""A18: what others keep to themselves changes nothing that one is told, at any address that tells of pictures.

Every question of the matrix of rights is asked before and after somebody else brings in a thousand near copies for
their own eyes. A new route that is read is asked without being named here; a new one that takes a POST and may be asked
by anybody fails until it is named, as a question or as a change.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from app.accounts.identity import SESSION_COOKIE
from app.accounts.records import Viewer
from app.collections.holding import COOKIE, HEADER
from app.core import changes
from app.core.changes import Change
from app.embedding import store as embedding_store
from app.images.service_families import compare_uncompared
from app.search import builds
from tests.app.search.scattered import directions, scatter
from tests.app.test_permissions import ADMIN, EVERYBODY, MATRIX, MEMBERS, SEE, SIGNED_IN
from tests.app.world import Ask, Persona, World, ask
from tests.conftest import CaughtUp
from tests.factories import picture

Told = tuple[int, dict[str, str], str]
Headers = dict[Persona, tuple[dict[str, str], dict[str, str]]]

COPIES, PUBLIC = 1000, 90
ASKERS: tuple[Persona, ...] = ("anonymous", "holder", "viewer", "owner", "admin")
READING = {name for name, (rule, _) in MATRIX.items() if name.startswith("GET ") and rule is not ADMIN}
ASKING = {"POST /search", "POST /api/v1/search", "POST /images/batch/find", "POST /images/batch/download"}
CHANGING = {
    # An address of a kept question, or vectors of what was sent: they tell nothing of what is there.
    *("POST /queries", "POST /images/{image_id}/crops", "POST /api/v1/embeddings"),
    *("POST /sign-in", "POST /sign-out", "POST /claim/{token}", "POST /s/{token}", "POST /api/v1/links/open"),
    *("POST /account/password", "POST /account/privacy", "POST /account/tokens"),
    *("POST /collections", "POST /api/v1/collections"),
    *("POST /images/batch", "POST /api/v1/images/batch", "POST /undo/{undo_id}"),
}
"""What takes a POST, may be asked by anybody, and answers with what it did."""

FILTERS = (
    *(
        "label=sea",
        "text=drawn",
        "text=sea",
        "shape=square&size=small&format=PNG",
        "after=2020-01-01&before=2100-01-01",
    ),
    *("collection=Open", "collection=Shared", "collection=Open&label=sea&text=drawn"),
    *("has_copies=true", "collection=Open&has_copies=true&label=sea"),
)
ORDERS = ("order=oldest", "order=name", "order=largest", "order=largest&label=sea")
VARIANTS = {
    "GET /": (*FILTERS, *ORDERS),
    "GET /api/v1/images": (*FILTERS, *ORDERS, "limit=7", "limit=500"),
    "GET /api/v1/labels": ("prefix=s", "collection=Open", "limit=1", "has_copies=true"),
    "GET /images/{image_id}/similar": (*FILTERS, "k=500", "min_likeness=0.5", "copies=true"),
    "GET /api/v1/images/{image_id}/similar": (*FILTERS, "k=1000", "k=3", "min_likeness=0.5", "collapse=true"),
    "GET /queries/{query_id}": (*FILTERS, "k=500", "min_likeness=0.5", "copies=true"),
}
"""Further forms of a question, in its address."""

VARYING = re.compile(r"in [0-9.,]+ ms|last (used|seen) .*?(?=,|</)(, [0-9:]+ UTC)?")
"""What may differ from one moment to the next: how long it took, and when one was here last."""

NEXT = re.compile(r'hx-get="([^"]*cursor=[^"]*)"|"next_cursor":"([^"]+)"')
PAGES = 3


@dataclass(frozen=True, slots=True)
class Question:
    """A request with its query string, and whom it is asked as."""

    name: str
    request: Ask
    persona: Persona
    query: str = ""

    @property
    def url(self) -> str:
        path = self.name.split(" ", 1)[1].format(**self.request.names)
        return f"{path}?{self.query}" if self.query else path


def test_a18_every_route_is_a_question_or_a_change() -> None:
    anybodys = {
        name
        for name, (rule, _) in MATRIX.items()
        if rule in (EVERYBODY, SIGNED_IN, SEE, MEMBERS) and not name.startswith(("GET ", "HEAD "))
    }
    assert anybodys == ASKING | CHANGING
    assert set(VARIANTS) <= READING


@pytest.mark.parametrize("indexed", [False, True], ids=["live", "with cells"])
async def test_a18_a_thousand_private_near_copies_change_no_answer(
    world: World, caught_up: CaughtUp, indexed: bool
) -> None:
    await fill(world)
    if indexed:
        settings = replace(world.gallery.settings, exact_below=50)
        await builds.build(world.gallery.intake.db, settings, (await world.gallery.model()).id, None)
    await caught_up()
    headers: Headers = {persona: await identify(world, persona) for persona in ASKERS}
    questions = [one for persona in ASKERS for one in await make_questions(world, persona)]
    before = [await answers(world, headers, one) for one in questions]
    await copy_privately(world, world.people["stranger"])
    await caught_up()
    different: list[str] = []
    for question, was in zip(questions, before, strict=True):
        now = await answers(world, headers, question)
        if now != was:
            different.append(f"{question.persona}: {question.name} {question.url}{difference(was, now)}")
    assert not different, "\n".join(different)
    own = await ask(world, "GET /api/v1/images", "stranger", Ask({}))
    assert len(own.json()["images"]) == 60, "the copies are there, for their owner"
    copied = "GET /api/v1/images?has_copies=true&limit=500"
    assert len((await ask(world, copied, "anonymous", Ask({}))).json()["images"]) == 10
    assert len((await ask(world, copied, "stranger", Ask({}))).json()["images"]) == 500


async def fill(world: World) -> None:
    """Pictures enough for scores to have a meaning, some labelled, in a collection of everybody's."""
    owner, model = world.people["owner"], await world.gallery.model()
    shelf = await world.gallery.collection(owner, "Open", public=True)
    vectors = directions(PUBLIC, model.dim, 1)
    labels = [["sea"] if place % 3 == 0 else ["hill", "sea"] if place % 3 == 1 else [] for place in range(PUBLIC)]
    ids = await scatter(world.gallery.intake.db, owner, model, vectors, [[shelf.id]] * PUBLIC, labels)
    await describe(world, ids)
    async with world.gallery.intake.db.transaction() as conn:
        await conn.execute("UPDATE image SET perceptual_hash = %s WHERE id = ANY(%s)", (b"\x0f\xf0" * 16, ids[:10]))
    await compare_uncompared(world.gallery.intake.db)


async def copy_privately(world: World, other: Viewer) -> None:
    """A thousand near copies of what stands in the owner's collections, for one other person's eyes.

    Alike in vectors, labels and words; some are the same bytes, all have the hash of a picture of the owner's.
    """
    db, model = world.gallery.intake.db, await world.gallery.model()
    shelf = await world.gallery.collection(other, "Mine")
    async with db.transaction() as conn:
        cursor = await conn.execute("SELECT id FROM image WHERE owner_id = %s", (world.people["owner"].account_id,))
        originals = [row[0] for row in await cursor.fetchall()]
        ids, vectors = await embedding_store.list_embeddings(conn, model.id, model.dim, originals)
    chosen = np.random.default_rng(2).integers(0, len(ids), COPIES)
    near = unit(vectors[chosen] + np.float32(0.01) * directions(COPIES, model.dim, 3))
    made = await scatter(db, other, model, near, [[shelf.id]] * COPIES, [["sea", "secret"]] * COPIES)
    async with db.transaction() as conn:
        await conn.execute(
            "UPDATE image SET perceptual_hash = (SELECT perceptual_hash FROM image WHERE id = %s) WHERE id = ANY(%s)",
            (world.image_id, made),
        )
        for copy, original in zip(made, dict.fromkeys(ids[chosen].tolist()), strict=False):
            await conn.execute(
                """
                WITH same AS (UPDATE image SET digest = original.digest FROM image AS original
                    WHERE image.id = %(copy)s AND original.id = %(original)s RETURNING image.digest)
                UPDATE collection_image SET digest = same.digest FROM same WHERE image_id = %(copy)s
                """,
                {"copy": copy, "original": original},
            )
    await describe(world, made)
    await compare_uncompared(db)


async def describe(world: World, image_ids: Sequence[int]) -> None:
    """Scattered pictures become such as words find, and the followers hear of their labels."""
    async with world.gallery.intake.db.transaction() as conn:
        await conn.execute(
            """
            UPDATE image SET document = image_document(filename, ARRAY[caption], ARRAY(
                SELECT label.name FROM image_label JOIN label ON label.id = label_id WHERE image_id = image.id))
            WHERE id = ANY(%s)
            """,
            (list(image_ids),),
        )
        await changes.append(conn, [Change("labelled", image_id) for image_id in image_ids])


def unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


async def identify(world: World, persona: Persona) -> tuple[dict[str, str], dict[str, str]]:
    """The headers of a browser and of a script that stay the same all the while."""
    person = world.people[persona]
    if person.account_id is not None:
        cookie = f"{SESSION_COOKIE}={await world.gallery.session(person)}"
        return {"cookie": cookie}, await world.gallery.bearer(person)
    held = world.links.get(persona)
    return ({"cookie": f"{COOKIE}={held}"}, {HEADER: held}) if held else ({}, {})


async def make_questions(world: World, persona: Persona) -> list[Question]:
    """Everything that one can ask, each in all its forms."""
    questions: list[Question] = []
    for name in sorted(READING):
        request = await MATRIX[name][1](world, persona)
        if name.startswith("GET /queries/"):
            made = await ask(world, "POST /queries", persona, Ask({}, files={"file": ("0.png", picture(0))}))
            request = Ask({"query_id": made.headers["location"].rsplit("/", 1)[-1]})
        questions += [Question(name, request, persona, query) for query in ("", *VARIANTS.get(name, ()))]
    file = {"file": ("0.png", picture(0))}
    ticked = Ask({}, data={"ids": [str(world.image_id)]})
    bodies = [
        {"image_id": world.image_id, "k": 1000},
        {"image_id": world.image_id, "collapse": True, "label": "sea"},
        {"image_id": world.image_id, "has_copies": True, "k": 1000},
        {"image_id": world.image_id, "region": {"x": 0.1, "y": 0.1, "width": 0.5, "height": 0.5}},
        {"liked": [world.image_id, world.image_id + 1], "disliked": [world.image_id + 2], "k": 50},
        {"vector": [1.0] * (await world.gallery.model()).dim, "k": 50, "min_likeness": 0.1},
    ]
    questions += [Question("POST /api/v1/search", Ask({}, json=body), persona) for body in bodies]
    questions.append(Question("POST /api/v1/search", Ask({}, data={"k": "1000"}, files=file), persona))
    questions.append(Question("POST /search", Ask({}, files=file), persona, "top_k=50"))
    questions += [Question(name, ticked, persona) for name in sorted(ASKING) if name.startswith("POST /images/batch/")]
    return questions


async def answers(world: World, headers: Headers, question: Question) -> list[Told]:
    """What one is told, page after page."""
    url: str | None = question.url
    told: list[Told] = []
    while url is not None and len(told) < PAGES:
        response = await send(world, headers[question.persona][url.startswith("/api/")], question, url)
        told.append(masked(response))
        url = next_url(question, response)
    return told


async def send(world: World, headers: dict[str, str], question: Question, url: str) -> httpx.Response:
    request = question.request
    response = await world.client.request(
        question.name.split(" ", 1)[0],
        url,
        headers={**headers, **request.headers},
        data=request.data,
        files=request.files,
        json=request.json,
    )
    world.client.cookies.clear()
    return response


def masked(response: httpx.Response) -> Told:
    try:
        text = VARYING.sub("…", response.content.decode())
    except UnicodeDecodeError:  # a picture, or an archive of some
        text = hashlib.sha256(response.content).hexdigest()
    headers = {name: value for name, value in response.headers.items() if name != "content-length"}
    return response.status_code, headers, text


def next_url(question: Question, response: httpx.Response) -> str | None:
    found = (
        NEXT.search(response.text)
        if response.headers.get("content-type", "").startswith(("text/html", "app"))
        else None
    )
    if found is None or question.name.startswith("POST"):
        return None
    if found.group(1):
        return found.group(1).replace("&amp;", "&")
    query = f"{question.query}&" if question.query else ""
    return f"{question.url.split('?')[0]}?{query}cursor={found.group(2)}"


def difference(was: Sequence[Told], now: Sequence[Told]) -> str:
    """Where two answers part."""
    for (*head, old), (*other, new) in zip(was, now, strict=False):
        if head != other:
            return f"\n  {head}\n  {other}"
        for place, (one, another) in enumerate(zip(old, new, strict=False)):
            if one != another:
                return f"\n  {old[max(0, place - 60) : place + 80]!r}\n  {new[max(0, place - 60) : place + 80]!r}"
    return f": {len(was)} and {len(now)} pages"
