"""Pages of proposed labels: the groups of a collection, each with what to do with it."""

from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Request, Router, get, post
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect, Template

from app.accounts.guards import require_signed_in
from app.accounts.records import Viewer
from app.core.database import Database
from app.core.errors import AppError, Conflict, Invalid
from app.core.pages import Notice, redirect, render, wants_fragment
from app.core.words import capfirst, counted
from app.explore import service
from app.explore.records import Accepted
from app.explore.service import Limits
from app.explore.views import GroupView, RunView, decided_view, group_view, run_view
from app.images import service as images
from app.images.pages_batch import undo_url

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


@dataclass(frozen=True, slots=True)
class GroupingForm:
    """What was asked for, as it was typed."""

    groups: str
    seed: str


@dataclass(frozen=True, slots=True)
class ProposalsPage:
    """The groups to decide on, and those that are; `error` says why what was sent cannot be used."""

    collection_name: str
    collection_url: str
    limits: Limits
    form: GroupingForm
    run: RunView | None
    groups: list[GroupView]
    decided: list[GroupView]
    label_length: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class DecidedPart:
    """A group that was decided just now, in the place where it was proposed."""

    group: GroupView
    label_length: int = images.LABEL_LENGTH


@get("/collections/{collection_id:int}/proposals")
async def show(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    collection_id: FromPath[int],
) -> Template:
    """What is proposed; the page's part asks for itself again while pictures are grouped."""
    return await _page(request, db, viewer, collection_id)


@post("/collections/{collection_id:int}/proposals")
async def begin(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    collection_id: FromPath[int],
    data: Form,
) -> Template | Redirect:
    """Group anew; the form comes back with what is wrong with it."""
    form = GroupingForm(data.get("groups", ""), data.get("seed", ""))
    try:
        groups, seed = _whole("groups", form.groups), _whole("seed", form.seed)
        await service.begin(db, viewer, collection_id, groups=groups, seed=seed or 0)
    except (Invalid, Conflict) as error:
        return await _page(request, db, viewer, collection_id, form, error)
    return redirect(_url(collection_id))


@post("/collections/{collection_id:int}/proposals/{group_id:int}/accept")
async def accept(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    collection_id: FromPath[int],
    group_id: FromPath[int],
    data: Form,
) -> Template | Redirect:
    """The pictures of a group get its name as a label."""
    try:
        done = await service.accept(db, viewer, collection_id, group_id, data.get("name", ""))
    except (Invalid, Conflict) as error:
        if wants_fragment(request):
            raise
        return redirect(_url(collection_id), Notice("error", capfirst(error.detail)))
    undo = undo_url(done.undo_id, _url(collection_id))
    return _answer(request, collection_id, decided_view(group_id, _url(collection_id), "accepted", _words(done), undo))


@post("/collections/{collection_id:int}/proposals/{group_id:int}/drop")
async def drop(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    collection_id: FromPath[int],
    group_id: FromPath[int],
) -> Template | Redirect:
    """A group is proposed no longer."""
    try:
        await service.drop(db, viewer, collection_id, group_id)
    except Conflict as error:
        if wants_fragment(request):
            raise
        return redirect(_url(collection_id), Notice("error", capfirst(error.detail)))
    undo = f"{_url(collection_id)}/{group_id}/reopen"
    return _answer(request, collection_id, decided_view(group_id, _url(collection_id), "dropped", "Dropped.", undo))


@post("/collections/{collection_id:int}/proposals/{group_id:int}/reopen")
async def reopen(
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    collection_id: FromPath[int],
    group_id: FromPath[int],
) -> Redirect:
    """A group is proposed once more."""
    await service.reopen(db, viewer, collection_id, group_id)
    return redirect(f"{_url(collection_id)}#group-{group_id}", Notice("info", "The group is proposed again."))


async def _page(
    request: Request[Any, Any, Any],
    db: Database,
    viewer: Viewer,
    collection_id: int,
    form: GroupingForm | None = None,
    error: AppError | None = None,
) -> Template:
    found = await service.look(db, viewer, collection_id)
    covers = [image_id for group in found.groups for image_id in group.cover_ids]
    pictures = {one.id: one for one in await images.list_by_ids(db, viewer, covers)}
    groups = [group_view(one, _url(collection_id), pictures) for one in found.groups]
    made = found.grouping
    usual = GroupingForm(str(made.groups if made else found.limits.usual), str(made.seed if made else 0))
    context = ProposalsPage(
        collection_name=found.collection.name,
        collection_url=f"/collections/{collection_id}",
        limits=found.limits,
        form=form or usual,
        run=run_view(found),
        groups=[one for one in groups if one.state == "open"],
        decided=[one for one in groups if one.state != "open"],
        label_length=images.LABEL_LENGTH,
        error=f"{error.detail}: {error.hint}" if error and error.hint else error.detail if error else "",
    )
    return render(
        request,
        "explore/proposals.html",
        context,
        fragment="explore/_proposals.html",
        title=f"Suggested labels for {found.collection.name}",
        status_code=error.status if error else 200,
    )


def _answer(request: Request[Any, Any, Any], collection_id: int, group: GroupView) -> Template | Redirect:
    if wants_fragment(request):
        return render(request, "explore/_group.html", DecidedPart(group), title="Done")
    return redirect(_url(collection_id), Notice("success", group.words, group.undo_url))


def _words(done: Accepted) -> str:
    words = [f"{counted(done.done, 'picture', 'pictures')} labelled “{done.label}”."]
    if done.unchanged:
        words.append(f"{counted(done.unchanged, 'picture', 'pictures')} had it already.")
    if done.full:
        words.append(f"{counted(done.full, 'picture', 'pictures')} with no room for more labels.")
    return " ".join(words)


def _url(collection_id: int) -> str:
    return f"/collections/{collection_id}/proposals"


def _whole(name: str, text: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise Invalid(f"{name} is a whole number, not {text!r}")
    return int(text)


router = Router(
    "/", route_handlers=[show, begin, accept, drop, reopen], guards=[require_signed_in], include_in_schema=False
)
