"""The upload page, and what it tells of each file."""

from dataclasses import dataclass, field
from typing import Annotated, Any

from litestar import Request, Router, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromQuery
from litestar.response import Template

from app.accounts.guards import require_signed_in
from app.accounts.records import Viewer
from app.collections import service as collections
from app.core.errors import Invalid
from app.core.pages import render
from app.images import service as images
from app.images.records import Image
from app.images.tiles import Tile, make_tile
from app.ingest.records import Refusal
from app.ingest.service import Intake, resolve_target
from app.ingest.uploads import add_uploads


@dataclass(frozen=True, slots=True)
class Target:
    """A collection that one may upload to."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class UploadPage:
    collections: list[Target]
    selected_id: int | None
    max_upload_mb: int


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
class UploadResult:
    added: list[Tile]
    existing: list[Existing]
    refused: list[Refusal]
    collection: Destination


@dataclass
class UploadForm:
    """The form's fields; a browser sends an empty file when none was chosen."""

    files: list[UploadFile] = field(default_factory=list[UploadFile])
    collection: str = ""
    new_collection: str = ""


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
    selected = next((one.id for one in editable if collection in (str(one.id), one.name)), None)
    context = UploadPage([Target(one.id, one.name) for one in editable], selected, intake.max_bytes // (1024 * 1024))
    return render(request, "upload/index.html", context, title="Upload")


@post("/uploads", guards=[require_signed_in], status_code=200)
async def upload(
    request: Request[Any, Any, Any],
    intake: NamedDependency[Intake],
    viewer: NamedDependency[Viewer],
    data: Annotated[UploadForm, Body(media_type=RequestEncodingType.MULTI_PART)],
) -> Template:
    """Take the files in and say what became of each."""
    files = [file for file in data.files if file.filename]
    if not files:
        raise Invalid("choose at least one picture")
    collection = await resolve_target(intake.db, viewer, data.collection, data.new_collection)
    tally = await add_uploads(intake, viewer, collection.id, files)
    pictures = {image.id: image for image in await images.list_by_ids(intake.db, viewer, tally.added + tally.existing)}
    context = UploadResult(
        added=[make_tile(pictures[one]) for one in tally.added if one in pictures],
        existing=[_existing(pictures[one]) for one in tally.existing if one in pictures],
        refused=tally.refused,
        collection=Destination(collection.name, f"/collections/{collection.id}"),
    )
    return render(request, "upload/result.html", context, fragment="upload/_result.html", title="Uploaded")


def _existing(image: Image) -> Existing:
    return Existing(image.filename, f"/images/{image.id}")


def make_router(max_body_bytes: int) -> Router:
    """The routes, with the largest request body that uploads may have."""
    handlers: list[Any] = [upload_page, upload]
    return Router("/", route_handlers=handlers, include_in_schema=False, request_max_body_size=max_body_bytes)
