"""Upkeep: whether the index in force is to be built again, why, and whether that may happen by itself."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from app.core import state
from app.core.database import Connection
from app.core.settings import Settings
from app.search import store, store_recall
from app.search.records import IndexVersion, Recall

EXACT_MIN_FRESH = 256
EXACT_FRESH_SHARE = 0.1
"""An exact index scans everything either way: beyond a tenth of fresh vectors the delta costs more than lists do."""

MIN_FRESH = 10_000
FRESH_SHARE = 0.05
"""10,000 fresh vectors of 384 numbers cost a search 0.6 ms, as much again as a quarter of the main index at 1M."""

GONE_SHARE = 0.1
"""Vectors taken out are passed over at no cost up to 30%; a tenth of them is a tenth of the file for nothing."""

RETRAIN_GROWTH = 2
"""Twice the vectors in the same cells make each cell twice as long, and nlist grows with the root of their number."""

RECALL_SLACK = 0.02
"""So far below the target recall has fallen: 200 queries for ten results each are certain to about .01."""

MIN_QUERIES = 50

PAUSE = timedelta(hours=24)
"""A build that did not help (below its target, or recall is as low as before) is not made again at once."""

HELD_VERSION = "held_index_version"

Kind = Literal["compact", "retrain"]
"""`compact` folds in what came and went, `retrain` draws new cells."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the version in force stands: `built` vectors when it was built, `living` now, `fresh` of them since.

    Its cells were trained for `trained` vectors: by its own build, or by an earlier one.
    """

    trained: int
    built: int
    living: int
    fresh: int
    is_exact: bool
    target: float
    measured: Sequence[Recall] = ()

    @property
    def gone(self) -> int:
        """Vectors of the main part that are found no more."""
        return self.built + self.fresh - self.living


@dataclass(frozen=True, slots=True)
class Proposal:
    """A build that is due. `waits_for` says why it is not made by itself, and is empty when it is."""

    kind: Kind
    cause: Literal["recall", "growth", "fresh", "gone"]
    reason: str
    waits_for: str = ""


def propose(standing: Standing) -> Proposal | None:
    """The build that is due, the weightiest reason first; None while the index serves."""
    for one in standing.measured:
        if one.queries >= MIN_QUERIES and has_fallen(one, standing.target):
            reason = f"recall of {one.words} has fallen to {one.recall:.3f}, the target is {standing.target:.2f}"
            return Proposal("retrain", "recall", reason)
    least, share = (EXACT_MIN_FRESH, EXACT_FRESH_SHARE) if standing.is_exact else (MIN_FRESH, FRESH_SHARE)
    due = standing.fresh >= max(least, int(share * standing.built))
    if standing.living >= RETRAIN_GROWTH * standing.trained and (due or not standing.is_exact):
        reason = f"the gallery has grown from {standing.trained:,} to {standing.living:,} pictures"
        return Proposal("retrain", "growth", reason)
    if due:
        return Proposal("compact", "fresh", f"{standing.fresh:,} pictures came since the last build")
    if standing.gone > GONE_SHARE * standing.built and not standing.is_exact:
        reason = f"{standing.gone:,} of {standing.built:,} pictures are gone since the last build"
        return Proposal("compact", "gone", reason)
    return None


def has_fallen(recall: Recall, target: float) -> bool:
    """Whether a measured recall is further below the target than chance explains."""
    return recall.recall < target - RECALL_SLACK


async def due(conn: Connection, settings: Settings, model_id: int) -> Proposal | None:
    """The build of this model's index that is due now, if any; none ever where the mirror in Qdrant answers."""
    if settings.search_engine == "qdrant":
        return None
    versions = await store.list_versions(conn, model_id)
    active = next((one for one in versions if one.is_active), None)
    standing = await _stand(conn, model_id, active)
    proposal = propose(standing)
    if proposal is None:
        return None
    waits_for = await _waits_for(conn, proposal, versions[0] if versions else None, active)
    return replace(proposal, waits_for=waits_for)


async def hold(conn: Connection, version: IndexVersion) -> None:
    """Note that this version was put in force by hand, and when; the note lapses when another one is."""
    await state.replace(conn, HELD_VERSION, f"{version.id} {datetime.now(UTC).isoformat()}")


async def held_since(conn: Connection, version: IndexVersion | None) -> datetime | None:
    """When this version, which is in force, was put so by hand; None when it was by a build."""
    noted = await state.find(conn, HELD_VERSION)
    if noted is None or version is None:
        return None
    version_id, _, at = noted.partition(" ")
    return datetime.fromisoformat(at) if version_id == str(version.id) else None


async def _stand(conn: Connection, model_id: int, active: IndexVersion | None) -> Standing:
    drift = await store.get_drift(conn, model_id, active.seq if active else 0)
    if active is None:
        return Standing(0, 0, drift.living, drift.fresh, is_exact=True, target=1.0)
    today = [one for one in await store_recall.list_todays_recall(conn, model_id) if one.version_id == active.id]
    return Standing(
        trained=active.manifest["trained_count"],
        built=active.manifest["count"],
        living=drift.living,
        fresh=drift.fresh,
        is_exact=active.manifest["layout"] == "exact",
        target=active.manifest["target_recall"],
        measured=[*await store_recall.list_reviewed_recall(conn, active.id), *today],
    )


async def _waits_for(
    conn: Connection, proposal: Proposal, newest: IndexVersion | None, active: IndexVersion | None
) -> str:
    if newest is None:
        return ""
    young = datetime.now(UTC) - newest.created_at < PAUSE
    if newest.below_target and young:
        return f"{newest.label} was built within the last day and fell short of its target"
    if proposal.cause == "recall" and young:
        return f"{newest.label} was built within the last day"
    if proposal.kind == "compact" and active is not None and await held_since(conn, active) is not None:
        return f"{active.label} was put in force by hand"
    return ""
