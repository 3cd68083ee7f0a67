"""Upload as JSON."""

from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
from litestar import Response, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body

from app.accounts.guards import require_signed_in
from app.accounts.records import Viewer
from app.core.errors import Invalid
from app.images import service as images
from app.images.api import ImageOut, image_out
from app.images.records import Image
from app.ingest.pipeline import OVER_QUOTA, Intake
from app.ingest.running import QuotaReached
from app.ingest.service import resolve_target
from app.ingest.uploads import add_uploads


@dataclass
class UploadForm:
    """`file` (repeated for several pictures) and the name or id of the `collection`."""

    file: list[UploadFile] = field(default_factory=list[UploadFile])
    collection: str | None = None


class RefusedFile(msgspec.Struct):
    """A file that was not taken in, and why."""

    file: str
    reason: str


class Uploaded(msgspec.Struct):
    """What became of the files."""

    collection: str
    added: list[ImageOut]
    existing: list[ImageOut]
    refused: list[RefusedFile]


@post(
    "/api/v1/images",
    tags=["images"],
    operation_id="uploadImages",
    summary="Upload pictures",
    guards=[require_signed_in],
    status_code=201,
)
async def upload(
    intake: NamedDependency[Intake],
    viewer: NamedDependency[Viewer],
    data: Annotated[UploadForm, Body(media_type=RequestEncodingType.MULTI_PART)],
) -> Response[Uploaded]:
    """Add pictures to a collection that the caller may edit ("My pictures" without one).

    201 when something was added, 200 when all of it was there already, 422 when every file was refused, 507 when
    that is because the caller may keep no more.
    """
    if not data.file:
        raise Invalid("send at least one picture in the field `file`")
    collection = await resolve_target(intake.db, viewer, data.collection)
    tally = await add_uploads(intake, viewer, collection.id, data.file)
    refused = [RefusedFile(one.file, one.reason) for one in tally.refused]
    if refused and not tally.added and not tally.existing:
        extra = {"refused": [msgspec.to_builtins(one) for one in refused]}
        if tally.over_quota:
            raise QuotaReached(OVER_QUOTA, extra=extra)
        detail = refused[0].reason if len(refused) == 1 else f"none of the {len(refused)} files could be taken in"
        raise Invalid(detail, extra=extra)
    pictures = {image.id: image for image in await images.list_by_ids(intake.db, viewer, tally.added + tally.existing)}
    body = Uploaded(
        collection=collection.name,
        added=_out(tally.added, pictures),
        existing=_out(tally.existing, pictures),
        refused=refused,
    )
    return Response(body, status_code=201 if tally.added else 200)


def _out(image_ids: list[int], pictures: dict[int, Image]) -> list[ImageOut]:
    return [image_out(pictures[image_id]) for image_id in image_ids if image_id in pictures]


handlers: list[Any] = [upload]
