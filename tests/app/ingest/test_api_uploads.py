"""Archives by pieces: tus 1.0.0, by token and by cookie, and every way in which it can go wrong."""

import shutil
from typing import Any, NamedTuple

import pytest
from httpx import Headers
from structlog.testing import capture_logs

from app.accounts.records import Viewer
from app.collections import service as collections
from app.core.settings import Settings
from app.ingest import service, service_uploads
from tests.app.ingest.tus import PIECE, VERSION, Sender, metadata, zipped
from tests.conftest import Client, SignIn
from tests.factories import Gallery, picture

ARCHIVE = zipped({"robin/1.png": picture(1), "robin/2.png": picture(2), "notes.png": b"no picture"})


@pytest.fixture
async def anna(gallery: Gallery) -> Viewer:
    return await gallery.person("anna")


@pytest.fixture
async def sender(client: Client, gallery: Gallery, anna: Viewer) -> Sender:
    return Sender(client, headers=await gallery.bearer(anna))


async def test_pieces_become_an_import(sender: Sender, gallery: Gallery, anna: Viewer) -> None:
    url = await sender.begin(len(ARCHIVE), filename="birds.zip", new_collection="Birds", labels_from="folder")
    assert url.startswith("/api/v1/uploads/")
    offset = 0
    for size in (1, 100, 0, len(ARCHIVE)):
        piece = ARCHIVE[offset : offset + size]
        answer = await sender.send(url, offset, piece)
        offset += len(piece)
        assert (answer.status_code, answer.headers["upload-offset"]) == (204, str(offset))
        assert answer.headers["tus-resumable"] == "1.0.0"
        assert answer.headers["upload-expires"].endswith("GMT")
        seen = await sender.look(url)
        assert (seen.headers["upload-offset"], seen.headers["upload-length"]) == (str(offset), str(len(ARCHIVE)))
        assert seen.headers["cache-control"] == "no-store"
        assert seen.headers.get("likeness-import") == answer.headers.get("likeness-import")
        assert ("likeness-import" in seen.headers) == (offset == len(ARCHIVE))
    import_id = int(answer.headers["likeness-import"])
    await service.run(gallery.intake, import_id)
    progress = await service.get(gallery.intake.db, anna, import_id)
    assert (progress.made.name, progress.made.collection_name) == ("birds.zip", "Birds")
    assert (progress.made.added, progress.made.refused) == (2, 1)
    listed = (await sender.client.get("/api/v1/images?collection=Birds", headers=sender.headers)).json()["images"]
    assert [one["labels"] for one in listed] == [["robin"], ["robin"]]


async def test_the_same_by_cookie_for_pages(gallery: Gallery, anna: Viewer, sign_in: SignIn) -> None:
    sender = Sender(await sign_in(anna), "/uploads/archives")
    url = await sender.begin(len(ARCHIVE), filename="birds.zip")
    assert url.startswith("/uploads/archives/")
    await sender.send(url, 0, ARCHIVE[:10])
    assert (await sender.send(url, 10, ARCHIVE[10:])).headers["likeness-import"]


async def test_what_is_spoken_is_told_to_anybody(client: Client) -> None:
    for path in ("/api/v1/uploads", "/uploads/archives"):
        answer = await client.options(path)
        assert answer.status_code == 204
        assert answer.headers["tus-version"] == "1.0.0"
        assert answer.headers["tus-extension"] == "creation,termination,expiration"
        assert answer.headers["tus-max-size"] == str(20_480 * 1024**2)


async def test_another_version_is_412_in_words(sender: Sender) -> None:
    url = await sender.begin(10)
    for headers in ({}, {"tus-resumable": "0.2.2"}):
        given = {**sender.headers, **headers}
        answers = [
            await sender.client.post("/api/v1/uploads", headers={**given, "upload-length": "1"}),
            await sender.client.head(url, headers=given),
            await sender.client.patch(url, headers={**given, **PIECE, "upload-offset": "0"}, content=b"x"),
            await sender.client.delete(url, headers=given),
        ]
        assert {(one.status_code, one.headers["tus-version"]) for one in answers} == {(412, "1.0.0")}


async def test_another_offset_is_409_and_changes_nothing(sender: Sender) -> None:
    url = await sender.begin(10)
    await sender.send(url, 0, b"12345")
    for offset in (0, 4, 6, 10, 11):
        answer = await sender.send(url, offset, b"67")
        assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json"), offset
        assert answer.headers["tus-resumable"] == "1.0.0"
    assert (await sender.look(url)).headers["upload-offset"] == "5"


async def test_more_than_was_announced_is_413(sender: Sender) -> None:
    url = await sender.begin(10)
    assert (await sender.send(url, 0, b"x" * 11)).status_code == 413


async def test_another_type_is_415(sender: Sender) -> None:
    url = await sender.begin(10)
    for kind in ("", "application/octet-stream", "multipart/form-data; boundary=x"):
        assert (await sender.send(url, 0, b"x", **{"content-type": kind})).status_code == 415
    assert (await sender.send(url, 0, b"x", **{"content-type": f"{PIECE['content-type']}; x=y"})).status_code == 204


@pytest.mark.parametrize("size", ["", "-1", "0", "1.5", "abc", "٣", "1" * 5000])
async def test_a_size_that_is_none_is_refused_in_words(sender: Sender, size: str) -> None:
    answer = await sender.client.post(
        "/api/v1/uploads", headers=Headers({**sender.headers, **VERSION, "upload-length": size}, "utf-8")
    )
    assert answer.status_code in (413, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("size", [None, "10"])
async def test_metadata_that_is_none_is_refused_in_words(sender: Sender, size: str | None) -> None:
    given = {**sender.headers, **VERSION} | ({} if size is None else {"upload-length": size})
    for value in ("filename !!!", "filename w6", "filename /w==", "filename =") if size else ("",):
        answer = await sender.client.post("/api/v1/uploads", headers={**given, "upload-metadata": value})
        assert answer.status_code == 422, value


async def test_metadata_without_values_and_of_others_is_passed_over(sender: Sender) -> None:
    given = {**sender.headers, **VERSION, "upload-length": "10"}
    for value in ("is_confidential", "filetype YXBwbGljYXRpb24vemlw,is_confidential", " name YS56aXA= , relativePath"):
        answer = await sender.client.post("/api/v1/uploads", headers={**given, "upload-metadata": value})
        assert answer.status_code == 201, answer.text
    assert (await sender.announce(10, labels_from="names")).status_code == 422


async def test_an_archive_goes_where_one_may_edit(client: Client, gallery: Gallery, anna: Viewer) -> None:
    ben = await gallery.person("ben")
    await gallery.collection(anna, "Annas", public=True)
    sender = Sender(client, headers=await gallery.bearer(ben))
    for collection, status in (("Annas", 403), ("999", 404), ("Nothing", 404)):
        assert (await sender.announce(10, collection=collection)).status_code == status


async def test_nobody_sees_anothers_upload(client: Client, gallery: Gallery, sender: Sender) -> None:
    url = await sender.begin(10)
    ben = Sender(client, headers=await gallery.bearer(await gallery.person("ben", admin=True)))
    answers = [await ben.look(url), await ben.send(url, 0, b"x"), await ben.give_up(url)]
    assert [one.status_code for one in answers] == [404, 404, 404]
    nobody = Sender(client)
    answers = [await nobody.announce(10), await nobody.look(url), await nobody.send(url, 0, b"x")]
    assert [(one.status_code, one.headers["tus-resumable"]) for one in answers] == [(401, "1.0.0")] * 3
    assert (await sender.look(url)).headers["upload-offset"] == "0"


async def test_an_upload_is_given_up(sender: Sender, settings: Settings) -> None:
    url = await sender.begin(10)
    await sender.send(url, 0, b"123")
    assert len(list(settings.spool_dir.iterdir())) == 1
    assert (await sender.give_up(url)).status_code == 204
    assert list(settings.spool_dir.iterdir()) == []
    assert [(await one).status_code for one in (sender.look(url), sender.give_up(url))] == [404, 404]
    whole = await sender.begin(len(ARCHIVE))
    await sender.send(whole, 0, ARCHIVE)
    assert (await sender.give_up(whole)).status_code == 422


async def test_a_disk_without_room_is_507(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage(NamedTuple):
        free: int

    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1024**3))
    answer = await sender.announce(800 * 1024**2)
    assert (answer.status_code, answer.json()["title"]) == (507, "The disk is full")
    assert (await sender.announce(100)).status_code == 201


async def test_what_had_come_of_a_piece_that_broke_off_is_kept(sender: Sender) -> None:
    url = await sender.begin(20)
    sent = {**sender.headers, **VERSION, **PIECE, "upload-offset": "0", "content-length": "20"}
    events: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"12345", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Any:
        return events.pop(0)

    async def to_nobody(_: Any) -> None:
        return

    with capture_logs() as logs:
        await sender.client.app(request_scope("PATCH", url, sent), receive, to_nobody)
    assert [one for one in logs if one["log_level"] == "error"] == [], "that a sender goes is nothing to look into"
    assert (await sender.look(url)).headers["upload-offset"] == "5"
    assert (await sender.send(url, 5, b"x" * 15)).headers["likeness-import"]


def request_scope(method: str, path: str, headers: dict[str, str]) -> Any:
    """A request as the server hands it to the app."""
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("testserver.local", 80),
        "state": {},
    }


async def test_a_whole_archive_whose_import_was_not_made_is_imported_when_asked_for(
    sender: Sender, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process died between the last byte and the import."""
    url = await sender.begin(len(ARCHIVE))

    async def dies(*_: object) -> int:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(service_uploads, "_import", dies)
        assert (await sender.send(url, 0, ARCHIVE)).status_code == 500
    assert int((await sender.look(url)).headers["likeness-import"]) > 0


async def test_the_rights_of_the_moment_count(client: Client, gallery: Gallery, anna: Viewer) -> None:
    ben = await gallery.person("ben")
    birds = await gallery.collection(anna, "Birds")
    await collections.add_member(gallery.intake.db, anna, birds.id, "ben", "editor")
    sender = Sender(client, headers=await gallery.bearer(ben))
    url = await sender.begin(len(ARCHIVE), collection=str(birds.id))
    assert ben.account_id is not None
    await collections.remove_member(gallery.intake.db, anna, birds.id, ben.account_id)
    assert (await sender.send(url, 0, ARCHIVE)).status_code == 404


async def test_a_name_is_data(sender: Sender, gallery: Gallery, anna: Viewer) -> None:
    import_id = await sender.upload(ARCHIVE, filename="../../<img src=x onerror=alert(1)>.zip")
    made = (await service.get(gallery.intake.db, anna, import_id)).made
    assert made.name == "<img src=x onerror=alert(1)>.zip"


class TestSmallLimits:
    """A gallery that takes small archives."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return Settings(data_dir=settings.data_dir, model="baseline", workers=1, max_archive_mb=1)

    async def test_a_larger_archive_is_413(self, sender: Sender) -> None:
        answer = await sender.announce(1024**2 + 1, filename="large.zip")
        assert answer.status_code == 413
        assert "1 MiB" in answer.json()["detail"]
        assert (await sender.announce(1024**2)).status_code == 201


def test_the_header_of_metadata_is_what_tus_says() -> None:
    assert metadata(filename="world") == {"upload-metadata": "filename d29ybGQ="}
