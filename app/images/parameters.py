"""Filters as parameters of an address, the same for every page and call."""

from typing import Annotated

from litestar.di import Provide
from litestar.params import Parameter, QueryParameter

from app.images.records import Narrowing


def _read(
    collection: Annotated[str | None, Parameter(description="Name or id of a collection.")] = None,
    label: Annotated[str | None, Parameter(description="Only pictures that carry this label.")] = None,
    text: Annotated[
        str | None,
        Parameter(
            description="Words, each of which occurs in the caption, a label or the file name; letter case aside."
        ),
    ] = None,
    after: Annotated[str | None, Parameter(description="Added on this day (UTC) or later: 2026-03-31.")] = None,
    before: Annotated[str | None, Parameter(description="Added on this day (UTC) or earlier: 2026-03-31.")] = None,
    shape: Annotated[
        str | None,
        Parameter(description="landscape, portrait, square or panorama (at least twice as long as wide, either way)."),
    ] = None,
    size: Annotated[
        str | None, Parameter(description="small (below 1 megapixel), medium, or large (from 8 megapixels on).")
    ] = None,
    kind: Annotated[
        str | None, QueryParameter(name="format", description="The format of its file: JPEG, PNG, WEBP …")
    ] = None,
    has_copies: Annotated[
        bool,
        Parameter(
            description="Only pictures of which the caller may see a copy, in whatever collection: the same file, or "
            "the same picture scaled or saved again."
        ),
    ] = False,
) -> Narrowing:
    return Narrowing(collection, label, text, after, before, shape, size, kind, has_copies)


narrowing = {"asked": Provide(_read, sync_to_thread=False)}
"""The dependency of handlers that take `asked: NamedDependency[Narrowing]`."""
