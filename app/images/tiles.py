"""View models of pictures, shared by every page that shows a grid of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from app.accounts.records import Viewer
from app.collections.records import Collection
from app.images.ratios import NARROWEST, WIDEST, ratio_class
from app.images.records import Image


@dataclass(frozen=True, slots=True)
class Score:
    """How a picture scored in a search: `words` are what that means, `by_chance` if it means nothing."""

    value: float
    words: str | None
    by_chance: bool
    source: str


@dataclass(frozen=True, slots=True)
class Tile:
    """One picture in a grid; `copies` are further ones that it stands for."""

    id: int
    url: str
    alt: str
    filename: str
    label: str | None
    width: int
    height: int
    ratio_class: str
    score: Score | None = None
    copies: int = 0

    def thumb(self, width: int) -> str:
        """The address of the thumbnail of this width (256, 512 or 1024)."""
        return f"/images/{self.id}/thumbnails/{width}"

    @property
    def srcset(self) -> str:
        """The thumbnails that a browser may choose from."""
        return list_sources(self.thumb, self.width)

    @property
    def ratio(self) -> float:
        """Width by height, within what a tile shows."""
        return min(max(self.width / self.height, NARROWEST / 100), WIDEST / 100)


@dataclass(frozen=True, slots=True)
class BatchBar:
    """What can be done with the ticked tiles of a grid: put into `targets`, and taken out of the source.

    `in_trash`: restored, and nothing else.
    """

    targets: list[Collection]
    source_id: int | None
    cover_url: str | None
    back: str
    signed_in: bool
    in_trash: bool = False


TRASH_BAR = BatchBar(targets=[], source_id=None, cover_url=None, back="/trash", signed_in=True, in_trash=True)


def make_batch_bar(viewer: Viewer, edited: Sequence[Collection], here: Collection | None, back: str) -> BatchBar:
    """The bar below a grid at the address `back`, which shows the collection `here`, if one."""
    source = here if here is not None and here.allows("editor") else None
    targets = [one for one in edited if here is None or one.id != here.id]
    return BatchBar(
        targets=targets,
        source_id=source.id if source else None,
        cover_url=f"/collections/{source.id}/cover" if source and source.allows("owner") else None,
        back=back,
        signed_in=viewer.signed_in,
    )


def list_sources(thumb: Callable[[int], str], width: int, widths: tuple[int, ...] = (256, 512, 1024)) -> str:
    """The value of `srcset` for a stored picture of that width: no thumbnail promises to be wider than it is."""
    return ", ".join(f"{thumb(one)} {min(one, width)}w" for one in widths if one == widths[0] or one < 2 * width)


def make_tile(image: Image, score: Score | None = None, copies: int = 0) -> Tile:
    """The tile of a picture; with its score where it was searched for."""
    return Tile(
        id=image.id,
        url=f"/images/{image.id}",
        alt=image.alt,
        filename=image.filename,
        label=image.label,
        width=image.width,
        height=image.height,
        ratio_class=ratio_class(image.width, image.height),
        score=score,
        copies=copies,
    )


def with_query(path: str, **names: object) -> str:
    """A path with a query string of the names that have a value."""
    pairs = {name: value for name, value in names.items() if value not in (None, "")}
    return f"{path}?{urlencode(pairs)}" if pairs else path
