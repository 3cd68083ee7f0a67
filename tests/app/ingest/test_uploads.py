"""Uploads by page and by API: each file for itself, and what is refused says why."""

from typing import Any

import pytest

from app.core.settings import Settings
from tests.app.ingest.hostile import REFUSED
from tests.conftest import Client, SignIn
from tests.factories import Gallery, picture

Files = list[tuple[str, tuple[str, bytes, str]]]


def files(field: str, given: dict[str, bytes]) -> Files:
    return [(field, (name, data, "image/jpeg")) for name, data in given.items()]


async def test_a23_refused_files_take_nobody_with_them(client: Client, gallery: Gallery) -> None:
    anna = await gallery.person("anna")
    good = {"one.png": picture(1), "two.jpg": picture(2, kind="JPEG"), "three.webp": picture(3, kind="WEBP")}
    given = {"one.png": good["one.png"], **REFUSED, "two.jpg": good["two.jpg"], "three.webp": good["three.webp"]}
    answer = await client.post("/api/v1/images", headers=await gallery.bearer(anna), files=files("file", given))
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body["collection"] == "My pictures"
    assert [one["filename"] for one in body["added"]] == list(good)
    assert {one["format"] for one in body["added"]} == {"PNG", "JPEG", "WEBP"}
    assert [one["file"] for one in body["refused"]] == list(REFUSED)
    for one in body["refused"]:
        assert len(one["reason"]) > 10, one
        assert not any(word in one["reason"] for word in ("Traceback", "Error", "0x", "/")), one
    reasons = {one["file"]: one["reason"] for one in body["refused"]}
    assert len(set(reasons.values())) >= 4, "a reason is the file's own"


async def test_a_page_tells_of_each_file(gallery: Gallery, sign_in: SignIn) -> None:
    browser = await sign_in(await gallery.person("anna"))
    given = {"one.png": picture(1), **REFUSED}
    answer = await browser.post("/uploads", data={"new_collection": "Birds"}, files=files("files", given))
    assert answer.status_code == 200
    assert answer.text.count('data-outcome="added"') == 1
    assert answer.text.count('data-outcome="refused"') == len(REFUSED)
    assert "letter.jpg" in answer.text
    again = await browser.post(
        "/uploads",
        data={"new_collection": "birds"},
        files=files("files", {"one.png": picture(1)}),
        headers={"hx-request": "true"},
    )
    assert again.text.count('data-outcome="existing"') == 1
    assert "<html" not in again.text


async def test_all_refused_is_422_with_every_reason(client: Client, gallery: Gallery) -> None:
    bearer = await gallery.bearer(await gallery.person("anna"))
    answer = await client.post("/api/v1/images", headers=bearer, files=files("file", REFUSED))
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert [one["file"] for one in answer.json()["refused"]] == list(REFUSED)
    one = await client.post("/api/v1/images", headers=bearer, files=files("file", {"x.jpg": b""}))
    assert one.json()["detail"] == one.json()["refused"][0]["reason"]


async def test_what_is_there_already_is_200(client: Client, gallery: Gallery) -> None:
    bearer = await gallery.bearer(await gallery.person("anna"))
    first = await client.post("/api/v1/images", headers=bearer, files=files("file", {"a.png": picture(1)}))
    again = await client.post("/api/v1/images", headers=bearer, files=files("file", {"b.png": picture(1)}))
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["existing"][0]["image_id"] == first.json()["added"][0]["image_id"]
    assert again.json()["added"] == []


async def test_the_same_file_twice_in_one_request_is_one_picture(client: Client, gallery: Gallery) -> None:
    bearer = await gallery.bearer(await gallery.person("anna"))
    given = files("file", {"a.png": picture(1), "b.png": picture(1)})
    body = (await client.post("/api/v1/images", headers=bearer, files=given)).json()
    assert (len(body["added"]), len(body["existing"])) == (1, 1)


async def test_nothing_at_all_is_refused_in_words(client: Client, gallery: Gallery, sign_in: SignIn) -> None:
    anna = await gallery.person("anna")
    api = await client.post(
        "/api/v1/images", headers=await gallery.bearer(anna), data={"collection": "Birds"}, files=[]
    )
    assert api.status_code in (400, 422)
    browser = await sign_in(anna)
    page = await browser.post(
        "/uploads", data={"collection": ""}, files={"files": ("", b"", "application/octet-stream")}
    )
    assert page.status_code == 422
    assert "choose a file" in page.text


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.png", "C:\\pictures\\a.png", "<img src=x onerror=alert(1)>.png", "\x00.png"]
)
async def test_a27_a_name_is_data_and_never_a_path(
    client: Client, gallery: Gallery, sign_in: SignIn, settings: Settings, name: str
) -> None:
    anna = await gallery.person("anna")
    answer = await client.post(
        "/api/v1/images", headers=await gallery.bearer(anna), files={"file": (name, picture(1), "image/png")}
    )
    (added,) = answer.json()["added"]
    assert "/" not in added["filename"]
    assert "\\" not in added["filename"]
    originals = [path.name for path in (settings.blobs_dir / "originals").rglob("*") if path.is_file()]
    assert len(originals) == 1
    assert len(originals[0]) == 64
    browser = await sign_in(anna)
    page = await browser.get(f"/images/{added['image_id']}")
    assert "<img src=x" not in page.text


class TestSmallLimits:
    """A gallery that takes little."""

    @pytest.fixture
    def settings(self, tmp_path: Any) -> Settings:
        return Settings(data_dir=tmp_path, model="baseline", workers=1, max_upload_mb=1, max_upload_files=20)

    async def test_too_many_files_in_one_request_are_413_in_plain_words(
        self, client: Client, gallery: Gallery, sign_in: SignIn
    ) -> None:
        anna = await gallery.person("anna")
        given = {f"{number}.png": b"x" for number in range(200)}
        answer = await client.post("/api/v1/images", headers=await gallery.bearer(anna), files=files("file", given))
        assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
        assert answer.json()["detail"] == "these are more or larger files than this gallery takes at once"
        browser = await sign_in(anna)
        page = await browser.post("/uploads", files=files("files", given))
        assert page.status_code == 413
        assert "more or larger files" in page.text

    async def test_a_file_that_is_too_large_is_refused_alone(self, client: Client, gallery: Gallery) -> None:
        bearer = await gallery.bearer(await gallery.person("anna"))
        given = {"large.png": bytes(2 * 1024 * 1024), "good.png": picture(1)}
        body = (await client.post("/api/v1/images", headers=bearer, files=files("file", given))).json()
        assert [one["filename"] for one in body["added"]] == ["good.png"]
        assert body["refused"] == [{"file": "large.png", "reason": "larger than 1 MiB, the limit for one file"}]

    async def test_a_query_that_is_too_large_is_413(self, client: Client, gallery: Gallery) -> None:
        anna = await gallery.person("anna")
        await gallery.pictures(anna, await gallery.collection(anna, "Birds"), [1])
        await gallery.embed()
        for path in ("/api/v1/search", "/queries", "/search/"):
            answer = await client.post(path, files={"file": ("x.png", bytes(3 * 1024 * 1024), "image/png")})
            assert answer.status_code == 413, path


async def test_uploads_go_where_one_may_edit(client: Client, gallery: Gallery) -> None:
    anna, ben = await gallery.person("anna"), await gallery.person("ben")
    await gallery.collection(anna, "Annas", public=True)
    bearer = await gallery.bearer(ben)
    for collection, status in (("Annas", 403), ("999", 404), ("Nothing", 404)):
        answer = await client.post(
            "/api/v1/images",
            headers=bearer,
            data={"collection": collection},
            files=files("file", {"a.png": picture(1)}),
        )
        assert answer.status_code == status
    assert (await client.get("/api/v1/images", headers=bearer)).json()["images"] == []
