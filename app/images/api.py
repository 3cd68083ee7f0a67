"""Pictures as JSON: list, get, bytes."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, Parameter

from app.accounts.records import Viewer
from app.core.blobs import BlobStore
from app.core.database import Database
from app.images import media, service
from app.images.parameters import narrowing
from app.images.records import Image, Narrowing, Region
from app.images.service_filters import resolve_filters
from app.images.service_order import check_order
from ml.decoder import Decoder


class ImageOut(msgspec.Struct):
    """One picture. `label` and `caption` are its first, `labels` and `captions` hold all.

    `split` is the part of a data set that it belongs to (train, test …), or empty.
    """

    image_id: int
    filename: str
    label: str | None
    labels: list[str]
    caption: str
    captions: list[str]
    split: str
    width: int
    height: int
    format: str
    size_bytes: int
    created_at: str
    url: str
    thumbnail_url: str


class Box(msgspec.Struct):
    """Where something is: upper left corner and size in pixels of the picture."""

    label: str
    x: float
    y: float
    width: float
    height: float


class ImageDetail(ImageOut):
    """One picture, with what is known to be where in it."""

    boxes: list[Box]


class ImageList(msgspec.Struct):
    """One page of pictures. `next_cursor` asks for the next one; null: this is the last."""

    images: list[ImageOut]
    next_cursor: str | None


def original_url(image_id: int) -> str:
    """Where the API serves the original's bytes."""
    return f"/api/v1/images/{image_id}/original"


def thumbnail_url(image_id: int) -> str:
    """Where the API serves a thumbnail."""
    return f"/api/v1/images/{image_id}/thumbnail"


def image_out(image: Image) -> ImageOut:
    """The picture as the API tells it."""
    return ImageOut(
        image_id=image.id,
        filename=image.filename,
        label=image.label,
        labels=image.labels,
        caption=image.caption,
        captions=image.captions,
        split=image.split,
        width=image.width,
        height=image.height,
        format=image.format,
        size_bytes=image.size_bytes,
        created_at=image.created_at.isoformat(),
        url=original_url(image.id),
        thumbnail_url=thumbnail_url(image.id),
    )


def image_detail(image: Image, regions: list[Region]) -> ImageDetail:
    """The same, with what is known to be where in it."""
    boxes = [Box(one.label, one.x, one.y, one.width, one.height) for one in regions]
    return ImageDetail(**msgspec.structs.asdict(image_out(image)), boxes=boxes)


@get("/api/v1/images", tags=["images"], operation_id="listImages", summary="List pictures", dependencies=narrowing)
async def list_images(
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    asked: NamedDependency[Narrowing],
    order: Annotated[str | None, Parameter(description="newest, oldest, name or largest.")] = None,
    limit: Annotated[int, Parameter(description="From 1 to 500.")] = service.PAGE_SIZE,
    cursor: Annotated[str | None, Parameter(description="`next_cursor` of the page before.")] = None,
) -> ImageList:
    """All pictures that the caller may see, the newest first; without a token those in public collections."""
    filters, _ = await resolve_filters(db, viewer, asked)
    page = await service.list_images(db, viewer, filters, order=check_order(order), cursor=cursor, limit=limit)
    return ImageList([image_out(image) for image in page.images], str(page.next_cursor) if page.next_cursor else None)


@get("/api/v1/images/{image_id:int}", tags=["images"], operation_id="getImage", summary="Get a picture")
async def get_image(
    db: NamedDependency[Database], viewer: NamedDependency[Viewer], image_id: FromPath[int]
) -> ImageDetail:
    """One picture's metadata."""
    return image_detail(*await service.get_described(db, viewer, image_id))


@get(
    "/api/v1/images/{image_id:int}/original",
    tags=["images"],
    operation_id="getOriginal",
    summary="Download the original",
    media_type="application/octet-stream",
)
async def get_original(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    blobs: NamedDependency[BlobStore],
    decoder: NamedDependency[Decoder],
    viewer: NamedDependency[Viewer],
    image_id: FromPath[int],
) -> Response[bytes]:
    """The file as it came; to others than its owner without metadata, unless the owner shares that."""
    return await media.send_original(request, blobs, decoder, viewer, await service.get_visible(db, viewer, image_id))


@get(
    "/api/v1/images/{image_id:int}/thumbnail",
    tags=["images"],
    operation_id="getThumbnail",
    summary="Download a thumbnail",
    media_type="image/webp",
)
async def get_thumbnail(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    blobs: NamedDependency[BlobStore],
    viewer: NamedDependency[Viewer],
    image_id: FromPath[int],
    width: Annotated[int, Parameter(description="256, 512 or 1024 pixels.")] = 256,
) -> Response[bytes]:
    """A WebP thumbnail."""
    image = await service.get_visible(db, viewer, image_id)
    return await media.send_thumbnail(request, blobs, image, width)


handlers: list[Any] = [list_images, get_image, get_original, get_thumbnail]
