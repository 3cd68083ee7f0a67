"""View models of pictures, shared by every page that shows a grid of them."""

from dataclasses import dataclass
from urllib.parse import urlencode

from app.images.ratios import ratio_class
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
    """One picture in a grid."""

    id: int
    url: str
    alt: str
    filename: str
    label: str | None
    width: int
    height: int
    ratio_class: str
    score: Score | None = None

    def thumb(self, width: int) -> str:
        """The address of the thumbnail of this width (256, 512 or 1024)."""
        return f"/images/{self.id}/thumbnails/{width}"


def make_tile(image: Image, score: Score | None = None) -> Tile:
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
    )


def with_query(path: str, **names: object) -> str:
    """A path with a query string of the names that have a value."""
    pairs = {name: value for name, value in names.items() if value not in (None, "")}
    return f"{path}?{urlencode(pairs)}" if pairs else path
