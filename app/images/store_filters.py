"""SQL that narrows lists of pictures."""

from typing import LiteralString

from psycopg import sql

from app.images.records import Filters, Mark, Order, Shape, Size

_PARTS: LiteralString = r"""
    nullif(trim(regexp_replace(regexp_replace(regexp_replace(normalize({word}::text, NFC),
        '[^[:alnum:]]+', ' ', 'g'),
        '([[:alpha:]])(?=[[:digit:]])', '\1 ', 'g'), '([[:digit:]])(?=[[:alpha:]])', '\1 ', 'g')), '')
"""
_WORD: LiteralString = (
    "image.document @@ (to_tsquery('simple', replace("
    + _PARTS
    + ", ' ', ':* & ') || ':*') || coalesce(plainto_tsquery('english', substring("
    + _PARTS
    + r" FROM '^\S+$')), ''::tsquery))"
)
"""A word is split as `image_document` splits what it is compared with. Each of its parts must begin a word of the
picture's, or the word as a whole be one in another form (dogs, dog). One without letters and digits gives NULL, and
finds nothing. Functions of constants throughout: the planner computes them and knows how rare the word is. Of 100,000
pictures a page of a rare word takes 0.7 ms; looking into each caption, file name and label took 68."""

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
    """A condition on `image` and what the filters ask beside it, with the filters' values.

    What is not asked is not in the text: the planner sees only what it has to plan for.
    """
    parts: list[sql.Composable] = [sql.SQL(" WHERE " + condition)]
    values: dict[str, object] = {
        "collection": filters.collection_id,
        "label": filters.label,
        "after": filters.after,
        "before": filters.before,
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
        parts.append(sql.SQL("image.created_at >= %(after)s::date"))
    if filters.before is not None:
        parts.append(sql.SQL("image.created_at < %(before)s::date + 1"))
    if filters.shape is not None:
        parts.append(sql.SQL(f"({_SHAPES[filters.shape]})"))
    if filters.size is not None:
        parts.append(sql.SQL(f"({_SIZES[filters.size]})"))
    if filters.format is not None:
        parts.append(sql.SQL("image.format = ANY(%(formats)s::text[])"))
    for number, word in enumerate(filters.words):
        values[f"word{number}"] = word
        parts.append(sql.SQL(_WORD).format(word=sql.Placeholder(f"word{number}")))
    return sql.SQL(" AND ").join(parts), values


def ordered(where: sql.Composed, order: Order, mark: Mark | None) -> tuple[sql.Composed, dict[str, object]]:
    """A condition on `image` in an order, from behind a place on, with that place's values."""
    behind, by = _ORDERS[order]
    if mark is None:
        return where + sql.SQL(" ORDER BY " + by), {}
    values: dict[str, object] = {"mark": mark.image_id, "mark_name": mark.name, "mark_pixels": mark.pixels}
    return where + sql.SQL(f" AND {behind} ORDER BY {by}"), values
