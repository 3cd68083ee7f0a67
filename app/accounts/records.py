"""Accounts, sessions, tokens, and the viewer that every verb is given."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

Scope = Literal["read", "write", "admin"]
SCOPES: tuple[Scope, ...] = ("read", "write", "admin")

EventKind = Literal[
    "signed_in",
    "sign_in_refused",
    "sign_in_throttled",
    "signed_out",
    "session_revoked",
    "password_changed",
    "password_change_refused",
    "password_change_throttled",
    "token_made",
    "token_revoked",
    "link_made",
    "link_revoked",
    "link_refused",
    "link_throttled",
    "account_added",
    "account_claimed",
    "invitation_withdrawn",
    "account_disabled",
    "account_enabled",
    "member_added",
    "member_removed",
]
EVENT_KINDS: tuple[EventKind, ...] = get_args(EventKind)


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks: an account, or nobody (`account_id` None), with the share links held.

    `links` are the SHA-256 [32 bytes] of their keys, at most 20; whether one is alive the database tells.
    `scopes` are what an API token is for; None: no token speaks, and the account may do all that is its to do.
    """

    account_id: int | None = None
    name: str | None = None
    is_admin: bool = False
    session_id: int | None = None
    links: tuple[bytes, ...] = ()
    scopes: Sequence[Scope] | None = None

    @property
    def signed_in(self) -> bool:
        return self.account_id is not None

    @property
    def values(self) -> dict[str, object]:
        """What a query that asks `visible_collections(%(viewer)s, %(links)s)` needs to be given."""
        return {"viewer": self.account_id, "links": list(self.links)}


NOBODY = Viewer()


@dataclass(frozen=True, slots=True)
class Client:
    """Where a request comes from, as sessions and the security log remember it."""

    address: str
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """A person who may sign in. Without `password_hash` the account waits for its claim link to be used."""

    id: int
    name: str
    password_hash: str | None
    is_admin: bool
    disabled_at: datetime | None
    created_at: datetime
    shares_metadata: bool

    @property
    def viewer(self) -> Viewer:
        """The viewer that a command acts as when it works in this account's name."""
        return Viewer(self.id, self.name, self.is_admin)


@dataclass(frozen=True, slots=True)
class Session:
    """One browser that is signed in."""

    id: int
    account_id: int
    user_agent: str
    address: str
    created_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A bearer token, without its secret: only the prefix is kept readable."""

    id: int
    account_id: int
    name: str
    prefix: str
    scopes: Sequence[Scope]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that has just been made, with its secret, which is shown this once."""

    token: ApiToken
    secret: str


@dataclass(frozen=True, slots=True)
class Quota:
    """The most that an account keeps, its trash included; None: no limit."""

    max_files: int | None = None
    max_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What an account keeps, its trash included, and the most that it may."""

    files: int
    bytes: int
    max_files: int | None
    max_bytes: int | None

    def has_room(self, files: int, size_bytes: int) -> bool:
        """Whether so much more is allowed."""
        enough_files = self.max_files is None or self.files + files <= self.max_files
        return enough_files and (self.max_bytes is None or self.bytes + size_bytes <= self.max_bytes)


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """Something that the keeper of the gallery may want to know. `account_id` and `name`: whom it concerns."""

    id: int
    at: datetime
    kind: EventKind
    account_id: int | None
    name: str | None
    address: str
    about: str
