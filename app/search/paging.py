"""A search goes on behind the last result of the page before."""

from collections.abc import Sequence

from app.core.errors import Invalid
from app.search.records import Hit, Place


def behind(hits: Sequence[Hit], place: Place | None) -> list[Hit]:
    """The results behind that place; when it is gone from the results, those of lower scores."""
    if place is None:
        return list(hits)
    for rank, hit in enumerate(hits):
        if hit.image.id == place.image_id:
            return list(hits[rank + 1 :])
    return [hit for hit in hits if hit.score < place.score]


def next_place(shown: Sequence[Hit], place: Place | None) -> Place:
    """Where a page ends that begins behind `place` and shows these."""
    before = 0 if place is None else place.rank
    return Place(before + len(shown), shown[-1].image.id, shown[-1].score)


def write_cursor(place: Place) -> str:
    """The place as people who page pass it on; what it is made of is ours to change."""
    return f"{place.rank}_{place.image_id}_{place.score!r}"


def read_cursor(text: str | None, max_rank: int) -> Place | None:
    """The place that a cursor names. Raises Invalid."""
    if text is None or text == "":
        return None
    try:
        rank, image_id, score = text.split("_")
        place = Place(int(rank), int(image_id), float(score))
    except ValueError as error:
        raise Invalid("cursor is the next_cursor of the page before") from error
    if not 0 < place.rank <= max_rank:
        raise Invalid("cursor is the next_cursor of the page before")
    return place
