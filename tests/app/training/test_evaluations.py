"""Evaluations: models beside each other, the report and who may see it, and the same once more."""

import pytest

from app.core.errors import Conflict, Gone, Invalid, NotFound
from app.core.settings import Settings
from app.embedding import service_models, store_models
from app.embedding.service import embed_pending
from app.images import service as images
from app.search import builds
from app.training import order, service, service_evaluations, service_promotion, service_reports, store
from app.training.views_evaluations import tables
from tests.app.training.conftest import NETWORK, School
from tests.factories import Gallery
from tests.ml.checkpoints import make_adapter


async def begin(school: School, **asked: object) -> int:
    given: dict[str, object] = {"models": ["baseline", NETWORK], "collection": school.collection.id, **asked}
    return await service_evaluations.begin(school.db, school.settings, school.root, **given)  # pyright: ignore[reportArgumentType]  # of the right kinds by name


async def run(school: School, evaluation_id: int) -> service_evaluations.Progress:
    await service_evaluations.run(school.db, school.settings, school.blobs, evaluation_id)
    return await service_evaluations.get(school.db, evaluation_id)


async def report(school: School, evaluation_id: int, kind: str = "html", viewer: object = None) -> bytes:
    who = viewer or school.root
    return await service_reports.read_report(school.db, school.settings, who, evaluation_id, kind)  # pyright: ignore[reportArgumentType]  # a Viewer


async def test_models_are_compared_and_the_report_goes_to_those_who_may_see_its_pictures(
    school: School, gallery: Gallery
) -> None:
    evaluation_id = await begin(school, protocols=["original", "retrieval"], sample=12)
    with pytest.raises(NotFound, match="no report"):
        await report(school, evaluation_id)
    with pytest.raises(Conflict, match="under way"):
        await service_evaluations.delete(school.db, school.settings, evaluation_id)
    found = await run(school, evaluation_id)
    assert (found.made.state, found.made.error, found.job.state) == ("done", "", "done")
    assert [one["name"] for one in found.made.results["models"]] == ["baseline", NETWORK]
    assert found.made.results["sets"][0]["pictures"] == 12

    retrieval, original = tables(found.made.results)
    assert retrieval.title.startswith("Retrieval")
    assert retrieval.warning == ""
    assert "Flattering" in original.warning
    assert [one.name for one in retrieval.measures][:4] == ["P@5", "R@5", "mAP@R", "nDCG@10"]
    first, second = retrieval.measures[0].figures
    assert (first.model, second.model) == ("baseline", NETWORK)
    assert " to " in first.interval
    assert second.gain[0] in "+-"

    page = (await report(school, evaluation_id)).decode()
    assert "data:image/" in page
    assert "picture 1" in page or "stripes" in page
    assert b'"sets"' in await report(school, evaluation_id, "json")
    other = await gallery.person("other", admin=True)
    with pytest.raises(NotFound):
        await report(school, evaluation_id, viewer=other)
    with pytest.raises(NotFound):
        await service_evaluations.begin_again(school.db, other, evaluation_id)

    again = await service_evaluations.begin_again(school.db, school.root, evaluation_id)
    repeated = (await service_evaluations.get(school.db, again)).made
    assert (repeated.models, repeated.sample, repeated.state) == (found.made.models, 12, "queued")

    told = order.read_order(school.settings.evaluations_dir / str(evaluation_id))
    await images.trash(school.db, school.root, told.pictures[0].id)
    with pytest.raises(Gone, match="have left the collection"):
        await report(school, evaluation_id)
    await service_evaluations.delete(school.db, school.settings, evaluation_id)
    assert not (school.settings.evaluations_dir / str(evaluation_id)).exists()


async def test_what_a_training_held_out_is_evaluated_alone(school: School) -> None:
    training_id = await school.begin()
    with pytest.raises(Conflict, match="has not begun"):
        await begin(school, collection=None, training_id=training_id)
    folder = school.settings.trainings_dir / str(training_id)
    order.write_order(folder, await made_order(school, training_id))
    evaluation_id = await begin(school, models=["baseline"], collection=None, training_id=training_id)
    found = await service_evaluations.get(school.db, evaluation_id)
    assert found.made.collection_id == school.collection.id
    asked = await service_evaluations.make_order(school.db, school.settings, school.blobs, found.made)
    held = order.read_order(folder).held_out
    assert len(held) == 4
    assert asked.pictures == held
    assert asked.data_name == "Patterns, held out"


async def made_order(school: School, training_id: int) -> order.Order:
    made = (await service.get(school.db, training_id)).made
    return await service.make_order(school.db, school.settings, school.blobs, made)


async def test_what_cannot_be_evaluated_is_refused(school: School) -> None:
    for error, words, asked in (
        (Conflict, "dinov2-small is not at hand", {"models": ["dinov2-small"]}),
        (Invalid, "at least one model", {"models": []}),
        (Invalid, "no protocol 'copies'", {"protocols": ["copies"]}),
        (Invalid, "a sample has at least", {"sample": 0}),
        (Invalid, "a seed is from", {"seed": -1}),
        (NotFound, "no such collection", {"collection": 2**40}),
        (NotFound, "no such training", {"collection": None, "training_id": 2**40}),
    ):
        with pytest.raises(error, match=words):
            await begin(school, **asked)


async def test_c23_promote_and_roll_back(school: School, gallery: Gallery) -> None:
    """By a gallery whose model LIKENESS_MODEL does not name."""
    settings = Settings(data_dir=school.settings.data_dir, workers=1)
    await gallery.embed()
    training_id = await school.begin()
    with pytest.raises(Conflict, match="has made no model yet"):
        await service_promotion.promote(school.db, settings, training_id)
    make_adapter(settings.models_dir / "mine", settings.models_dir / NETWORK)
    async with school.db.transaction() as conn:
        await store.set_state(conn, training_id, "done")
    await service_models.use_model(school.db, settings, "baseline")
    with pytest.raises(Conflict, match="nothing to go back from"):
        await service_promotion.roll_back(school.db, settings, training_id)

    await service_promotion.promote(school.db, settings, training_id)
    made = (await service.get(school.db, training_id)).made
    standings = await service_promotion.find_standings(school.db, settings)
    assert (standings.of(made), standings.previous(made), standings.moves(made)) == ("next", "baseline", True)
    with pytest.raises(Conflict, match="is on its way"):
        await service_promotion.promote(school.db, settings, training_id)
    with pytest.raises(Conflict, match="needs mine"):
        await service.delete(school.db, settings, training_id)

    await embed_pending(gallery.workshop, "mine")
    async with school.db.transaction() as conn:
        rows = await store_models.list_models(conn)
    model_id = next(row.id for row in rows if row.name == "mine")
    await builds.build(school.db, settings, model_id, None, activate=True)
    standings = await service_promotion.find_standings(school.db, settings)
    assert (standings.of(made), standings.moves(made)) == ("in force", False)

    assert await service_promotion.roll_back(school.db, settings, training_id) == "baseline"
    standings = await service_promotion.find_standings(school.db, settings)
    assert (standings.active, standings.wanted, standings.previous(made)) == ("mine", "baseline", None)
    assert standings.moves(made)


async def test_c23_what_likeness_model_names_wins(school: School) -> None:
    training_id = await school.begin()
    make_adapter(school.settings.models_dir / "mine", school.settings.models_dir / NETWORK)
    async with school.db.transaction() as conn:
        await store.set_state(conn, training_id, "done")
    with pytest.raises(Conflict, match="LIKENESS_MODEL is set to baseline and wins"):
        await service_promotion.promote(school.db, school.settings, training_id)
