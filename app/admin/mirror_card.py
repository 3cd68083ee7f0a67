"""The mirror in Qdrant as the admin's page shows it."""

from dataclasses import dataclass

from app.core.words import time_text
from app.search.records_mirror import MirrorStatus, Reconciled


@dataclass(frozen=True, slots=True)
class MirrorView:
    """The mirror in words; texts are empty for what has not happened yet."""

    follows: bool
    answers_searches: bool
    url: str
    seen_text: str
    error: str
    collection: str
    model: str
    position: int
    lag: int
    points: int
    expected: int
    counted_text: str
    filling_text: str
    compared_text: str


def mirror_view(mirror: MirrorStatus) -> MirrorView:
    """The mirror in words."""
    return MirrorView(
        follows=mirror.reachable,
        answers_searches=mirror.answers_searches,
        url=mirror.url,
        seen_text=time_text(mirror.seen_at),
        error=mirror.error,
        collection=mirror.collection,
        model=mirror.model,
        position=mirror.position,
        lag=mirror.lag,
        points=mirror.points,
        expected=mirror.expected,
        counted_text=time_text(mirror.counted_at),
        filling_text=f"{mirror.filling}, {mirror.filled_share:.0%}" if mirror.filling else "",
        compared_text=_compared_text(mirror.reconciled) if mirror.reconciled else "",
    )


def _compared_text(found: Reconciled) -> str:
    at = time_text(found.at)
    if found.clean:
        return f"{at}: {found.points:,} points, no difference"
    done = "repaired" if found.repaired else "left as they are"
    return f"{at}: {found.missing:,} missing, {found.surplus:,} surplus, {found.changed:,} changed; {done}"
