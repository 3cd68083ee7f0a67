"""The index as the admin's page shows it: the one in force, its versions, how much it finds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from app.admin.curve import Curve, draw_curve
from app.admin.records import IndexLife, IndexState
from app.core.words import duration_text, size_text, time_text
from app.search.records import IndexVersion, Recall

LAYOUTS = {"exact": "exact", "plain": "IVF-Flat", "panorama": "IVF-Flat, Panorama", "float16": "IVF-Flat"}
CONSTANTS = {
    "reach": "Reach without a filter",
    "reach_at_1": "Reach with 1 % allowed",
    "reach_at_10": "Reach with 10 % allowed",
    "reach_at_50": "Reach with 50 % allowed",
    "reach_at_100": "Reach with all allowed",
    "rows": "Vectors compared in a search",
    "gather_us": "Fetching a vector, in µs",
    "scan_us": "Passing a vector in a scan, in µs",
}
"""What a build measured, by its name in the manifest, in words."""
CONSTANTS_DIGITS = 4


@dataclass(frozen=True, slots=True)
class IndexView:
    """The index in force, with its words. `is_mirror`: the mirror answers, and this process holds no index."""

    state: str
    is_mirror: bool
    model: str
    identity_short: str
    count: int
    main_count: int
    delta_count: int
    tombstones: int
    kind: str
    setting_text: str
    recall_text: str
    today_text: str
    built_text: str
    lag: int
    size_text: str
    locked_text: str
    version: str
    due_text: str


@dataclass(frozen=True, slots=True)
class VersionView:
    """One published build. `usable`: of the model in force, so that it can be put in force itself.

    `network` is what lies below a model that is an adapter, else empty; `nlist` and `nprobe` are 0 for an exact index.
    """

    id: int
    label: str
    model: str
    network: str
    active: bool
    usable: bool
    below_target: bool
    count: int
    kind: str
    nlist: int
    nprobe: int
    recall_text: str
    p50_text: str
    size_text: str
    age_text: str
    built_text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and its value, both in words."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class LifeView:
    """Builds and what was measured. `before` is what a rollback leads to, empty when there is nothing."""

    versions: list[VersionView]
    before: str
    curve: Curve | None
    recalls: list[Fact]
    constants: list[Fact]


def index_view(index: IndexState, life: IndexLife) -> IndexView:
    """The index in force in words."""
    published = index.published
    today = life.todays(published)
    return IndexView(
        state=index.state,
        is_mirror=index.engine == "qdrant",
        model=index.model,
        identity_short=index.identity_short,
        count=index.count,
        main_count=index.main_count,
        delta_count=index.delta_count,
        tombstones=index.tombstones,
        kind=_kind(index),
        setting_text=_setting_text(published),
        recall_text=_built_recall_text(index),
        today_text=f"{today.recall:.1%}" if today else "–",
        built_text=_built_text(published),
        lag=index.lag,
        size_text=size_text(index.size_bytes) if index.size_bytes else "",
        locked_text=("yes" if index.is_locked else "no: it is more than the system lets us lock") if published else "",
        version=index.version,
        due_text=_due_text(life),
    )


def life_view(index: IndexState, life: IndexLife, networks: Mapping[str, str]) -> LifeView:
    """Versions and measurements in words; `networks` are those below the models that are adapters."""
    published = index.published
    own = [one for one in life.versions if one.model_id == index.model_id]
    active = next((one for one in own if one.is_active), None)
    before = next((one.label for one in own if active is not None and one.id < active.id), "")
    facts = published.manifest if published else {}
    return LifeView(
        versions=[_version_view(one, index.model_id, networks.get(one.model, "")) for one in life.versions],
        before=before,
        curve=draw_curve(facts["curve"], facts["nprobe"], facts["target_recall"]) if published else None,
        recalls=_recalls(life, published),
        constants=[
            Fact(CONSTANTS[name], f"{value:.{CONSTANTS_DIGITS}g}")
            for name, value in facts.get("constants", {}).items()
            if name in CONSTANTS
        ],
    )


def _version_view(version: IndexVersion, model_id: int | None, network: str) -> VersionView:
    facts = version.manifest
    levels = f", {facts['levels']} levels" if facts["levels"] > 1 else ""
    exact = facts["layout"] == "exact"
    return VersionView(
        id=version.id,
        label=version.label,
        model=version.model,
        network=network,
        active=version.is_active,
        usable=version.model_id == model_id,
        below_target=version.below_target,
        count=facts["count"],
        kind=f"{LAYOUTS[facts['layout']]}{levels}, {facts['storage']}",
        nlist=0 if exact else facts["nlist"],
        nprobe=0 if exact else facts["nprobe"],
        recall_text=f"{facts['recall']:.3f}",
        p50_text=f"{facts['p50_ms']:.2f} ms" if facts["p50_ms"] else "",
        size_text=size_text(facts["size_bytes"]),
        age_text=_age_text(version),
        built_text=f"{time_text(version.created_at)}, in {duration_text(facts['build_s'])}",
        reason=facts["reason"],
    )


def _kind(index: IndexState) -> str:
    if index.engine == "qdrant":
        return "HNSW, in Qdrant"
    return LAYOUTS[index.published.manifest["layout"]] if index.published else "exact"


def _setting_text(version: IndexVersion | None) -> str:
    """What follows the kind."""
    if version is None:
        return ""
    facts = version.manifest
    if facts["layout"] == "exact":
        return f", {facts['storage']}"
    levels = f", {facts['levels']} levels" if facts["levels"] > 1 else ""
    p50 = f", {facts['p50_ms']:.2f} ms" if facts["p50_ms"] else ""
    return f"{levels}, {facts['storage']}, nlist {facts['nlist']:,}, nprobe {facts['nprobe']:,}{p50}"


def _built_text(version: IndexVersion | None) -> str:
    if version is None:
        return "not yet: fresh pictures are searched exactly"
    build_text = duration_text(version.manifest["build_s"])
    return f"{time_text(version.created_at)}, {_age_text(version)} ago, in {build_text}"


def _age_text(version: IndexVersion) -> str:
    return duration_text((datetime.now(UTC) - version.created_at).total_seconds())


def _built_recall_text(index: IndexState) -> str:
    if index.engine == "qdrant":
        return "–"
    if index.published is None or index.published.manifest["layout"] == "exact":
        return "exact"
    return f"{index.published.manifest['recall']:.1%}"


def _due_text(life: IndexLife) -> str:
    if life.due is None:
        return ""
    words = f"A build is due: {life.due.reason}."
    waits_for = life.due.waits_for
    return f"{words} It waits, for {waits_for}." if waits_for else f"{words} It starts within a minute."


def _recalls(life: IndexLife, published: IndexVersion | None) -> list[Fact]:
    if published is None:
        return []
    built = Fact(
        "at the build", f"{published.manifest['recall']:.3f}, target {published.manifest['target_recall']:.2f}"
    )
    today = [Fact(f"searches of the last day, {_name(one)}", _recall_text(one)) for one in life.today]
    return [built, *today, *(Fact(f"last review, {one.words}", _recall_text(one)) for one in life.reviewed)]


def _name(recall: Recall) -> str:
    return "before any build" if recall.version_id is None else f"v{recall.version_id}"


def _recall_text(recall: Recall) -> str:
    return f"{recall.recall:.3f} over {recall.queries:,}, {recall.took_ms:.2f} ms; exact {recall.exact_ms:.2f} ms"
