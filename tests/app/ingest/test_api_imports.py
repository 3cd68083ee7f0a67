"""Imports as JSON: how far they are, what they refused, and the verbs on them."""

from typing import Any

import pytest

from app.accounts.records import Viewer
from app.collections import service as collections
from app.core.errors import NotAllowed
from app.core.settings import Settings
from app.ingest import service
from app.ingest.running import QuotaReached
from ml.datasets.items import DataSetError
from tests.app.ingest.tus import Sender, zipped
from tests.conftest import Client
from tests.factories import Gallery, picture

GOOD = {f"birds/{seed}.png": picture(seed) for seed in range(3)}
BAD = {"birds/words.png": b"no picture", "birds/empty.png": b""}


@pytest.fixture
async def anna(gallery: Gallery) -> Viewer:
    return await gallery.person("anna")


@pytest.fixture
async def sender(client: Client, gallery: Gallery, anna: Viewer) -> Sender:
    return Sender(client, headers=await gallery.bearer(anna))


async def told(sender: Sender, import_id: int, **params: Any) -> dict[str, Any]:
    answer = await sender.client.get(f"/api/v1/imports/{import_id}", headers=sender.headers, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def verb(sender: Sender, import_id: int, name: str) -> Any:
    return await sender.client.post(f"/api/v1/imports/{import_id}/{name}", headers=sender.headers)


async def test_an_import_is_told_from_queued_to_done(sender: Sender, gallery: Gallery) -> None:
    import_id = await sender.upload(zipped(GOOD | BAD), filename="birds.zip", new_collection="Birds")
    queued = await told(sender, import_id)
    assert (queued["state"], queued["can_resume"], queued["can_retry"]) == ("queued", False, False)
    assert (queued["kind"], queued["owner"], queued["collection"]) == ("archive", "anna", "Birds")
    await service.run(gallery.intake, import_id)
    done = await told(sender, import_id)
    assert (done["state"], done["done"], done["total"]) == ("done", 5, 5)
    assert (done["added"], done["existing"], done["refused"]) == (3, 0, 2)
    assert done["rate"] > 0
    assert done["eta_s"] is None
    assert (done["can_resume"], done["can_retry"]) == (False, True)
    assert [one["file"] for one in done["refusals"]] == list(BAD)
    assert all(len(one["reason"]) > 5 for one in done["refusals"])
    assert [one["file"] for one in (await told(sender, import_id, refusals=1))["refusals"]] == ["birds/words.png"]
    assert "options" not in done, "paths of the server are nobody's"
    again = await sender.upload(zipped(GOOD), filename="again.zip", collection="Birds")
    await service.run(gallery.intake, again)
    listed = (await sender.client.get("/api/v1/imports", headers=sender.headers)).json()["imports"]
    assert [(one["id"], one["added"], one["existing"]) for one in listed] == [(again, 0, 3), (import_id, 3, 0)]


async def test_what_was_refused_is_tried_again(sender: Sender, gallery: Gallery) -> None:
    import_id = await sender.upload(zipped(GOOD | BAD))
    assert (await verb(sender, import_id, "retry")).status_code == 409, "it is under way"
    await service.run(gallery.intake, import_id)
    answer = await verb(sender, import_id, "retry")
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    await service.run(gallery.intake, import_id, again=True)
    assert (await told(sender, import_id))["refused"] == 2
    fine = await sender.upload(zipped(GOOD))
    await service.run(gallery.intake, fine)
    answer = await verb(sender, fine, "retry")
    assert (answer.status_code, answer.json()["detail"]) == (409, "this import refused nothing")


async def test_a_cancelled_import_goes_on(sender: Sender, gallery: Gallery) -> None:
    import_id = await sender.upload(zipped(GOOD))
    assert (await verb(sender, import_id, "resume")).status_code == 409, "it is under way"
    assert (await verb(sender, import_id, "cancel")).status_code == 202
    await service.run(gallery.intake, import_id)
    cancelled = await told(sender, import_id)
    assert (cancelled["state"], cancelled["can_resume"]) == ("cancelled", True)
    assert (await verb(sender, import_id, "resume")).json()["state"] == "queued"
    await service.run(gallery.intake, import_id)
    assert (await told(sender, import_id))["added"] == 3
    assert (await verb(sender, import_id, "resume")).status_code == 409, "it has come to its end"


async def test_an_archive_that_is_none_says_so(sender: Sender, gallery: Gallery) -> None:
    import_id = await sender.upload(b"not an archive at all", filename="birds.zip")
    with pytest.raises(DataSetError):
        await service.run(gallery.intake, import_id)
    failed = await told(sender, import_id)
    assert failed["state"] == "failed"
    assert failed["message"].startswith("birds.zip is no archive")
    cut = zipped(GOOD)[:-30]
    import_id = await sender.upload(cut, filename="cut.zip")
    with pytest.raises(DataSetError):
        await service.run(gallery.intake, import_id)
    assert "cut.zip" in (await told(sender, import_id))["message"]


async def test_an_import_ends_with_its_owners_rights(client: Client, gallery: Gallery, anna: Viewer) -> None:
    db, ben = gallery.intake.db, await gallery.person("ben")
    birds = await gallery.collection(anna, "Birds")
    await collections.add_member(db, anna, birds.id, "ben", "editor")
    sender = Sender(client, headers=await gallery.bearer(ben))
    import_id = await sender.upload(zipped(GOOD), collection=str(birds.id))
    await collections.add_member(db, anna, birds.id, "ben", "viewer")
    with pytest.raises(NotAllowed):
        await service.run(gallery.intake, import_id)
    failed = await told(sender, import_id)
    assert (failed["state"], failed["added"]) == ("failed", 0)
    assert failed["message"] == "ben may not add to this collection any more"


async def test_a_missing_import_is_404_for_all_verbs(sender: Sender) -> None:
    for name in ("cancel", "resume", "retry"):
        answer = await verb(sender, 999, name)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


class TestSmallQuota:
    """A gallery in which each may keep two pictures."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return Settings(data_dir=settings.data_dir, model="baseline", workers=1, quota_files=2)

    async def test_a31_an_import_stops_at_the_quota_and_says_so(self, sender: Sender, gallery: Gallery) -> None:
        import_id = await sender.upload(zipped(GOOD))
        with pytest.raises(QuotaReached):
            await service.run(gallery.intake, import_id)
        stopped = await told(sender, import_id)
        assert (stopped["state"], stopped["added"], stopped["can_resume"]) == ("failed", 2, True)
        assert "quota" in stopped["message"]

    async def test_what_stopped_early_goes_on_before_anything_is_tried_again(
        self, sender: Sender, gallery: Gallery
    ) -> None:
        """Else the job that tried again would end as done, and the rest be forgotten."""
        import_id = await sender.upload(zipped(BAD | GOOD))
        with pytest.raises(QuotaReached):
            await service.run(gallery.intake, import_id)
        stopped = await told(sender, import_id)
        assert (stopped["refused"], stopped["can_retry"], stopped["can_resume"]) == (2, False, True)
        assert (await verb(sender, import_id, "retry")).status_code == 409

    async def test_a31_pictures_over_the_quota_are_507_when_none_went_in(self, sender: Sender) -> None:
        async def upload(*seeds: int) -> Any:
            files = [("file", (f"{seed}.png", picture(seed), "image/png")) for seed in seeds]
            return await sender.client.post("/api/v1/images", headers=sender.headers, files=files)

        some = await upload(1, 2, 3)
        assert (some.status_code, len(some.json()["added"]), len(some.json()["refused"])) == (201, 2, 1)
        none = await upload(4, 5)
        assert (none.status_code, none.json()["title"]) == (507, "The quota is reached")
        assert [one["file"] for one in none.json()["refused"]] == ["4.png", "5.png"]
        assert (await upload(1)).status_code == 200, "what is there already needs no room"
