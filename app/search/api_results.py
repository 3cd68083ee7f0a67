"""Results as the API and the command line tell them."""

import msgspec

from app.images.api import original_url, thumbnail_url
from app.search.paging import write_cursor
from app.search.records import Hit, Results


class ResultOut(msgspec.Struct, omit_defaults=True):
    """One result. `score` is the cosine: higher is better, 1 is the same picture.

    `likeness` is what the score means in this gallery: 1 / (1 + the number of pictures that would score as high by
    chance), null where too few pictures tell. `copies`, there when copies were collapsed, are the further results that
    were copies of it.
    """

    image_id: int
    score: float
    likeness: float | None
    filename: str
    label: str | None
    labels: list[str]
    collection: str
    url: str
    thumbnail_url: str
    copies: int = 0


class BackgroundOut(msgspec.Struct):
    """The scores that likeness is measured by: those with `size` pictures drawn from all that the caller may see."""

    size: int
    mean: float
    std: float


class SearchOut(msgspec.Struct):
    """Results, best first, with the model and the version of its index that found them.

    `background` is null in a gallery too small for likeness. `next_cursor` asks for the results behind these, down to
    the 8,000th; null: there are none.
    """

    model: str
    index: str
    background: BackgroundOut | None
    results: list[ResultOut]
    next_cursor: str | None


def search_out(results: Results) -> SearchOut:
    """The results as the API and the command line tell them."""
    seen = results.background
    background = None if seen is None else BackgroundOut(seen.size, round(seen.mean, 6), round(seen.std, 6))
    next_cursor = None if results.end is None else write_cursor(results.end)
    return SearchOut(results.model, results.index, background, [_result(hit) for hit in results.hits], next_cursor)


def _result(hit: Hit) -> ResultOut:
    return ResultOut(
        image_id=hit.image.id,
        score=round(hit.score, 6),
        likeness=None if hit.likeness is None else round(hit.likeness, 6),
        filename=hit.image.filename,
        label=hit.image.label,
        labels=hit.image.labels,
        collection=hit.collection,
        url=original_url(hit.image.id),
        thumbnail_url=thumbnail_url(hit.image.id),
        copies=hit.copies,
    )
