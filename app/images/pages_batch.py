"""Steps on the pictures that are ticked in a grid: forms, and the undo of the last one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, Response, Router, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Stream, Template

from app.accounts.guards import require_signed_in
from app.accounts.pages import local_path
from app.accounts.records import Viewer
from app.core.blobs import BlobStore
from app.core.database import Database
from app.core.errors import Conflict, Invalid, NotFound
from app.core.pages import Notice, redirect, render, wants_fragment
from app.core.words import capfirst
from app.images import bundle, service_batch, service_undo
from app.images.media import MEDIA_HEADERS
from app.images.records_batch import Action, Batch, Outcome
from ml.decoder import Decoder

MAX_EXAMPLES = 20
"""As many pictures as a search by several takes on its page."""

Form = Any  # a MultiDict of litestar's: names that come more than once


@dataclass(frozen=True, slots=True)
class Toast:
    """What was done, beside a grid that stays as it is but for the tiles in `gone_ids`."""

    kind: str
    text: str
    undo_url: str | None
    gone_ids: tuple[int, ...]


@post("/images/batch", guards=[require_signed_in])
async def run(
    request: Request[Any, Any, Any], db: NamedDependency[Database], viewer: NamedDependency[Viewer]
) -> Redirect | Template:
    """One step on all ticked pictures; back to where they were ticked, with what was done and how to undo it."""
    form = await request.form()
    back = local_path(_text(form, "back"))
    batch = Batch(
        action=_action(_text(form, "action")),
        image_ids=read_ids(form),
        source=_text(form, "source") or None,
        target=_text(form, "target") or None,
        labels=tuple(_text(form, "labels").split(",")),
    )
    outcome = await service_batch.run(db, viewer, batch)
    notice = notice_of(outcome, back)
    if wants_fragment(request):
        toast = Toast(notice.kind, notice.text, notice.undo_url, outcome.gone_ids)
        return render(request, "gallery/_toast.html", toast, title="Done")
    return redirect(back, notice)


@post("/images/batch/download")
async def download(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    blobs: NamedDependency[BlobStore],
    decoder: NamedDependency[Decoder],
    viewer: NamedDependency[Viewer],
) -> Response[Any]:
    """The originals of all ticked pictures as one ZIP, each as the viewer may have it."""
    ids = read_ids(await request.form())
    images = await service_batch.list_for_download(db, viewer, ids)
    if not images:
        raise NotFound("no such picture")
    headers = {**MEDIA_HEADERS, "Content-Disposition": 'attachment; filename="pictures.zip"'}
    return Stream(bundle.stream(blobs, decoder, viewer, images), media_type="application/zip", headers=headers)


@post("/images/batch/find")
async def find(request: Request[Any, Any, Any]) -> Redirect:
    """Pictures like all the ticked ones: the results tell what of them may be seen."""
    first, *others = service_batch.check_ids(read_ids(await request.form()), MAX_EXAMPLES)
    liked = urlencode([("liked", image_id) for image_id in others])
    return redirect(f"/images/{first}/similar{'?' if liked else ''}{liked}")


@post("/undo/{undo_id:uuid}", guards=[require_signed_in])
async def undo(
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    undo_id: FromPath[UUID],
    back: FromQuery[str] = "/",
) -> Redirect:
    """Turn a step back. What cannot be is told where it was asked for."""
    try:
        count = await service_undo.undo(db, viewer, undo_id)
    except (NotFound, Conflict) as error:
        return redirect(local_path(back), Notice("error", capfirst(error.detail)))
    words = f"Undone for {_counted(count)}." if count else "Nothing was left to undo: it has been changed since."
    return redirect(local_path(back), Notice("success" if count else "info", words))


def undo_url(undo_id: UUID | None, back: str) -> str | None:
    """Where a form undoes a step and leads back; None where there is nothing to undo."""
    return None if undo_id is None else f"/undo/{undo_id}?{urlencode({'back': back})}"


def notice_of(outcome: Outcome, back: str) -> Notice:
    """What became of a step, in a line."""
    words = [_done(outcome)]
    if outcome.unchanged:
        words.append(f"{_counted(outcome.unchanged)} stayed as {_were(outcome.unchanged)}.")
    if outcome.not_allowed:
        words.append(f"{_counted(outcome.not_allowed)} not yours to change.")
    if outcome.last_place:
        words.append(f"{_counted(outcome.last_place)} would stand nowhere else: move to the trash instead.")
    if outcome.full:
        words.append(f"{_counted(outcome.full)} with no room for more labels.")
    kind = "success" if outcome.done else "info"
    return Notice(kind, " ".join(word for word in words if word), undo_url(outcome.undo_id, back))


def read_ids(form: Form) -> tuple[int, ...]:
    """The ids of a form's ticked pictures. Raises Invalid for what is no id."""
    texts: Sequence[Any] = form.getall("ids", [])
    if any(not (isinstance(one, str) and one.isascii() and one.isdigit() and len(one) < 20) for one in texts):
        raise Invalid("an id is a whole number")
    return tuple(int(one) for one in texts)


def _done(outcome: Outcome) -> str:
    if not outcome.done:
        return "Nothing was changed."
    count, name = _counted(outcome.done), outcome.collection
    return {
        "add": f"{count} added to {name}.",
        "move": f"{count} moved to {name}.",
        "remove": f"{count} taken out of {name}.",
        "label": f"{count} labelled.",
        "unlabel": f"Label taken off {count}.",
        "trash": f"{count} moved to the trash.",
        "restore": f"{count} restored.",
    }[outcome.action]


def _counted(count: int) -> str:
    return f"{count:,} picture{'' if count == 1 else 's'}"


def _were(count: int) -> str:
    return "it was" if count == 1 else "they were"


def _text(form: Form, name: str) -> str:
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def _action(text: str) -> Action:
    for action in get_args(Action):
        if text == action:
            return action
    raise Invalid(f"a step is one of {', '.join(get_args(Action))}")


router = Router("/", route_handlers=[run, download, find, undo], include_in_schema=False)
