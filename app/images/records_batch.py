"""Steps on many pictures at once: what is asked, what became of it, and what it changed."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

Action = Literal["add", "move", "remove", "label", "unlabel", "trash", "restore"]


@dataclass(frozen=True, slots=True)
class Batch:
    """One step. `source` and `target` are ids or names of collections; `labels` are those to add or remove."""

    action: Action
    image_ids: tuple[int, ...]
    source: str | None = None
    target: str | None = None
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BatchRights:
    """What a viewer may do with one picture that they see: `edits` holds for its owner, too."""

    image_id: int
    owns: bool
    edits: bool


@dataclass(frozen=True, slots=True)
class Effect:
    """One kind of change to pictures, as it is undone.

    joined, left: `collection_id` · labelled: `label` · unlabelled: `label` and the place where it stood ·
    relabelled: all `labels`, before and after · trashed, restored: nothing
    else.
    """

    kind: Literal["joined", "left", "labelled", "unlabelled", "relabelled", "trashed", "restored"]
    image_ids: tuple[int, ...]
    collection_id: int | None = None
    label: str | None = None
    position: int | None = None
    labels_before: tuple[str, ...] = ()
    labels_after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many pictures of a step were done, were so already, and were left as they are, and why.

    `not_allowed`: not the viewer's to change, hidden from them or missing · `last_place`: would stand nowhere that
    their owner sees · `full`: have as many labels as a picture may. `gone_ids` left the list that they were chosen in.
    `collection` is the name of the one that they came into or left.
    """

    action: Action
    done: int
    unchanged: int = 0
    not_allowed: int = 0
    last_place: int = 0
    full: int = 0
    undo_id: UUID | None = None
    gone_ids: tuple[int, ...] = ()
    collection: str | None = None
