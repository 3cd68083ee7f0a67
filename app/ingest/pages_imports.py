"""Pages of imports: the list, and each one's own, which follows it while it runs."""

from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Request, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect, Template

from app.accounts.guards import require_signed_in
from app.accounts.records import Viewer
from app.core.database import Database
from app.core.pages import Notice, redirect, render, wants_fragment
from app.core.words import duration_text, time_text
from app.images import service as images
from app.images.tiles import Tile, make_tile
from app.ingest import service
from app.ingest.records import Refusal
from app.ingest.service import Progress

PICTURES_SHOWN = 12


@dataclass(frozen=True, slots=True)
class ImportView:
    """An import in words. `into_url` and `owner_name` are there for its owner and for others, in that order."""

    id: int
    url: str
    name: str
    into: str
    into_url: str
    owner_name: str
    state: str
    ending: bool
    done: int
    total: int | None
    fraction_pct: int
    added: int
    existing: int
    refused: int
    rate_text: str
    eta_text: str
    message: str
    created_text: str
    finished_text: str
    can_cancel: bool
    can_go_on: bool
    can_retry: bool

    @property
    def live(self) -> bool:
        """Whether there is more to come."""
        return self.state in ("queued", "running")


@dataclass(frozen=True, slots=True)
class ImportsPage:
    """`older_url` leads to those before them, if there are any."""

    imports: list[ImportView]
    older_url: str | None


@dataclass(frozen=True, slots=True)
class ImportPage:
    """`one` is the import, `refusals` the first of what it refused, `tiles` some of what it brought."""

    one: ImportView
    checks: list[str]
    refusals: list[Refusal]
    tiles: list[Tile]


@dataclass(frozen=True, slots=True)
class ProgressPart:
    one: ImportView


@get("/imports")
async def list_imports(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    before: Annotated[int | None, QueryParameter(ge=1)] = None,
) -> Template:
    """One's own imports, the newest first."""
    found, cursor = await service.list_own(db, viewer, before)
    context = ImportsPage([_view(one, viewer) for one in found], f"/imports?before={cursor}" if cursor else None)
    return render(request, "imports/index.html", context, title="Imports")


@get("/imports/{import_id:int}")
async def show(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    import_id: FromPath[int],
) -> Template:
    """One import; its page asks again for what it brought and refused while it lasts."""
    context = await _page(db, viewer, import_id)
    return render(request, "imports/show.html", context, fragment="imports/_contents.html", title=context.one.name)


@get("/imports/{import_id:int}/progress")
async def progress(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    import_id: FromPath[int],
) -> Template | Redirect:
    """How far it has come: the part of its page that asks for itself every second."""
    one = _view(await service.get(db, viewer, import_id, shown=0), viewer)
    if not wants_fragment(request):
        return redirect(one.url)
    return render(request, "imports/_progress.html", ProgressPart(one), title=one.name)


@post("/imports/{import_id:int}/cancel")
async def cancel(db: NamedDependency[Database], viewer: NamedDependency[Viewer], import_id: FromPath[int]) -> Redirect:
    """Ask an import to end."""
    await service.cancel(db, viewer, import_id)
    return redirect(f"/imports/{import_id}", Notice("info", "The import ends in a moment. What came in stays in."))


@post("/imports/{import_id:int}/resume")
async def resume(db: NamedDependency[Database], viewer: NamedDependency[Viewer], import_id: FromPath[int]) -> Redirect:
    """Go on with an import that ended before its time."""
    await service.go_on(db, viewer, import_id)
    return redirect(f"/imports/{import_id}", Notice("info", "The import goes on from where it was."))


@post("/imports/{import_id:int}/retry")
async def retry(db: NamedDependency[Database], viewer: NamedDependency[Viewer], import_id: FromPath[int]) -> Redirect:
    """Try again what an import refused."""
    await service.go_on(db, viewer, import_id, again=True)
    return redirect(f"/imports/{import_id}", Notice("info", "What was refused is tried again."))


async def _page(db: Database, viewer: Viewer, import_id: int) -> ImportPage:
    found = await service.get(db, viewer, import_id)
    pictures = await images.list_of_import(db, viewer, import_id, PICTURES_SHOWN)
    return ImportPage(_view(found, viewer), found.made.checks, found.refusals, [make_tile(one) for one in pictures])


def _view(found: Progress, viewer: Viewer) -> ImportView:
    made, job = found.made, found.job
    own = made.owner_id == viewer.account_id
    return ImportView(
        id=made.id,
        url=f"/imports/{made.id}",
        name=made.name,
        into=made.collection_name or "",
        into_url=f"/collections/{made.collection_id}" if own and made.collection_id is not None else "",
        owner_name="" if own else made.owner_name,
        state=job.state,
        ending=job.cancel_requested and not job.ended,
        done=job.done,
        total=job.total,
        fraction_pct=round(job.fraction * 100),
        added=made.added,
        existing=made.existing,
        refused=made.refused,
        rate_text=f"{job.rate:,.1f} pictures/s" if job.rate and not job.ended else "",
        eta_text=f"{duration_text(job.eta_s)} left" if job.eta_s is not None else "",
        message=job.message if job.state == "failed" else "",
        created_text=time_text(made.created_at),
        finished_text=time_text(job.finished_at),
        can_cancel=not job.ended and not job.cancel_requested,
        can_go_on=found.can_go_on,
        can_retry=found.can_retry,
    )


router = Router(
    "/",
    route_handlers=[list_imports, show, progress, cancel, resume, retry],
    guards=[require_signed_in],
    include_in_schema=False,
)
