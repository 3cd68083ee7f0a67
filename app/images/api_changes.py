"""Changes to a picture as JSON: its words, its way to the trash and back."""

from typing import Annotated, Any

import msgspec
from litestar import delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, Parameter

from app.accounts.guards import require_signed_in
from app.accounts.records import Viewer
from app.core.blobs import BlobStore
from app.core.database import Database
from app.images import service
from app.images.api import ImageDetail, ImageList, image_detail, image_out
from app.images.api_batch import undo_url

BODY_BYTES = 64 * 1024
"""The longest words come to 26 KB; the addresses of these routes also take uploads, which are larger."""


class ImageChange(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be changed of a picture; what is left out stays as it is."""

    caption: str | None = None
    labels: list[str] | None = None


class ChangedImage(ImageDetail):
    """The picture as it is now. `undo` is the address that undoes a change of its labels, for a day; null: none."""

    undo: str | None


class Trashed(msgspec.Struct):
    """`undo` is the address that brings the picture back, for a day; null: it was in the trash already."""

    undo: str | None


@patch(
    "/api/v1/images/{image_id:int}",
    tags=["images"],
    operation_id="changeImage",
    summary="Change a picture's words",
    request_max_body_size=BODY_BYTES,
)
async def change(
    db: NamedDependency[Database], viewer: NamedDependency[Viewer], image_id: FromPath[int], data: JSONBody[ImageChange]
) -> ChangedImage:
    """Change caption and labels; its owner and the editors of its collections may. Labels are replaced as a whole."""
    undo_id = await service.describe(db, viewer, image_id, caption=data.caption, labels=data.labels)
    now = image_detail(*await service.get_described(db, viewer, image_id))
    return ChangedImage(**msgspec.structs.asdict(now), undo=undo_url(undo_id))


@delete(
    "/api/v1/images/{image_id:int}",
    tags=["images"],
    operation_id="trashImage",
    summary="Move a picture to trash",
    status_code=200,
)
async def trash(db: NamedDependency[Database], viewer: NamedDependency[Viewer], image_id: FromPath[int]) -> Trashed:
    """Move one's own picture to the trash: it leaves searches, lists and bytes at once, and can be restored."""
    return Trashed(undo_url(await service.trash(db, viewer, image_id)))


@post(
    "/api/v1/images/{image_id:int}/restore",
    tags=["images"],
    operation_id="restoreImage",
    summary="Restore a picture",
    status_code=200,
)
async def restore(
    db: NamedDependency[Database], viewer: NamedDependency[Viewer], image_id: FromPath[int]
) -> ImageDetail:
    """Take one's own picture out of the trash. One that stands nowhere any more goes to "My pictures"."""
    await service.restore(db, viewer, image_id)
    return image_detail(*await service.get_described(db, viewer, image_id))


@post(
    "/api/v1/images/{image_id:int}/purge",
    tags=["images"],
    operation_id="purgeImage",
    summary="Erase a picture",
    status_code=204,
)
async def purge(
    db: NamedDependency[Database],
    blobs: NamedDependency[BlobStore],
    viewer: NamedDependency[Viewer],
    image_id: FromPath[int],
) -> None:
    """Erase one's own trashed picture for good, with its vectors and file. 409 while it is not in the trash."""
    await service.purge(db, blobs, viewer, image_id)


@get("/api/v1/trash", tags=["images"], operation_id="listTrash", summary="List the trash", guards=[require_signed_in])
async def list_trash(
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    cursor: Annotated[int | None, Parameter(description="`next_cursor` of the page before.")] = None,
) -> ImageList:
    """One's own pictures in the trash, newest first."""
    page = await service.list_trash(db, viewer, cursor=cursor)
    return ImageList([image_out(image) for image in page.images], str(page.next_cursor) if page.next_cursor else None)


handlers: list[Any] = [change, trash, restore, purge, list_trash]
