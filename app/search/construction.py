"""Construction: the part of a build that a thread does, from the vectors in the database to files."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.core.settings import Settings
from app.embedding.records import ModelRow
from app.embedding.store_export import Export, export
from app.search.index import files, ivf, tuning
from app.search.index.files import IndexDamaged, Manifest
from app.search.index.ivf import BuiltIndex
from app.search.index.shape import Shape
from app.search.records import IndexVersion
from app.search.searcher import version_dir

Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be built, and where. Of `compacted`, a version of this model, the cells are taken if they serve."""

    model: ModelRow
    folder: Path
    compacted: IndexVersion | None = None


@dataclass(frozen=True, slots=True)
class Construction:
    """What was published. `trained_count`: how many vectors there were when its cells were trained.

    `cells` says, in words, where the cells come from when a version was to be compacted; empty otherwise.
    """

    manifest: Manifest
    trained_count: int
    cells: str = ""


def construct(conninfo: str, settings: Settings, order: Order, progress: Progress) -> Construction | None:
    """Export, build, publish. None when there is nothing to index yet.

    Compacting gathers what came and went in the cells of before: nothing is trained, unless they no longer serve, or
    find too little. What `progress` raises ends it.
    """
    model = order.model
    with export(conninfo, model.id, model.dim) as snapshot:
        if not snapshot.count:
            return None
        built, trained_count, cells = _build(snapshot, settings, order, progress)
        order.folder.parent.mkdir(parents=True, exist_ok=True)
        manifest = files.publish(built, order.folder, seq=snapshot.seq, model_identity=model.identity)
        return Construction(manifest, trained_count, cells)


def _build(snapshot: Export, settings: Settings, order: Order, progress: Progress) -> tuple[BuiltIndex, int, str]:
    """The index, the count that it was trained for, and where its cells come from."""
    version = order.compacted
    if version is None or snapshot.count <= settings.exact_below:
        return _index(snapshot, settings, order, progress), snapshot.count, ""
    cause = _unfit(version, settings, snapshot.count)
    if not cause:
        try:
            shape = _shape_of(version, settings)
        except IndexDamaged:
            cause = f"{version.label} is damaged"
        else:
            built = _index(snapshot, settings, order, progress, shape)
            if built.setting.recall >= built.target_recall:
                return built, version.manifest["trained_count"], f"in the cells of {version.label}"
            cause = f"in the cells of {version.label} recall was {built.setting.recall:.3f}"
            del built  # two would not fit where one does
    return _index(snapshot, settings, order, progress), snapshot.count, f"trained anew: {cause}"


def _unfit(version: IndexVersion, settings: Settings, count: int) -> str:
    """Why the cells of `version` do not serve `count` vectors; empty when they do."""
    facts = version.manifest
    if facts["layout"] == "exact":
        return f"{version.label} is exact"
    wanted = ("plain", "panorama") if settings.index_layout == "auto" else (settings.index_layout,)
    if facts["layout"] not in wanted:
        return f"{version.label} has the layout {facts['layout']}"
    right = tuning.nlist_for(count)
    if not right <= 2 * facts["nlist"] <= 4 * right:
        return f"{version.label} has {facts['nlist']:,} cells, {right:,} are right"
    return ""


def _shape_of(version: IndexVersion, settings: Settings) -> Shape:
    main, _ = files.open_published(version_dir(settings.indexes_dir, version.id))
    return main.shape


def _index(
    snapshot: Export, settings: Settings, order: Order, progress: Progress, reuse: Shape | None = None
) -> BuiltIndex:
    return ivf.build(
        snapshot.chunks,
        dim=order.model.dim,
        n=snapshot.count,
        progress=progress,
        exact_below=settings.exact_below,
        layout=settings.index_layout,
        target_recall=settings.target_recall,
        reuse=reuse,
    )
