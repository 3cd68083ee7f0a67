"""The upload page, and what it tells of each file."""

import re
from dataclasses import dataclass
from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.datastructures import FormMultiDict, UploadFile
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Template

from app.accounts import service_usage
from app.accounts.guards import require_signed_in
from app.accounts.records import Viewer
from app.collections import service as collections
from app.collections.records import Collection
from app.collections.service import OWN_DEFAULT
from app.core.errors import Invalid
from app.core.pages import Notice, redirect, render
from app.core.words import size_text
from app.images import service as images
from app.images.records import Image
from app.images.tiles import Tile, make_tile
from app.ingest.pipeline import OVER_QUOTA, Intake
from app.ingest.records import Refusal
from app.ingest.running import QuotaReached
from app.ingest.service import resolve_target
from app.ingest.uploads import add_uploads, import_archive

ARCHIVE_NAME = re.compile(r"\.(zip|tar|tgz|tbz2|txz|tar\.(gz|bz2|xz))$", re.IGNORECASE)
"""What goes to the reader of archives, and not to the decoder of pictures. `archives.js` has the same."""


@dataclass(frozen=True, slots=True)
class Target:
    """A collection that one may upload to; without an id it is made by the first upload."""

    id: int | None
    name: str


@dataclass(frozen=True, slots=True)
class UploadPage:
    """`quotas` are the limits that hold for the viewer, in words."""

    collections: list[Target]
    selected_id: int | None
    max_upload_mb: int
    max_archive_text: str
    quotas: list[str]


@dataclass(frozen=True, slots=True)
class Existing:
    """A file whose picture was there already."""

    filename: str
    url: str


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the pictures went."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Begun:
    """An archive that is being imported."""

    filename: str
    url: str


@dataclass(frozen=True, slots=True)
class UploadResult:
    added: list[Tile]
    existing: list[Existing]
    refused: list[Refusal]
    begun: list[Begun]
    collection: Destination


@get("/upload", guards=[require_signed_in])
async def upload_page(
    request: Request[Any, Any, Any],
    intake: NamedDependency[Intake],
    viewer: NamedDependency[Viewer],
    collection: FromQuery[str | None] = None,
) -> Template:
    """Choose files and a collection."""
    shelves = await collections.list_shelves(intake.db, viewer)
    editable = [shelf.collection for shelf in shelves if shelf.collection.allows("editor")]
    own = next((one.id for one in editable if one.name == OWN_DEFAULT and one.owner_id == viewer.account_id), None)
    targets = [Target(one.id, one.name) for one in editable]
    if editable and own is None:
        targets.insert(0, Target(None, OWN_DEFAULT))
    context = UploadPage(
        collections=targets,
        # Nobody's pictures land in a public or shared place by not choosing.
        selected_id=next((one.id for one in editable if collection in (str(one.id), one.name)), own),
        max_upload_mb=intake.max_bytes // 1024**2,
        max_archive_text=size_text(intake.max_archive_bytes),
        quotas=await _quotas(intake, viewer),
    )
    return render(request, "upload/index.html", context, title="Upload")


@post("/uploads", guards=[require_signed_in], status_code=200)
async def upload(
    request: Request[Any, Any, Any], intake: NamedDependency[Intake], viewer: NamedDependency[Viewer]
) -> Response[Any]:
    """Take pictures in and say what became of each; begin the import of each archive."""
    # Not a typed form: of two fields of files, the one that nothing was chosen in comes as an empty text.
    form = await request.form()
    files = [one for one in (*form.getall("files", []), *form.getall("archives", [])) if isinstance(one, UploadFile)]
    archives = [one for one in files if ARCHIVE_NAME.search(one.filename)]
    pictures = [one for one in files if one not in archives]
    if not files:
        raise Invalid("choose a file: pictures, or an archive of pictures")
    collection = await resolve_target(intake.db, viewer, _text(form, "collection"), _text(form, "new_collection"))
    labels_from_folders = _text(form, "labels_from") == "folder"
    begun: list[Begun] = []
    for one in archives:
        import_id = await import_archive(intake, viewer, collection.id, one, labels_from_folders=labels_from_folders)
        begun.append(Begun(one.filename, f"/imports/{import_id}"))
    if pictures:
        return await _result(request, intake, viewer, collection, pictures, begun)
    if len(begun) == 1:
        return redirect(begun[0].url)
    return redirect("/imports", Notice("info", f"{len(begun)} archives are being imported."))


async def _result(
    request: Request[Any, Any, Any],
    intake: Intake,
    viewer: Viewer,
    collection: Collection,
    files: list[UploadFile],
    begun: list[Begun],
) -> Template:
    tally = await add_uploads(intake, viewer, collection.id, files)
    if tally.over_quota and not (tally.added or tally.existing or begun):
        raise QuotaReached(OVER_QUOTA)
    pictures = {image.id: image for image in await images.list_by_ids(intake.db, viewer, tally.added + tally.existing)}
    context = UploadResult(
        added=[make_tile(pictures[one]) for one in tally.added if one in pictures],
        existing=[_existing(pictures[one]) for one in tally.existing if one in pictures],
        refused=tally.refused,
        begun=begun,
        collection=Destination(collection.name, f"/collections/{collection.id}"),
    )
    return render(request, "upload/result.html", context, fragment="upload/_result.html", title="Uploaded")


async def _quotas(intake: Intake, viewer: Viewer) -> list[str]:
    if viewer.account_id is None:
        return []
    usage = await service_usage.get_usage(intake.db, viewer.account_id, intake.quota)
    quotas: list[str] = []
    if usage.max_bytes is not None:
        quotas.append(f"{size_text(usage.bytes)} of {size_text(usage.max_bytes)}")
    if usage.max_files is not None:
        quotas.append(f"{usage.files:,} of {usage.max_files:,} pictures")
    return quotas


def _text(form: FormMultiDict, name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""


def _existing(image: Image) -> Existing:
    return Existing(image.filename, f"/images/{image.id}")


def make_router(max_body_bytes: int) -> Router:
    """The routes, with the largest request body that uploads may have."""
    handlers: list[Any] = [upload_page, upload]
    return Router("/", route_handlers=handlers, include_in_schema=False, request_max_body_size=max_body_bytes)
