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
    """A collection with what its card shows: how many pictures, and the newest of them."""

    collection: Collection
    count: int
    cover_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody a collection is shared with."""

    account_id: int
    name: str
    role: Role
