"""Pictures as they are kept."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from app.collections.records import Visibility


@dataclass(frozen=True, slots=True)
class Image:
    """One picture with its labels in order.

    `digest` is the SHA-256 of the file's bytes, or of bare pixels (`ml.decoder.digest_of`). `shares_metadata`: others
    than its owner get the file as it came, too.
    """

    id: int
    owner_id: int
    owner_name: str
    digest: bytes
    filename: str
    caption: str
    source: str
    format: str
    width: int
    height: int
    size_bytes: int
    created_at: datetime
    trashed_at: datetime | None
    labels: list[str]
    more_captions: list[str]
    split: str
    shares_metadata: bool

    @property
    def captions(self) -> list[str]:
        """All of them; the first is the one that stands for the picture."""
        return [one for one in (self.caption, *self.more_captions) if one]

    @property
    def label(self) -> str | None:
        """The first label."""
        return self.labels[0] if self.labels else None

    @property
    def alt(self) -> str:
        """What stands for the picture in words: caption, else label, else file name."""
        return self.caption or self.label or self.filename


@dataclass(frozen=True, slots=True)
class PlacedImage(Image):
    """A picture with the name of a collection that its viewer sees it in."""

    collection: str


@dataclass(frozen=True, slots=True)
class Region:
    """Where something is: upper left corner and size in pixels of the picture as displayed."""

    label: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Description:
    """What is said of a picture on its way in. The first of its captions stands for it."""

    captions: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    regions: tuple[Region, ...] = ()
    split: str = ""


@dataclass(frozen=True, slots=True)
class NewImage:
    """A decoded picture on its way in."""

    digest: bytes
    perceptual_hash: bytes
    filename: str
    source: str
    description: Description
    format: str
    width: int
    height: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a new picture: its id, and whether it came into the collection now. No id: over the quota."""

    image_id: int | None
    is_new: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """A collection that a picture stands in."""

    image_id: int
    collection_id: int
    name: str
    visibility: Visibility


@dataclass(frozen=True, slots=True)
class Origin:
    """The import that brought a picture."""

    import_id: int
    name: str


@dataclass(frozen=True, slots=True)
class Uncompared:
    """A picture that waits to be compared with all others; without a digest it is gone by now."""

    id: int
    image_id: int
    digest: bytes | None
    perceptual_hash: bytes | None


@dataclass(frozen=True, slots=True)
class Relatives:
    """Pictures of one hash (that tells) or else one digest: a family that some are of, and those that are of none."""

    by_hash: bool
    key: bytes
    family_id: int | None
    image_ids: list[int]


@dataclass(frozen=True, slots=True)
class LabelCount:
    """A label and how many visible pictures carry it."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Rights:
    """What a viewer may do with one picture."""

    can_edit: bool
    can_trash: bool


Order = Literal["newest", "oldest", "name", "largest"]
Shape = Literal["landscape", "portrait", "square", "panorama"]
Size = Literal["small", "medium", "large"]


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in an order: behind the picture with this id and, by name or size, this begin of a name or area."""

    image_id: int
    name: str = ""
    pixels: int = 0


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list of pictures is narrowed to.

    Each of `words` occurs in the caption, a label or the file name, letter case aside. `after` and `before` are days
    (UTC) on which a picture may have come in, both included. A panorama is at least twice as long as wide, either way;
    a square's sides differ by 5 % at most. small: below 1 megapixel, large: from 8 on. `format` is Pillow's name; a
    camera's MPO is a JPEG. `has_copies`: the viewer may see a copy of it, anywhere.
    """

    collection_id: int | None = None
    label: str | None = None
    words: tuple[str, ...] = ()
    after: date | None = None
    before: date | None = None
    shape: Shape | None = None
    size: Size | None = None
    format: str | None = None
    has_copies: bool = False

    @property
    def by_picture(self) -> bool:
        """Whether more is asked than a collection and a label: then the pictures themselves must be looked at."""
        return self != Filters(self.collection_id, self.label)


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Filters as a request names them, not checked yet."""

    collection: str | None = None
    label: str | None = None
    text: str | None = None
    after: str | None = None
    before: str | None = None
    shape: str | None = None
    size: str | None = None
    format: str | None = None
    has_copies: bool = False


NO_FILTERS = Filters()
