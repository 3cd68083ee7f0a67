"""SQL that narrows lists of pictures."""

from typing import LiteralString

from psycopg import sql

from app.images.records import Filters, Mark, Order, Shape, Size
from ml.perceptual import COPY_DISTANCE

VISIBLE: LiteralString = """
    image.trashed_at IS NULL AND EXISTS (
        SELECT FROM collection_image AS standing WHERE standing.image_id = image.id
        AND standing.collection_id IN (SELECT collection_id FROM visible_collections(%(viewer)s, %(links)s)))
"""
_COPIED: LiteralString = (
    """
    image.id IN (SELECT this.image_id FROM copy_family AS this WHERE EXISTS (
        SELECT FROM copy_family AS other JOIN image ON image.id = other.image_id
        WHERE other.family_id = this.family_id AND other.image_id <> this.image_id
        AND (other.digest = this.digest OR bit_count(other.hash # this.hash) <= %(copy_distance)s) AND """
    + VISIBLE
    + " OFFSET 0))"
)
"""The picture that is asked to be visible here is the copy. OFFSET keeps the planner from joining whole families: the
first copy is enough."""

_PARTS: LiteralString = r"""
    nullif(trim(regexp_replace(regexp_replace(regexp_replace(normalize({word}::text, NFC),
        '[^[:alnum:]]+', ' ', 'g'),
        '([[:alpha:]])(?=[[:digit:]])', '\1 ', 'g'), '([[:digit:]])(?=[[:alpha:]])', '\1 ', 'g')), '')
"""
_WORD: LiteralString = (
    "(to_tsquery('simple', replace("
    + _PARTS
    + ", ' ', ':* & ') || ':*') || coalesce(plainto_tsquery('english', substring("
    + _PARTS
    + r" FROM '^\S+$')), ''::tsquery))"
)
"""A word is split as `image_document` splits what it is compared with. Each of its parts must begin a word of the
picture's, or the word as a whole be one in another form (dogs, dog). One without letters and digits gives NULL, and
finds nothing. Functions of constants throughout: the planner computes them, and knows how frequent a word is that the
statistics list; `store_listing` asks for the others."""

DAY: LiteralString = "((image.created_at AT TIME ZONE 'UTC')::date)"
"""As the index image_day has it."""

_SQUARE: LiteralString = "20 * abs(image.width - image.height) <= greatest(image.width, image.height)"
_PANORAMA: LiteralString = "greatest(image.width, image.height) >= 2 * least(image.width, image.height)"
_SHAPES: dict[Shape, LiteralString] = {
    "square": _SQUARE,
    "panorama": _PANORAMA,
    "landscape": f"image.width > image.height AND NOT {_SQUARE} AND NOT {_PANORAMA}",
    "portrait": f"image.width < image.height AND NOT {_SQUARE} AND NOT {_PANORAMA}",
}
_PIXELS: LiteralString = "(image.width::bigint * image.height)"
_SIZES: dict[Size, LiteralString] = {
    "small": f"{_PIXELS} < 1000000",
    "medium": f"{_PIXELS} >= 1000000 AND {_PIXELS} < 8000000",
    "large": f"{_PIXELS} >= 8000000",
}
# As the indexes image_name and image_pixels have them: of 200,000 pictures a page in any order takes 1.2 to 1.6 ms.
_NAME: LiteralString = "lower(left(image.filename, 200))"
_ORDERS: dict[Order, tuple[LiteralString, LiteralString]] = {
    "newest": ("image.id < %(mark)s", "image.id DESC"),
    "oldest": ("image.id > %(mark)s", "image.id"),
    "name": (f"({_NAME}, image.id) > (lower(%(mark_name)s::text), %(mark)s)", f"{_NAME}, image.id"),
    "largest": (f"({_PIXELS}, image.id) < (%(mark_pixels)s::bigint, %(mark)s)", f"{_PIXELS} DESC, image.id DESC"),
}


def where_matching(condition: LiteralString, filters: Filters) -> tuple[sql.Composed, dict[str, object]]:
    """A condition on `image` and what the filters ask beside it, with the filters' values; the viewer's come beside.

    What is not asked is not in the text: the planner sees only what it has to plan for.
    """
    parts: list[sql.Composable] = [sql.SQL(" WHERE " + condition)]
    values: dict[str, object] = {
        "collection": filters.collection_id,
        "label": filters.label,
        "after": filters.after,
        "before": filters.before,
        "copy_distance": COPY_DISTANCE,
        "formats": ["JPEG", "MPO"] if filters.format == "JPEG" else [filters.format],
    }
    if filters.collection_id is not None:
        parts.append(
            sql.SQL(
                """EXISTS (SELECT FROM collection_image AS placed
                WHERE placed.image_id = image.id AND placed.collection_id = %(collection)s)"""
            )
        )
    if filters.label is not None:
        parts.append(
            sql.SQL(
                """EXISTS (SELECT FROM image_label AS carried WHERE carried.image_id = image.id
                AND carried.label_id = (SELECT id FROM label WHERE label.name = %(label)s))"""
            )
        )
    if filters.after is not None:
        parts.append(sql.SQL(DAY + " >= %(after)s::date"))
    if filters.before is not None:
        parts.append(sql.SQL(DAY + " <= %(before)s::date"))
    if filters.shape is not None:
        parts.append(sql.SQL(f"({_SHAPES[filters.shape]})"))
    if filters.size is not None:
        parts.append(sql.SQL(f"({_SIZES[filters.size]})"))
    if filters.format is not None:
        parts.append(sql.SQL("image.format = ANY(%(formats)s::text[])"))
    if filters.has_copies:
        parts.append(sql.SQL(_COPIED))
    for word, name in _named_words(filters):
        values[name] = word
        parts.append(sql.SQL("image.document @@ " + _WORD).format(word=sql.Placeholder(name)))
    return sql.SQL(" AND ").join(parts), values


def asked_words(filters: Filters) -> tuple[sql.Composed, dict[str, object]]:
    """All words of the filters as one tsquery, with their values: what matches them all matches it."""
    named = _named_words(filters)
    asked = sql.SQL(" && ").join(sql.SQL(_WORD).format(word=sql.Placeholder(name)) for _, name in named)
    return asked, {name: word for word, name in named}


def _named_words(filters: Filters) -> list[tuple[str, str]]:
    return [(word, f"word{number}") for number, word in enumerate(filters.words)]


def ordered(where: sql.Composed, order: Order, mark: Mark | None) -> tuple[sql.Composed, dict[str, object]]:
    """A condition on `image` in an order, from behind a place on, with that place's values."""
    behind, by = _ORDERS[order]
    if mark is None:
        return where + sql.SQL(" ORDER BY " + by), {}
    values: dict[str, object] = {"mark": mark.image_id, "mark_name": mark.name, "mark_pixels": mark.pixels}
    return where + sql.SQL(f" AND {behind} ORDER BY {by}"), values
