"""The admin's pages of trainings and evaluations: what they say, and how they are told what is wrong."""

import re

import pytest

from app.collections import service as collections
from app.core import jobs
from app.training import order, service, store, store_evaluations
from tests.app.training.conftest import NETWORK, School
from tests.conftest import Client, SignIn
from tests.factories import Gallery

STEP = {
    "kind": "step",
    "epoch": 0,
    "gradient_norm": 0.5,
    "learning_rate": 1e-4,
    "momentum": 0.996,
    "spread": {"floor": 2.5, "entropy": 0.9, "mean_entropy": 0.9, "deviation": 0.5},
    "pictures_per_s": 8.0,
    "collapse": "",
}
PROBE = {"kind": "probe", "linear": 0.5, "shots": 2, "chance": 0.5, "pictures": 12}
BEGAN = {
    "kind": "began",
    "trainable": 5040,
    "frozen": 140416,
    "pictures": 12,
    "refused": [{"name": "picture 7", "reason": "no picture"}],
    "refused_count": 1,
    "device": "float32 on cpu",
    "batch_size": 4,
    "part": 2,
    "steps": 6,
    "step": 0,
}


@pytest.fixture
async def admin(school: School, sign_in: SignIn) -> Client:
    return await sign_in(school.root)


async def running(school: School) -> int:
    """A training after its second step of six."""
    training_id = await school.begin()
    async with school.db.transaction() as conn:
        await store.set_state(conn, training_id, "running")
        await store.set_about(conn, training_id, BEGAN)
        points = [(step, "step", {**STEP, "step": step, "loss": 4.5 - step}) for step in (1, 2)]
        probes = [(step, "probe", {**PROBE, "epoch": step, "knn": 0.5 + step / 10}) for step in (0, 1)]
        await store.append_points(conn, training_id, [*points, *probes])
        made = await store.get(conn, training_id)
        await conn.execute(
            """
            UPDATE job SET state = 'running', done = 2, total = 6, message = 'epoch 1, loss 2.500',
                started_at = now() - interval '4 seconds', heartbeat_at = now() WHERE id = %s
            """,
            (made.job_id,),
        )
    return training_id


async def test_c23_c24_a_run_is_told_in_figures_a_drawing_and_a_table(admin: Client, school: School) -> None:
    training_id = await running(school)
    page = (await admin.get(f"/admin/training/{training_id}")).text
    for words in (
        "step 2 of 6 (33%)",
        "epoch 1, loss 2.500",
        "2.0 pictures/s",
        "8 s left",
        "5,040 parameters",
        "60.0%",
    ):
        assert words in page, words
    assert ">Curves of the training</title>" in page
    assert re.search(r'<th scope="row">1</th><td>2.5000</td><td>2.5000</td><td>0.500</td><td>0.600</td>', page)
    assert "picture 7" in page
    assert 'hx-trigger="every 2s"' in page
    part = await admin.get(f"/admin/training/{training_id}", headers={"hx-request": "true"})
    assert "<html" not in part.text
    assert "mine" in (await admin.get("/admin/training")).text
    assert (await admin.post(f"/admin/training/{training_id}/delete", data={"confirm": "yes"})).status_code == 409


async def test_collapse_is_named_once(admin: Client, school: School) -> None:
    training_id = await running(school)
    async with school.db.transaction() as conn:
        points = [(step, "step", {**STEP, "step": step, "loss": 1.0, "collapse": "all are alike"}) for step in (3, 4)]
        await store.append_points(conn, training_id, points)
    page = (await admin.get(f"/admin/training/{training_id}")).text
    assert page.count("All are alike.") == 1


async def test_the_form_comes_back_with_what_is_wrong(admin: Client, school: School) -> None:
    asked = {
        "collection": str(school.collection.id),
        "model": NETWORK,
        "name": "mine",
        "epochs": "3",
        "last_blocks": "",
    }
    for changed, status, words in (
        ({"epochs": "many"}, 422, "Epochs is a number, not &#39;many&#39;"),
        ({"epochs": "0"}, 422, "Epochs is 0"),
        ({"name": "no name"}, 422, "cannot be a model"),
        ({"model": "baseline"}, 409, "Baseline cannot be trained: networks that can: tiny-net"),
    ):
        answer = await admin.post("/admin/training", data={**asked, **changed})
        assert (answer.status_code, words in answer.text) == (status, True), answer.text
    answer = await admin.post("/admin/training", data=asked)
    assert answer.status_code == 303
    made = (await service.list_all(school.db))[0].made
    assert answer.headers["location"] == f"/admin/training/{made.id}"
    assert (made.config["epochs"], made.config["last_blocks"], made.config["rank"]) == (3, None, 4)


async def test_crops_left_empty_fit_the_network_and_the_first_collection_with_pictures_is_chosen(
    admin: Client, school: School, gallery: Gallery
) -> None:
    await gallery.collection(school.root, "An empty one")
    form = (await admin.get("/admin/training/new")).text
    assert f'<option value="{school.collection.id}" selected>' in form
    sent = {"collection": str(school.collection.id), "model": NETWORK, "local_size": "", "epochs": "3"}
    for name, changed, crops in (
        ("fitting", {"global_size": ""}, (56, 24)),  # the network's processor keeps 56 pixels
        ("larger", {"global_size": "84"}, (84, 36)),
        ("named", {"global_size": "224", "local_size": "98"}, (224, 98)),
    ):
        assert (await admin.post("/admin/training", data={**sent, "name": name, **changed})).status_code == 303
        config = (await service.list_all(school.db))[0].made.config
        assert (config["global_size"], config["local_size"]) == crops, name


async def test_the_estimate_is_a_part_of_the_form(admin: Client, school: School) -> None:
    url = f"/admin/training/estimate?collection={school.collection.id}&model={NETWORK}&epochs=2&held_out_pct=25"
    assert (await admin.get(url)).status_code == 303
    asked = {"hx-request": "true"}
    assert "12 pictures to learn from" in (await admin.get(url, headers=asked)).text
    assert "choose a collection" in (await admin.get("/admin/training/estimate", headers=asked)).text


async def test_without_a_network_the_form_says_how_to_get_one(gallery: Gallery, sign_in: SignIn) -> None:
    admin = await sign_in(await gallery.person("root", admin=True))
    assert "likeness models fetch dinov2-small" in (await admin.get("/admin/training/new")).text


async def test_a_comparison_is_asked_for_by_a_form(admin: Client, school: School) -> None:
    training_id = await school.begin()
    form = (await admin.get(f"/admin/evaluations/new?training={training_id}")).text
    assert 'value="held-out" selected' in form
    data = {"data": str(school.collection.id), "models": ["baseline", NETWORK], "protocols": ["clusters"]}
    answer = await admin.post("/admin/evaluations", data={**data, "sample": "", "seed": "3"})
    assert answer.status_code == 303, answer.text
    async with school.db.transaction() as conn:
        made = (await store_evaluations.list_all(conn, 1))[0]
    assert (made.models, made.protocols, made.sample, made.seed) == (["baseline", NETWORK], ["clusters"], None, 3)
    none = await admin.post("/admin/evaluations", data={**data, "models": []})
    assert (none.status_code, "at least one model" in none.text) == (422, True)
    odd = await admin.post("/admin/evaluations", data={**data, "sample": "many"})
    assert (odd.status_code, "Sample is a whole number" in odd.text) == (422, True)


async def test_the_report_may_load_and_run_nothing(admin: Client, school: School) -> None:
    answer = await admin.post(
        "/admin/evaluations", data={"data": str(school.collection.id), "models": "baseline", "protocols": "clusters"}
    )
    evaluation_id = int(answer.headers["location"].rsplit("/", 1)[1])
    folder = school.settings.evaluations_dir / str(evaluation_id)
    order.write_order(folder, order.Order("evaluate", "Patterns", "", [], [], {}))
    (folder / order.REPORT).mkdir()
    (folder / order.REPORT / "report.html").write_text("<h1>A report</h1>")
    report = await admin.get(f"/admin/evaluations/{evaluation_id}/report")
    assert report.text == "<h1>A report</h1>"
    policy = report.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:;")
    assert policy.endswith("sandbox")
    assert report.headers["cache-control"] == "private, no-store"
    await collections.update(school.db, school.root, school.collection.id, name="Patterns", is_public=False)
    async with school.db.transaction() as conn:
        await conn.execute("DELETE FROM collection WHERE id = %s", (school.collection.id,))
    assert (await admin.get(f"/admin/evaluations/{evaluation_id}/report")).status_code == 404
    assert (await admin.get(f"/admin/evaluations/{evaluation_id}")).status_code == 200


async def test_the_api_tells_a_training_with_its_curves(client: Client, school: School, gallery: Gallery) -> None:
    root = await gallery.bearer(school.root)
    training_id = await running(school)
    one = (await client.get(f"/api/v1/trainings/{training_id}", headers=root)).json()
    assert (one["state"], one["step"], one["steps"], one["standing"]) == ("running", 2, 6, "none")
    assert [entry["kind"] for entry in one["history"]] == ["probe", "step", "probe", "step"]
    cancelled = await client.post(f"/api/v1/trainings/{training_id}/cancel", headers=root)
    assert cancelled.status_code == 202
    async with school.db.transaction() as conn:
        assert (await jobs.get(conn, one["job_id"])).cancel_requested
    asked = {"collection_id": school.collection.id, "model": NETWORK, "name": "other", "config": {"epochs": 2}}
    begun = await client.post("/api/v1/trainings", json=asked, headers=root)
    assert (begun.status_code, begun.json()["config"]["epochs"]) == (202, 2)
    for config in ({"epochs": "2"}, {"epochs": 2.5}, {"global_scale": []}, {"seed": -1}, {"epochs": 10**9}):
        odd = await client.post("/api/v1/trainings", json={**asked, "name": "odd", "config": config}, headers=root)
        assert odd.status_code == 422, (config, odd.text)
    both = {"models": ["baseline"], "collection_id": 1, "training_id": 1}
    assert (await client.post("/api/v1/evaluations", json=both, headers=root)).status_code == 422
