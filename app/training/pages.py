"""The admin's pages of trainings: the list, the form, and each one's own, which follows it while it runs."""

from dataclasses import dataclass, replace
from typing import Annotated, Any

from litestar import Request, Router, get, post
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect, Template

from app.accounts.guards import require_admin
from app.accounts.records import Viewer
from app.collections import service as collections
from app.core.database import Database
from app.core.errors import AppError, Invalid, NotFound
from app.core.pages import Notice, redirect, render, wants_fragment
from app.core.settings import Settings
from app.core.words import counted, duration_text
from app.training import service, service_evaluations, service_promotion
from app.training.form import DEFAULTS, TrainingForm, read_form
from app.training.views import BLOCKS, Curves, Fact, RunView, curves_view, facts, run_view
from app.training.views_evaluations import EvaluationView, evaluation_view

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


@dataclass(frozen=True, slots=True)
class Option:
    """Something to choose."""

    value: str
    text: str


@dataclass(frozen=True, slots=True)
class ListPage:
    runs: list[RunView]
    evaluations: list[EvaluationView]


@dataclass(frozen=True, slots=True)
class NewPage:
    """The form; `error` says why what was sent cannot be used."""

    form: TrainingForm
    models: list[str]
    collections: list[Option]
    blocks: list[Option]
    error: str


@dataclass(frozen=True, slots=True)
class EstimatePart:
    words: str


@dataclass(frozen=True, slots=True)
class RunPage:
    """`one` is the training, `card` the card of the model that it made."""

    one: RunView
    curves: Curves
    facts: list[Fact]
    refused: list[dict[str, str]]
    refused_count: int
    card: str
    evaluations: list[EvaluationView]


@get("/")
async def list_runs(
    request: Request[Any, Any, Any], db: NamedDependency[Database], settings: NamedDependency[Settings]
) -> Template:
    """All trainings and evaluations, the newest first."""
    standings = await service_promotion.find_standings(db, settings)
    runs = [run_view(one, standings) for one in await service.list_all(db)]
    evaluations = [evaluation_view(one) for one in await service_evaluations.list_all(db)]
    return render(request, "training/index.html", ListPage(runs, evaluations), title="Training")


@get("/new")
async def new(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    settings: NamedDependency[Settings],
    viewer: NamedDependency[Viewer],
) -> Template:
    """The form of a new training."""
    return await _form(request, db, settings, viewer, DEFAULTS)


@get("/estimate")
async def estimate(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    settings: NamedDependency[Settings],
    viewer: NamedDependency[Viewer],
) -> Template | Redirect:
    """How long what the form says may take: the part that it asks for again whenever it changes."""
    if not wants_fragment(request):
        return redirect("/admin/training/new")
    try:
        words = await _estimated(db, settings, viewer, read_form(dict(request.query_params)))
    except AppError as error:
        words = error.detail
    return render(request, "training/_estimate.html", EstimatePart(words), title="Training")


@post("/")
async def begin(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    settings: NamedDependency[Settings],
    viewer: NamedDependency[Viewer],
    data: Form,
) -> Template | Redirect:
    """Queue a training; the form comes back with what is wrong with it."""
    form = DEFAULTS
    try:
        form = read_form(data)
        training_id = await service.begin(
            db,
            settings,
            viewer,
            collection=form.collection,
            model=form.model,
            name=form.name,
            config=form.config(),
            held_out_pct=form.held_out_pct,
        )
    except NotFound:
        raise
    except AppError as error:
        words = f"{error.detail}: {error.hint}" if error.hint else error.detail
        return await _form(request, db, settings, viewer, form, words, error.status)
    return redirect(
        f"/admin/training/{training_id}", Notice("success", "The training is added, and this page follows it.")
    )


@get("/{training_id:int}")
async def show(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    settings: NamedDependency[Settings],
    training_id: FromPath[int],
) -> Template:
    """One training; the page's part asks for itself again while it runs."""
    found = await service.get(db, training_id)
    one = run_view(found, await service_promotion.find_standings(db, settings))
    context = RunPage(
        one=one,
        curves=curves_view(await service.list_points(db, training_id)),
        facts=facts(found),
        refused=found.made.about.get("refused", []),
        refused_count=found.made.about.get("refused_count", 0),
        card=await service.read_card(settings, found.made),
        evaluations=[evaluation_view(each) for each in await service_evaluations.list_all(db, training_id)],
    )
    return render(request, "training/show.html", context, fragment="training/_run.html", title=one.title)


@post("/{training_id:int}/cancel")
async def cancel(db: NamedDependency[Database], training_id: FromPath[int]) -> Redirect:
    """Ask a training to end."""
    await service.cancel(db, training_id)
    words = "The training ends after the step under way, with a checkpoint to go on from."
    return redirect(f"/admin/training/{training_id}", Notice("info", words))


@post("/{training_id:int}/resume")
async def resume(db: NamedDependency[Database], training_id: FromPath[int]) -> Redirect:
    """Go on from the last checkpoint."""
    await service.go_on(db, training_id)
    return redirect(f"/admin/training/{training_id}", Notice("info", "It goes on from its last checkpoint."))


@post("/{training_id:int}/promote")
async def promote(
    db: NamedDependency[Database], settings: NamedDependency[Settings], training_id: FromPath[int]
) -> Redirect:
    """Let the gallery find by what it made."""
    made = await service_promotion.promote(db, settings, training_id)
    words = (
        f"{made.output} embeds every picture beside the model in force; the gallery switches when its index is built."
    )
    return redirect(f"/admin/training/{training_id}", Notice("info", words))


@post("/{training_id:int}/rollback")
async def rollback(
    db: NamedDependency[Database], settings: NamedDependency[Settings], training_id: FromPath[int]
) -> Redirect:
    """Go back to the model before."""
    name = await service_promotion.roll_back(db, settings, training_id)
    return redirect(f"/admin/training/{training_id}", Notice("info", f"The gallery goes back to {name}."))


@post("/{training_id:int}/delete")
async def delete(
    db: NamedDependency[Database], settings: NamedDependency[Settings], training_id: FromPath[int], data: Form
) -> Redirect:
    """Erase a training with its model."""
    if data.get("confirm") != "yes":
        raise Invalid("tick the box to delete the model too")
    made = await service.delete(db, settings, training_id)
    return redirect("/admin/training", Notice("success", f"{made.output} is deleted."))


async def _form(
    request: Request[Any, Any, Any],
    db: Database,
    settings: Settings,
    viewer: Viewer,
    form: TrainingForm,
    error: str = "",
    status_code: int = 200,
) -> Template:
    seen = await collections.list_counted(db, viewer)
    if not form.collection:
        form = replace(form, collection=next((str(one.id) for one, count in seen if count), ""))
    context = NewPage(
        form=form,
        models=await service.list_trainable(db, settings),
        collections=[
            Option(str(one.id), f"{one.name} ({counted(count, 'picture', 'pictures')})") for one, count in seen
        ],
        blocks=[Option(value, text) for value, text in BLOCKS.items()],
        error=error,
    )
    return render(request, "training/new.html", context, title="New training", status_code=status_code)


async def _estimated(db: Database, settings: Settings, viewer: Viewer, form: TrainingForm) -> str:
    if not form.collection.isdigit():
        raise NotFound("choose a collection")
    found = await service.estimate(
        db,
        settings,
        viewer,
        collection_id=int(form.collection),
        model=form.model,
        config=form.config(),
        held_out_pct=form.held_out_pct,
    )
    pictures = f"{counted(found.pictures, 'picture', 'pictures')} to learn from"
    if found.seconds is None:
        return f"{pictures}. How long it takes is told after its first steps."
    return f"{pictures}: about {duration_text(found.seconds)}, at the pace of the last training of this kind."


router = Router(
    "/admin/training",
    route_handlers=[list_runs, new, estimate, begin, show, cancel, resume, promote, rollback, delete],
    guards=[require_admin],
    include_in_schema=False,
)
