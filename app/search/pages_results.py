"""Results as a page shows them: what was asked, the examples beside it, and what can be changed about it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

from litestar import Request
from litestar.response import Template

from app.accounts.records import Viewer
from app.collections.records import Collection
from app.core.database import Database
from app.core.pages import render
from app.images import service as images
from app.images.pages_gallery import Narrowed, make_narrowed
from app.images.records import Region
from app.images.tiles import BatchBar, Score, Tile, make_batch_bar, make_tile
from app.search import service
from app.search.background import CHANCE, WORDS
from app.search.parameters import MAX_SHOWN_EXAMPLES
from app.search.records import Results, SearchOptions
from app.search.service import Engine

LIKENESSES = [(least, words.capitalize()) for least, words in reversed(WORDS)]


@dataclass(frozen=True, slots=True)
class Asked:
    """What was searched with, as the results page shows it.

    `large_url` is the whole picture in the size that parts are drawn on; `crop` the part searched by, as shares of it;
    `crops_url` takes another part. `regions` are what is known to be where, in pixels of `width` x `height`.
    """

    kind: Literal["upload", "image"]
    picture_url: str
    large_url: str
    alt: str
    filename: str
    page_url: str
    crops_url: str
    ratio_class: str
    width: int
    height: int
    crop: list[float] | None = None
    regions: list[Region] = field(default_factory=list[Region])


@dataclass(frozen=True, slots=True)
class Examples:
    """Stored pictures that the results should be like, and some that they should not: those that the viewer sees.

    `missing` are how many others the address names.
    """

    liked: list[Tile]
    disliked: list[Tile]
    missing: int

    @property
    def liked_ids(self) -> list[int]:
        return [tile.id for tile in self.liked]

    @property
    def disliked_ids(self) -> list[int]:
        return [tile.id for tile in self.disliked]

    @property
    def pairs(self) -> list[tuple[str, int]]:
        """As an address names them."""
        return [*(("liked", one) for one in self.liked_ids), *(("disliked", one) for one in self.disliked_ids)]


@dataclass(frozen=True, slots=True)
class ExampleChip:
    """One example in force, with the address of the same search without it."""

    tile: Tile
    kind: Literal["liked", "disliked"]
    remove_url: str


@dataclass(frozen=True, slots=True)
class ResultsPage:
    query: Asked
    tiles: list[Tile]
    k: int
    filters: Narrowed
    min_likeness: float | None
    likenesses: list[tuple[float, str]]
    shows_copies: bool
    collections: list[Collection]
    labels: list[str]
    examples: list[ExampleChip]
    missing_examples: int
    takes_examples: bool
    example_fields: list[tuple[str, int]]
    state_fields: list[tuple[str, str]]
    clear_url: str
    forget_url: str
    has_reading: bool
    model_name: str
    index_version: str
    took_ms: float
    batch: BatchBar


async def find_examples(
    engine: Engine, viewer: Viewer, liked: Sequence[int], disliked: Sequence[int], without: Sequence[int] = ()
) -> Examples:
    """The examples of an address; one that is not there any more, or hidden, is counted and left out."""
    asked = [one for one in dict.fromkeys([*liked, *disliked]) if one not in without]
    if not asked:
        return Examples([], [], 0)
    seen = {one.id: make_tile(one) for one in await images.list_by_ids(engine.db, viewer, asked)}
    return Examples(
        [seen[one] for one in asked if one in seen and one in liked],
        [seen[one] for one in asked if one in seen and one not in liked],
        len(asked) - len(seen),
    )


def make_tiles(results: Results) -> list[Tile]:
    """The results as tiles with their scores."""
    by = f"by {results.model}, index {results.index}"
    return [
        make_tile(
            hit.image, Score(hit.score, hit.words, hit.words == CHANCE, f"Cosine {hit.score:.4f} {by}"), hit.copies
        )
        for hit in results.hits
    ]


async def render_results(
    request: Request[Any, Any, Any],
    db: Database,
    viewer: Viewer,
    asked: Asked,
    results: Results,
    options: SearchOptions,
    collection: Collection | None,
    examples: Examples,
) -> Template:
    """The page of results, or for htmx their part of it."""
    # Labels of what was found, most frequent first: counting those of the whole gallery took longer than the search.
    labels = Counter(label for hit in results.hits for label in hit.image.labels)
    labels.update([options.filters.label] if options.filters.label else [])
    filters = make_narrowed(options.filters, collection)
    path = request.url.path
    state_url = filters.link(
        path,
        k=options.k if options.k != service.DEFAULT_K else None,
        min_likeness=options.min_likeness,
        copies=None if options.collapse else "true",
    )
    collections = await service.list_collections(db, viewer)
    edited = [one for one in collections if one.allows("editor")]
    context = ResultsPage(
        query=asked,
        tiles=make_tiles(results),
        k=options.k,
        filters=filters,
        min_likeness=options.min_likeness,
        likenesses=LIKENESSES,
        shows_copies=not options.collapse,
        collections=collections,
        labels=[label for label, _ in labels.most_common()],
        examples=_chips(state_url, examples),
        missing_examples=examples.missing,
        takes_examples=len(examples.pairs) < MAX_SHOWN_EXAMPLES,
        example_fields=examples.pairs,
        state_fields=parse_qsl(urlsplit(state_url).query),
        clear_url=_joined(path, examples.pairs),
        forget_url=state_url,
        has_reading=results.background is not None,
        model_name=results.model,
        index_version=results.index,
        took_ms=results.took_ms,
        batch=make_batch_bar(viewer, edited, collection, _joined(state_url, examples.pairs)),
    )
    return render(request, "search/results.html", context, fragment="search/_results.html", title="Results")


def _chips(state_url: str, examples: Examples) -> list[ExampleChip]:
    def without(kind: str, image_id: int) -> str:
        return _joined(state_url, [pair for pair in examples.pairs if pair != (kind, image_id)])

    return [
        *(ExampleChip(tile, "liked", without("liked", tile.id)) for tile in examples.liked),
        *(ExampleChip(tile, "disliked", without("disliked", tile.id)) for tile in examples.disliked),
    ]


def _joined(url: str, pairs: Sequence[tuple[str, int]]) -> str:
    """An address with more pairs in its query string."""
    if not pairs:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(pairs)}"
