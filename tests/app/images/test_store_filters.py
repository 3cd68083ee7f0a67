"""Words as a filter: what finds which picture, and that no word is anything but a word."""

import string

import numpy as np
from psycopg import sql

from app.accounts.records import NOBODY
from app.core.database import Database
from app.images.records import Filters, Narrowing
from app.images.service_filters import resolve_filters
from app.images.store_filters import where_matching

FILENAME = "IMG_1234-Sunset.jpg"
CAPTIONS = ["Two dogs are running over the beach.", "Ein Café in 東京, 3.5 km away"]
LABELS = ["golden retriever", "Rot-Kehlchen", "iPhone13pro"]


async def finds(db: Database, *words: str, name: str = FILENAME) -> bool:
    """Whether the words find a picture with that name, and those captions and labels."""
    where, values = where_matching("TRUE", Filters(words=words))
    picture = "SELECT count(*) FROM (SELECT image_document(%(name)s, %(captions)s, %(labels)s) AS document) AS image"
    async with db.transaction() as conn:
        given = {"name": name, "captions": CAPTIONS, "labels": LABELS}
        cursor = await conn.execute(sql.SQL(picture) + where, given | values)
        row = await cursor.fetchone()
    return row is not None and bool(row[0])


FOUND = [
    *("dog", "dogs", "do", "d", "DOG", "run", "runs", "running", "runn", "retriev", "golden retriever"),
    *("1234", "12", "img", "IMG_1234", "img_1234-sunset.jpg", "sunset", "jpg", "sun jpg"),
    *("the", "over", "café", "CAFÉ", "cafe\N{COMBINING ACUTE ACCENT}", "東", "東京", "3.5", "3.5km"),
    *("rot", "kehlchen", "rot-kehlchen", "iphone", "13", "13pro", "pro"),
    *("dog!", "(dog)", "'dog'", "dog:*", "dog dog dog"),
]
NOT_FOUND = [
    *("cat", "og", "ogs", "nset", "234", "retrieve dog cat", "dog cat", "dogma", "runway", "z-13"),
    *("!cat", "dog|cat", "cat|dog", "dog&cat", "dog<->cat", "cat:*", "''", "'"),
    *(":*", "*", "&", "|", "!", "()", "\\", "%", "_", "-", "...", "\N{FACE WITH TEARS OF JOY}", "½", "x" * 100),
    *("\N{NO-BREAK SPACE}.", "\N{ZERO WIDTH SPACE}", "dog &", "dog ''"),
]


async def test_words_find_by_beginning_and_by_form(db: Database) -> None:
    assert [text for text in FOUND if not await finds(db, *text.split())] == []
    assert [text for text in NOT_FOUND if await finds(db, *text.split(" "))] == []


async def test_names_are_split_as_words_are(db: Database) -> None:
    """Wherever letters and digits meet, and however accents are written: a Mac's file names have them apart."""
    assert await finds(db, "müsli", name="mu\N{COMBINING DIAERESIS}sli.png")
    assert await finds(db, "x7y", name="img20x7y8.png")
    assert await finds(db, "8", name="img20x7y8.png")


async def test_no_word_is_anything_but_a_word(db: Database) -> None:
    rng = np.random.default_rng(7)
    alphabets = [
        string.punctuation + " \t\\",
        string.printable,
        "".join(map(chr, range(1, 0x2FFF))),
        "&|!():*<->'\\ad1",
    ]
    for number in range(300):
        alphabet = list(alphabets[number % 4])
        text = "".join(rng.choice(alphabet, rng.integers(1, 80))) + ("", "\0", "\ud800")[number % 3]
        filters, _ = await resolve_filters(db, NOBODY, Narrowing(text=" ".join(text.split()[:18])))
        found = await finds(db, *filters.words)
        if filters.words and not any(character.isalnum() for character in text):
            assert not found, text
        assert not await finds(db, *filters.words, "unheard"), text


async def test_what_postgres_cannot_hold_is_no_part_of_a_word(db: Database) -> None:
    filters, _ = await resolve_filters(db, NOBODY, Narrowing(text="dog\0run \ud800"))
    assert filters.words == ("dog", "run", "?")
