"""Pictures as they are kept."""

from dataclasses import dataclass
from datetime import date, datetime

from app.collections.records import Visibility


@dataclass(frozen=True, slots=True)
class Image:
    """One picture with its labels in order. `digest` is the SHA-256 of the file's bytes."""

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
class NewImage:
    """A decoded picture on its way in."""

    digest: bytes
    perceptual_hash: bytes
    filename: str
    source: str
    caption: str
    labels: tuple[str, ...]
    format: str
    width: int
    height: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Standing:
    """A collection that a picture stands in."""

    image_id: int
    collection_id: int
    name: str
    visibility: Visibility


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


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list of pictures is narrowed to.

    Each of `words` occurs in the caption, a label or the file name, letter case aside. `after` and `before` are days
    (UTC) on which a picture may have come in, both included.
    """

    collection_id: int | None = None
    label: str | None = None
    words: tuple[str, ...] = ()
    after: date | None = None
    before: date | None = None


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Filters as a request names them, not checked yet."""

    collection: str | None = None
    label: str | None = None
    text: str | None = None
    after: str | None = None
    before: str | None = None


NO_FILTERS = Filters()
