"""Collections, their members, and what a viewer may do in one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Role = Literal["viewer", "editor", "owner"]
Visibility = Literal["private", "shared", "public"]

RANK: dict[Role, int] = {"viewer": 1, "editor": 2, "owner": 3}


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection as one viewer sees it. `role` is the viewer's own: None where it is only public."""

    id: int
    owner_id: int
    owner_name: str
    name: str
    description: str
    is_public: bool
    members: int
    role: Role | None
    cover_id: int | None
    created_at: datetime

    @property
    def visibility(self) -> Visibility:
        if self.is_public:
            return "public"
        return "shared" if self.members else "private"

    def allows(self, role: Role) -> bool:
        """True when the viewer's role is at least this one."""
        return self.role is not None and RANK[self.role] >= RANK[role]


@dataclass(frozen=True, slots=True)
class Shelf:
    """A collection with what its card shows: how many pictures, and its cover or the newest of them."""

    collection: Collection
    count: int
    cover_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody a collection is shared with."""

    account_id: int
    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class ShareLink:
    """A link by which whoever holds it sees a collection; of its secret only the prefix is kept readable."""

    id: int
    collection_id: int
    prefix: str
    has_password: bool
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    expired: bool


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link that has just been made, with its secret, which is shown this once."""

    link: ShareLink
    token: str


@dataclass(frozen=True, slots=True)
class LiveLink:
    """What opening a link needs to know of it."""

    id: int
    collection_id: int
    password_hash: str | None


@dataclass(frozen=True, slots=True)
class Opened:
    """A link that was opened: `key` shows the collection to whoever sends it along."""

    collection_id: int
    key: str
