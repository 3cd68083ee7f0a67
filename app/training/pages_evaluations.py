"""The admin's pages of evaluations: the form, what was found, and the whole report under a policy of its own."""

from dataclasses import dataclass
from typing import Annotated, Any

from litestar import MediaType, Request, Response, Router, get, post
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, QueryParameter
from litestar.response import Redirect, Template

from app.accounts.guards import require_admin
from app.accounts.records import Viewer
from app.collections import service as collections
from app.core.database import Database
from app.core.errors import AppError, Invalid, NotFound
from app.core.pages import Notice, redirect, render
from app.core.settings import Settings
from app.core.words import counted
from app.embedding import service as embedding
from app.training import service, service_evaluations, service_reports
from app.training.service_evaluations import PROTOCOLS
from app.training.views_evaluations import TITLES, EvaluationView, Table, about, evaluation_view, tables

HELD_OUT = "held-out"
SAMPLE = 2000
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'; sandbox"
)
"""The report is one file with its styles and pictures inside: it may load and run nothing."""

Form = Annotated[dict[str, str | list[str]], Body(media_type=RequestEncodingType.URL_ENCODED)]


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to choose, and whether it is."""

    value: str
    text: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class NewEvaluationPage:
    """The form; `data` are collections, and what a training held out first."""

    training_id: int | None
    data: list[Choice]
    models: list[Choice]
    protocols: list[Choice]
    sample: str
    seed: str
    error: str


@dataclass(frozen=True, slots=True)
class EvaluationPage:
    """`training_url` leads to the training whose held-out pictures it is on; `may_see` the report."""

    one: EvaluationView
    about: str
    tables: list[Table]
    training_url: str
    may_see: bool


@get("/new")
async def new(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    settings: NamedDependency[Settings],
    viewer: NamedDependency[Viewer],
    training: Annotated[int | None, QueryParameter(ge=1)] = None,
) -> Template:
    """The form, filled in for a training: the network that it began with and what it made, on what it held out."""
    return await _form(request, db, settings, viewer, training)


@post("/")
async def begin(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    settings: NamedDependency[Settings],
    viewer: NamedDependency[Viewer],
    data: Form,
) -> Template | Redirect:
    """Queue an evaluation; the form comes back with what is wrong with it."""
    training_id = _whole(data, "training")
    try:
        held_out = _one(data, "data") == HELD_OUT
        evaluation_id = await service_evaluations.begin(
            db,
            settings,
            viewer,
            models=_many(data, "models"),
            collection=None if held_out else _one(data, "data"),
            training_id=training_id if held_out else None,
            protocols=_many(data, "protocols"),
            sample=_whole(data, "sample"),
            seed=_whole(data, "seed") or 0,
        )
    except NotFound:
        raise
    except AppError as error:
        words = f"{error.detail}: {error.hint}" if error.hint else error.detail
        return await _form(request, db, settings, viewer, training_id, words, error.status)
    return redirect(
        f"/admin/evaluations/{evaluation_id}", Notice("success", "The evaluation is added, and this page follows it.")
    )


@get("/{evaluation_id:int}")
async def show(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    evaluation_id: FromPath[int],
) -> Template:
    """Models beside each other; the page's part asks for itself again while it runs."""
    found = await service_evaluations.get(db, evaluation_id)
    made = found.made
    context = EvaluationPage(
        one=evaluation_view(found),
        about=about(made.results),
        tables=tables(made.results),
        training_url=f"/admin/training/{made.training_id}" if made.training_id is not None else "",
        may_see=made.state == "done" and await service_reports.may_see_report(db, viewer, made),
    )
    title = f"Comparison of {context.one.models}"
    return render(request, "training/evaluation.html", context, fragment="training/_evaluation.html", title=title)


@get("/{evaluation_id:int}/report")
async def report(
    db: NamedDependency[Database],
    settings: NamedDependency[Settings],
    viewer: NamedDependency[Viewer],
    evaluation_id: FromPath[int],
) -> Response[bytes]:
    """The whole report, with pictures."""
    content = await service_reports.read_report(db, settings, viewer, evaluation_id)
    headers = {"Content-Security-Policy": REPORT_POLICY, "Cache-Control": "private, no-store"}
    return Response(content, media_type=MediaType.HTML, headers=headers)


@get("/{evaluation_id:int}/results.json")
async def results(
    db: NamedDependency[Database],
    settings: NamedDependency[Settings],
    viewer: NamedDependency[Viewer],
    evaluation_id: FromPath[int],
) -> Response[bytes]:
    """All figures as they were written."""
    content = await service_reports.read_report(db, settings, viewer, evaluation_id, "json")
    headers = {
        "Content-Disposition": f'attachment; filename="evaluation-{evaluation_id}.json"',
        "Cache-Control": "private, no-store",
    }
    return Response(content, media_type=MediaType.JSON, headers=headers)


@post("/{evaluation_id:int}/again")
async def again(
    db: NamedDependency[Database], viewer: NamedDependency[Viewer], evaluation_id: FromPath[int]
) -> Redirect:
    """The same once more, on the pictures that there are now."""
    made = await service_evaluations.begin_again(db, viewer, evaluation_id)
    return redirect(
        f"/admin/evaluations/{made}", Notice("success", "The same evaluation is added, and this page follows it.")
    )


@post("/{evaluation_id:int}/cancel")
async def cancel(db: NamedDependency[Database], evaluation_id: FromPath[int]) -> Redirect:
    """Ask an evaluation to end."""
    await service_evaluations.cancel(db, evaluation_id)
    return redirect(f"/admin/evaluations/{evaluation_id}", Notice("info", "The evaluation ends in a moment."))


@post("/{evaluation_id:int}/delete")
async def delete(
    db: NamedDependency[Database], settings: NamedDependency[Settings], evaluation_id: FromPath[int]
) -> Redirect:
    """Erase an evaluation with its report."""
    await service_evaluations.delete(db, settings, evaluation_id)
    return redirect("/admin/training", Notice("success", "The evaluation is deleted."))


async def _form(
    request: Request[Any, Any, Any],
    db: Database,
    settings: Settings,
    viewer: Viewer,
    training_id: int | None,
    error: str = "",
    status_code: int = 200,
) -> Template:
    trained = (await service.get(db, training_id)).made if training_id is not None else None
    compared = [trained.model, trained.output] if trained is not None else []
    if trained is not None and (active := await embedding.active_model(db)) is not None and active.name not in compared:
        compared.insert(0, active.name)
    models = [Choice(name, name, name in compared) for name in await service_evaluations.list_comparable(db, settings)]
    # What the gallery finds by comes first, for it is what would be replaced: gains are told over the first.
    models.sort(key=lambda one: compared.index(one.value) if one.chosen else len(compared))
    data = [
        Choice(str(one.id), f"{one.name} ({counted(count, 'picture', 'pictures')})", chosen=False)
        for one, count in await collections.list_counted(db, viewer)
    ]
    if trained is not None and trained.held_out_pct:
        words = f"{trained.held_out_pct} % of {trained.collection_name}, which {trained.output} did not learn from"
        data.insert(0, Choice(HELD_OUT, words, chosen=True))
    protocols = [Choice(name, TITLES[name], chosen=True) for name in PROTOCOLS]
    context = NewEvaluationPage(training_id, data, models, protocols, str(SAMPLE), "0", error)
    return render(request, "training/new_evaluation.html", context, title="New comparison", status_code=status_code)


def _one(data: dict[str, str | list[str]], name: str) -> str:
    value = data.get(name, "")
    return value if isinstance(value, str) else value[0]


def _many(data: dict[str, str | list[str]], name: str) -> list[str]:
    value = data.get(name, [])
    return [value] if isinstance(value, str) else value


def _whole(data: dict[str, str | list[str]], name: str) -> int | None:
    text = _one(data, name).strip()
    if not text:
        return None
    if not text.isascii() or not text.isdigit():
        raise Invalid(f"{name} is a whole number, not {text!r}")
    return int(text)


router = Router(
    "/admin/evaluations",
    route_handlers=[new, begin, show, report, results, again, cancel, delete],
    guards=[require_admin],
    include_in_schema=False,
)
