"""Proposed labels as the pages show them."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.core.words import counted, time_text
from app.explore.records import Group, State
from app.explore.service import Proposals
from app.images.records import Image
from app.images.tiles import Tile, make_tile


@dataclass(frozen=True, slots=True)
class GroupView:
    """A group; `words` are what has become of it. `fresh`: it was decided just now, and `undo_url` turns that back."""

    id: int
    url: str
    name: str
    state: State
    images: int
    covers: list[Tile]
    words: str = ""
    undo_url: str | None = None
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class RunView:
    """A grouping and how far it is."""

    state: str
    message: str
    facts: list[str]

    @property
    def live(self) -> bool:
        """Whether there is more to come."""
        return self.state in ("queued", "running")


def run_view(found: Proposals) -> RunView | None:
    """None where nothing was asked for."""
    made, job = found.grouping, found.job
    if made is None or job is None:
        return None
    facts = [f"asked for {time_text(made.created_at)}" + (f" by {made.account}" if made.account else "")]
    if job.state == "done":
        facts = [
            f"{counted(made.pictures, 'picture', 'pictures')} grouped by {made.model}",
            f"seed {made.seed}",
            *facts,
        ]
        if made.silhouette is not None:
            facts.insert(1, f"silhouette {made.silhouette:.2f}")
    return RunView(job.state, job.message, facts)


def group_view(group: Group, url: str, pictures: Mapping[int, Image]) -> GroupView:
    """A group of the proposals at `url`, with its covers: those of `pictures`, which the viewer sees."""
    return GroupView(
        id=group.id,
        url=f"{url}/{group.id}",
        name=group.name,
        state=group.state,
        images=group.images,
        covers=[make_tile(pictures[one]) for one in group.cover_ids if one in pictures],
        words=f"{counted(group.images, 'picture', 'pictures')}, {group.state}",
    )


def decided_view(group_id: int, url: str, state: State, words: str, undo_url: str | None) -> GroupView:
    """A group of the proposals at `url` that was decided just now."""
    return GroupView(group_id, f"{url}/{group_id}", "", state, 0, [], words, undo_url, fresh=True)
