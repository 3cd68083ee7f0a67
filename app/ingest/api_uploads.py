"""Archives by pieces: the tus protocol 1.0.0, for scripts under /api/v1/uploads and for pages under /uploads/archives.

Whatever speaks tus can upload here: creation, termination and expiration of its extensions, pieces of any size.
"""

import base64
import binascii
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, Router, delete, head, patch, post, route
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.enums import HttpMethod, MediaType
from litestar.exceptions import InternalServerException
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath, HeaderParameter

from app.accounts.guards import require_signed_in
from app.accounts.records import Viewer
from app.core import problems
from app.core.errors import AppError, Invalid
from app.ingest import service_uploads
from app.ingest.pipeline import Intake

VERSION = "1.0.0"
PIECE_TYPE = "application/offset+octet-stream"
IMPORT_HEADER = "Likeness-Import"
TUS = {"Tus-Resumable": VERSION, "Tus-Version": VERSION}
WRITTEN_AT_ONCE = 1024 * 1024
"""Bytes a write. The server hands out pieces of 64 KiB, and each write goes through a thread."""

Offset = Annotated[int, HeaderParameter(name="Upload-Offset", ge=0, description="Where the piece begins.")]
Length = Annotated[
    int | None, HeaderParameter(name="Upload-Length", ge=0, description="The size of the whole archive, in bytes.")
]
Metadata = Annotated[
    str,
    HeaderParameter(
        name="Upload-Metadata",
        description="Pairs of a key and its value in base64: `filename`, `collection` (a name or an id), "
        "`new_collection` (a name), `labels_from` (`folder`: labels from the folders' names).",
    ),
]


class OtherVersion(AppError):
    """Another version of tus than ours."""

    status = 412
    title = "Another version of tus"


class OtherType(AppError):
    """A piece is sent as bytes and nothing else."""

    status = 415
    title = "Another type"


def require_tus(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Raises OtherVersion unless the sender speaks tus 1.0.0."""
    if connection.headers.get("tus-resumable") != VERSION:
        raise OtherVersion(f"this address speaks tus {VERSION}: send the header Tus-Resumable: {VERSION}")


@route(
    ["/", "/{upload_id:uuid}"],
    http_method=[HttpMethod.OPTIONS],
    include_in_schema=False,
    status_code=204,
    sync_to_thread=False,
)
def describe(intake: NamedDependency[Intake]) -> Response[None]:
    """What of tus is spoken here, and how large an archive may be."""
    told = {"Tus-Extension": "creation,termination,expiration", "Tus-Max-Size": str(intake.max_archive_bytes)}
    return Response(None, headers=told)


@post(
    "/",
    guards=[require_signed_in, require_tus],
    status_code=201,
    media_type=MediaType.TEXT,
    operation_id="createUpload",
    summary="Announce an archive",
)
async def create(
    request: Request[Any, Any, Any],
    intake: NamedDependency[Intake],
    viewer: NamedDependency[Viewer],
    length: Length = None,
    metadata: Metadata = "",
) -> Response[None]:
    """Begin an upload (tus 1.0.0, creation): the answer's `Location` is where its pieces go.

    413 for more than `Tus-Max-Size`, 507 when the disk has no room for it.
    """
    if length is None:
        raise Invalid("Upload-Length must tell the archive's size in bytes")
    given = _parse(metadata)
    if given.get("labels_from") not in (None, "", "folder"):
        raise Invalid("labels_from is `folder`, or left out")
    upload = await service_uploads.announce(
        intake,
        viewer,
        given.get("filename") or given.get("name") or "archive",
        length,
        given.get("collection"),
        given.get("new_collection", ""),
        labels_from_folders=given.get("labels_from") == "folder",
    )
    return Response(None, headers={"Location": f"{request.url.path.rstrip('/')}/{upload.id}", **_expiry()})


@head(
    "/{upload_id:uuid}",
    guards=[require_signed_in, require_tus],
    media_type=MediaType.TEXT,
    operation_id="getUpload",
    summary="How much is here",
)
async def look(
    intake: NamedDependency[Intake], viewer: NamedDependency[Viewer], upload_id: FromPath[UUID]
) -> Response[None]:
    """`Upload-Offset` is where to go on, `Likeness-Import` the id of the import once all is here."""
    upload, received = await service_uploads.get(intake, viewer, upload_id)
    told = {"Upload-Offset": str(received), "Upload-Length": str(upload.size_bytes), "Cache-Control": "no-store"}
    return Response(None, headers=told | _import(upload.import_id))


@patch(
    "/{upload_id:uuid}",
    guards=[require_signed_in, require_tus],
    status_code=204,
    operation_id="sendPiece",
    summary="Send a piece",
)
async def send(
    request: Request[Any, Any, Any],
    intake: NamedDependency[Intake],
    viewer: NamedDependency[Viewer],
    upload_id: FromPath[UUID],
    offset: Offset,
) -> Response[None]:
    """Add the request's body (`application/offset+octet-stream`) behind what is here; a piece may be of any size.

    `Likeness-Import` is the id of the import that the last piece began. 409 for another `Upload-Offset` than what is
    here, or while another request is sending; what had come of a piece that broke off is kept.
    """
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != PIECE_TYPE:
        raise OtherType(f"send pieces as {PIECE_TYPE}")
    received, import_id = await service_uploads.send(intake, viewer, upload_id, offset, _pieces(request))
    return Response(None, headers={"Upload-Offset": str(received), **_expiry(), **_import(import_id)})


@delete(
    "/{upload_id:uuid}",
    guards=[require_signed_in, require_tus],
    operation_id="deleteUpload",
    summary="Give an upload up",
)
async def give_up(intake: NamedDependency[Intake], viewer: NamedDependency[Viewer], upload_id: FromPath[UUID]) -> None:
    """Erase what is here of an archive that is not whole yet (tus 1.0.0, termination)."""
    await service_uploads.give_up(intake, viewer, upload_id)


async def _pieces(request: Request[Any, Any, Any]) -> AsyncIterator[bytes]:
    """The body as it comes; it ends quietly when its sender is gone, who then asks how much has come."""
    gathered = bytearray()
    try:
        async for piece in request.stream():
            gathered += piece
            if len(gathered) >= WRITTEN_AT_ONCE:
                yield bytes(gathered)
                gathered.clear()
    except InternalServerException:
        pass
    if gathered:
        yield bytes(gathered)


def _parse(metadata: str) -> dict[str, str]:
    """The pairs of Upload-Metadata: a key, and behind a space its value in base64, unless that is empty."""
    given: dict[str, str] = {}
    for pair in metadata.split(","):
        key, _, value = pair.strip().partition(" ")
        try:
            given[key] = base64.b64decode(value.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise Invalid(f"Upload-Metadata: the value of {key[:40]!r} is no UTF-8 in base64") from error
    return given


def _expiry() -> dict[str, str]:
    at = datetime.now(UTC) + timedelta(seconds=service_uploads.KEPT_S)
    return {"Upload-Expires": format_datetime(at, usegmt=True)}


def _import(import_id: int | None) -> dict[str, str]:
    return {} if import_id is None else {IMPORT_HEADER: str(import_id)}


def _mark(response: Response[Any]) -> Response[Any]:
    response.headers.update(TUS)
    return response


def _answer(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    return _mark(problems.answer(request, error))


def make_routers(max_body_bytes: int) -> list[Router]:
    """The same routes for cookies and for tokens; `max_body_bytes` is the largest piece."""
    return [
        Router(
            path,
            route_handlers=[describe, create, look, send, give_up],
            include_in_schema=in_schema,
            tags=["uploads"],
            request_max_body_size=max_body_bytes,
            after_request=_mark,
            exception_handlers={Exception: _answer},
        )
        for path, in_schema in (("/uploads/archives", False), ("/api/v1/uploads", True))
    ]
