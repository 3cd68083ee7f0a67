"""A grouping of a collection's pictures, and its groups."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

State = Literal["open", "accepted", "dropped"]


@dataclass(frozen=True, slots=True)
class Grouping:
    """What was asked for and by whom; `model`, `pictures` and `silhouette` (-1 to 1) are known at its end."""

    id: int
    collection_id: int
    job_id: int
    account: str | None
    groups: int
    seed: int
    model: str
    pictures: int
    silhouette: float | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NewGroup:
    """Pictures that look alike, nearest to their centre first; `name` is a label that most of them carry, or empty."""

    name: str
    image_ids: list[int]


@dataclass(frozen=True, slots=True)
class Group:
    """A group as it stands: `images` of it are in the collection now; `cover_ids` are the nearest to the centre."""

    id: int
    name: str
    state: State
    images: int
    cover_ids: list[int]


@dataclass(frozen=True, slots=True)
class Ready:
    """Of a collection's pictures outside the trash, how many have an embedding by the model in force."""

    standing: int
    embedded: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """How many pictures got the label, had it, and have no room for more."""

    label: str
    done: int
    unchanged: int
    full: int
    undo_id: UUID | None
