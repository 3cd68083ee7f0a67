"""Search by API: the shapes that scripts rely on."""

from typing import Any

import httpx
import pytest
from openapi_spec_validator import validate

from app.accounts.records import Viewer
from app.collections.records import Collection
from app.images import service as images
from tests.conftest import CaughtUp, Client
from tests.factories import Gallery, picture
from tests.waiting import until


@pytest.fixture
async def ids(gallery: Gallery, anna: Viewer, birds: Collection, caught_up: CaughtUp) -> list[int]:
    """Five searchable public pictures of seeds 0 to 4, and a private one."""
    ids = await gallery.pictures(anna, birds, range(5), ["robin", "bird"])
    await gallery.pictures(anna, await gallery.collection(anna, "Private"), [9])
    await gallery.embed()
    await caught_up()
    return ids


def a_file(seed: int) -> dict[str, Any]:
    return {"file": ("query.png", picture(seed), "image/png")}


def found(answer: httpx.Response) -> list[int]:
    assert answer.status_code == 200, answer.text
    return [one["image_id"] for one in answer.json()["results"]]


async def test_by_file(client: Client, ids: list[int]) -> None:
    answer = await client.post("/api/v1/search", files=a_file(2), data={"k": "3"})
    body = answer.json()
    assert set(body) == {"model", "index", "background", "results", "next_cursor"}
    assert (body["model"], body["index"], body["background"]) == ("baseline", "live", None)
    assert len(body["results"]) == 3
    best = body["results"][0]
    assert best.pop("score") == pytest.approx(1, abs=1e-3)
    assert best == {
        "image_id": ids[2],
        "likeness": None,
        "filename": "2.png",
        "label": "robin",
        "labels": ["robin", "bird"],
        "collection": "Birds",
        "url": f"/api/v1/images/{ids[2]}/original",
        "thumbnail_url": f"/api/v1/images/{ids[2]}/thumbnail",
    }
    assert (await client.get(best["url"])).content == picture(2)
    assert (await client.get(best["thumbnail_url"])).headers["content-type"] == "image/webp"


async def test_by_stored_picture_in_both_ways(client: Client, birds: Collection, ids: list[int]) -> None:
    got = await client.get(f"/api/v1/images/{ids[0]}/similar", params={"k": 4})
    sent = await client.post("/api/v1/search", json={"image_id": ids[0], "k": 4})
    assert got.json() == sent.json()
    assert sorted(found(got)) == ids[1:]
    for collection in ("Birds", "birds", birds.id, str(birds.id)):
        narrowed = await client.post("/api/v1/search", json={"image_id": ids[0], "collection": collection})
        assert sorted(found(narrowed)) == ids[1:]


async def test_the_next_ones_come_by_cursor(client: Client, ids: list[int]) -> None:
    whole = found(await client.post("/api/v1/search", files=a_file(2), data={"k": "5"}))
    for ask in (
        lambda more: client.post("/api/v1/search", files=a_file(2), data={"k": "2", **more}),
        lambda more: client.post("/api/v1/search", json={"image_id": ids[2], "k": 2, **more}),
        lambda more: client.get(f"/api/v1/images/{ids[2]}/similar", params={"k": 2, **more}),
    ):
        pages: list[int] = []
        more: dict[str, str] = {}
        while True:
            answer = await ask(more)
            page = found(answer)
            assert len(page) <= 2
            pages += page
            if answer.json()["next_cursor"] is None:
                break
            more = {"cursor": answer.json()["next_cursor"]}
        assert pages == whole or [whole[0], *pages] == whole


async def test_a_page_goes_on_where_its_last_picture_was(
    client: Client, gallery: Gallery, anna: Viewer, ids: list[int]
) -> None:
    whole = found(await client.post("/api/v1/search", files=a_file(2), data={"k": "5"}))
    first = await client.post("/api/v1/search", files=a_file(2), data={"k": "2"})
    await images.trash(gallery.intake.db, anna, whole[1])
    cursor = first.json()["next_cursor"]
    rest = await client.post("/api/v1/search", files=a_file(2), data={"cursor": cursor})
    assert found(rest) == whole[2:]
    for wrong in ("x", "0_1_0.5", "1_1", "9000_1_0.5"):
        refused = await client.post("/api/v1/search", json={"image_id": ids[0], "cursor": wrong})
        assert (refused.status_code, refused.json()["detail"]) == (422, "cursor is the next_cursor of the page before")


async def test_filters_are_the_same_everywhere(
    client: Client, gallery: Gallery, anna: Viewer, ids: list[int], caught_up: CaughtUp
) -> None:
    fish = await gallery.collection(anna, "Fish", public=True)
    (trout,) = await gallery.pictures(anna, fish, [20], ["trout"])
    await gallery.embed()
    await caught_up()
    for narrow in ({"collection": "Fish"}, {"collection": str(fish.id)}, {"label": "trout"}):
        assert found(await client.get(f"/api/v1/images/{ids[0]}/similar", params=narrow)) == [trout]
        assert found(await client.post("/api/v1/search", files=a_file(1), data=narrow)) == [trout]
        assert found(await client.post("/api/v1/search", json={"image_id": ids[0], **narrow})) == [trout]
        listed = await client.get("/api/v1/images", params=narrow)
        assert [one["image_id"] for one in listed.json()["images"]] == [trout]


async def test_filters_of_shape_size_and_format_hold_in_searches(client: Client, ids: list[int]) -> None:
    for narrow, left in (({"shape": "landscape", "size": "small", "format": "PNG"}, 4), ({"shape": "portrait"}, 0)):
        answers = [
            await client.get(f"/api/v1/images/{ids[0]}/similar", params=narrow),
            await client.post("/api/v1/search", json={"image_id": ids[0], **narrow}),
        ]
        assert [len(found(answer)) for answer in answers] == [left, left]
        by_file = await client.post("/api/v1/search", files=a_file(0), data=narrow)
        assert len(found(by_file)) == (left + 1 if left else 0)


async def test_what_is_private_is_its_owners_by_token(
    client: Client, gallery: Gallery, anna: Viewer, ids: list[int]
) -> None:
    bearer = await gallery.bearer(anna)
    assert len(found(await client.post("/api/v1/search", files=a_file(9), headers=bearer))) == 6
    assert sorted(found(await client.post("/api/v1/search", files=a_file(9)))) == ids
    hidden = await client.post("/api/v1/search", files=a_file(9), data={"collection": "Private"})
    assert hidden.status_code == 404
    nothing = await client.post("/api/v1/search", files=a_file(9), data={"collection": "Nothing"})
    assert nothing.json() == hidden.json()


async def test_the_originals_call_keeps_working(client: Client, gallery: Gallery, anna: Viewer, ids: list[int]) -> None:
    headers = await gallery.bearer(anna)  # it is over what everybody may see, whoever asks
    for path in ("/search/", "/search"):
        answer = await client.post(path, params={"top_k": 5}, files=a_file(3), headers=headers)
        assert answer.status_code == 200
        results = answer.json()["results"]
        assert set(answer.json()) == {"results"}
        assert all(set(one) == {"filename", "distance"} for one in results)
        assert {one["filename"] for one in results} == {f"{seed}.png" for seed in range(5)}
        assert results[0]["filename"] == "3.png"
        assert results[0]["distance"] == pytest.approx(0, abs=2e-3)
        distances = [one["distance"] for one in results]
        assert distances == sorted(distances)


async def test_a_trashed_picture_is_found_no_more(
    client: Client, gallery: Gallery, anna: Viewer, ids: list[int]
) -> None:
    await images.trash(gallery.intake.db, anna, ids[2])
    assert ids[2] not in found(await client.post("/api/v1/search", files=a_file(2)))
    for path in ("", "/similar", "/original", "/thumbnail"):
        assert (await client.get(f"/api/v1/images/{ids[2]}{path}")).status_code == 404


async def test_an_upload_is_found_as_soon_as_it_is_embedded(
    client: Client, gallery: Gallery, anna: Viewer, ids: list[int]
) -> None:
    uploaded = await client.post(
        "/api/v1/images", files=a_file(40), headers=await gallery.bearer(anna), data={"collection": "Birds"}
    )
    (added,) = uploaded.json()["added"]
    await gallery.embed()

    async def is_found() -> bool:
        return found(await client.post("/api/v1/search", files=a_file(40), data={"k": "1"})) == [added["image_id"]]

    await until(is_found)


async def test_before_there_is_a_model_it_is_503(client: Client) -> None:
    answer = await client.post("/api/v1/search", files=a_file(1))
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert "retry-after" in answer.headers


async def test_openapi_is_valid_and_knows_every_call(client: Client) -> None:
    document = (await client.get("/api/openapi.json")).json()
    validate(document)
    operations = {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert set(operations) == {
        "GET /api/v1/me",
        "GET /api/v1/tokens",
        "DELETE /api/v1/tokens/{token_id}",
        "GET /api/v1/collections",
        "POST /api/v1/collections",
        "GET /api/v1/collections/{collection_id}",
        "PATCH /api/v1/collections/{collection_id}",
        "DELETE /api/v1/collections/{collection_id}",
        "GET /api/v1/collections/{collection_id}/members",
        "PUT /api/v1/collections/{collection_id}/members",
        "DELETE /api/v1/collections/{collection_id}/members/{user_id}",
        "GET /api/v1/collections/{collection_id}/links",
        "POST /api/v1/collections/{collection_id}/links",
        "DELETE /api/v1/collections/{collection_id}/links/{link_id}",
        "POST /api/v1/links/open",
        "GET /api/v1/labels",
        "GET /api/v1/trash",
        "GET /api/v1/images",
        "POST /api/v1/images",
        "POST /api/v1/images/batch",
        "POST /api/v1/undo/{undo_id}",
        "GET /api/v1/images/{image_id}",
        "PATCH /api/v1/images/{image_id}",
        "DELETE /api/v1/images/{image_id}",
        "POST /api/v1/images/{image_id}/restore",
        "POST /api/v1/images/{image_id}/purge",
        "GET /api/v1/images/{image_id}/original",
        "GET /api/v1/images/{image_id}/thumbnail",
        "GET /api/v1/images/{image_id}/similar",
        "GET /api/v1/imports",
        "GET /api/v1/imports/{import_id}",
        "POST /api/v1/imports/{import_id}/cancel",
        "POST /api/v1/imports/{import_id}/resume",
        "POST /api/v1/imports/{import_id}/retry",
        "POST /api/v1/uploads",
        "HEAD /api/v1/uploads/{upload_id}",
        "PATCH /api/v1/uploads/{upload_id}",
        "DELETE /api/v1/uploads/{upload_id}",
        "POST /api/v1/embeddings",
        "POST /api/v1/search",
        "POST /search",
        "GET /api/v1/jobs",
        "GET /api/v1/jobs/{job_id}",
        "POST /api/v1/jobs/{job_id}/cancel",
        "POST /api/v1/jobs/{job_id}/retry",
        "GET /api/v1/admin/events",
        "GET /api/v1/admin/failures",
        "POST /api/v1/admin/failures/retry",
        "POST /api/v1/admin/failures/{image_id}/retry",
        "GET /api/v1/admin/quarantine",
        "POST /api/v1/admin/quarantine/retry",
        "POST /api/v1/admin/quarantine/{import_id}/{position}/retry",
        "GET /api/v1/admin/users",
        "POST /api/v1/admin/users",
        "PATCH /api/v1/admin/users/{account_id}",
        "POST /api/v1/admin/users/{account_id}/invite",
        "DELETE /api/v1/admin/users/{account_id}/invite",
        "GET /api/v1/models",
        "POST /api/v1/models/use",
        "GET /api/v1/collections/{collection_id}/proposals",
        "POST /api/v1/collections/{collection_id}/proposals",
        "POST /api/v1/collections/{collection_id}/proposals/{group_id}/accept",
        "POST /api/v1/collections/{collection_id}/proposals/{group_id}/drop",
        "POST /api/v1/collections/{collection_id}/proposals/{group_id}/reopen",
        "GET /api/v1/trainings",
        "POST /api/v1/trainings",
        "GET /api/v1/trainings/{training_id}",
        "DELETE /api/v1/trainings/{training_id}",
        "POST /api/v1/trainings/{training_id}/cancel",
        "POST /api/v1/trainings/{training_id}/resume",
        "POST /api/v1/trainings/{training_id}/promote",
        "POST /api/v1/trainings/{training_id}/rollback",
        "GET /api/v1/evaluations",
        "POST /api/v1/evaluations",
        "GET /api/v1/evaluations/{evaluation_id}",
        "DELETE /api/v1/evaluations/{evaluation_id}",
        "POST /api/v1/evaluations/{evaluation_id}/again",
        "POST /api/v1/evaluations/{evaluation_id}/cancel",
        "GET /api/v1/index",
        "POST /api/v1/index/build",
        "POST /api/v1/index/rollback",
        "POST /api/v1/index/versions/{version_id}/activate",
        "POST /api/v1/index/versions/{version_id}/delete",
    }
    forms = operations["POST /api/v1/search"]["requestBody"]["content"]
    assert set(forms) == {"multipart/form-data", "application/json"}
    asked = {one["name"] for one in operations["GET /api/v1/images/{image_id}/similar"]["parameters"]}
    filters = {"collection", "label", "text", "after", "before", "shape", "size", "format", "has_copies"}
    assert asked == {"image_id", "k", "min_score", "min_likeness", "collapse", "cursor", "Likeness-Share", *filters}
    listed = {one["name"] for one in operations["GET /api/v1/images"]["parameters"]}
    assert listed == {"limit", "cursor", "order", "Likeness-Share", *filters}
    for form in forms.values():
        assert filters <= set(form["schema"]["properties"])


async def test_the_docs_page_loads_nothing_from_elsewhere(client: Client) -> None:
    page = (await client.get("/api/docs")).text
    assert "//" not in page.replace("<!doctype", "").split("<body")[0].replace("http://www.w3.org", "")
