"""Copies of a picture: the same file, or the same picture scaled or saved again, wherever one may see it."""

from dataclasses import dataclass

from app.accounts.records import Viewer
from app.core.errors import Conflict, Unavailable
from app.images import store as image_store
from app.images import store_copies
from app.images.records import Image, Standing
from app.search.copies import list_near
from app.search.records import SearchOptions
from app.search.service import Engine, search_by_images

MAX_COPIES = 100
"""Copies shown, and nearest pictures whose hashes are compared: a copy is among the nearest of its picture."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A picture that is a copy of another, with the collections that its viewer sees it in."""

    image: Image
    same_file: bool
    standings: list[Standing]


@dataclass(frozen=True, slots=True)
class Copies:
    """A picture and its copies, those of the same file first. `complete`: whether others could be looked for, too."""

    image: Image
    copies: list[Copy]
    complete: bool


async def list_copies(engine: Engine, viewer: Viewer, image_id: int) -> Copies:
    """The copies of a picture. Raises NotFound for one that the viewer may not see."""
    async with engine.db.transaction() as conn:
        image = await image_store.get_visible(conn, viewer, image_id)
        same = await store_copies.list_same_file(conn, viewer, image, MAX_COPIES)
    try:
        nearest = (await search_by_images(engine, viewer, [image_id], SearchOptions(MAX_COPIES))).hits
    except (
        Conflict,
        Unavailable,
    ):  # not embedded yet, or nothing answers searches: the same file is found all the same
        nearest = None
    others = [hit.image for hit in nearest or [] if hit.image.digest != image.digest]
    async with engine.db.transaction() as conn:
        hashes = await image_store.list_perceptual_hashes(conn, [image_id, *(one.id for one in others)])
        near = set(list_near(hashes.pop(image_id, None), hashes))
        found = [*same, *(one for one in others if one.id in near)]
        standings = await image_store.list_standings(conn, viewer, [one.id for one in found])
    places: dict[int, list[Standing]] = {}
    for standing in standings:
        places.setdefault(standing.image_id, []).append(standing)
    return Copies(
        image,
        # What is seen nowhere by now has been hidden meanwhile.
        [Copy(one, one.digest == image.digest, places[one.id]) for one in found if one.id in places],
        nearest is not None,
    )
