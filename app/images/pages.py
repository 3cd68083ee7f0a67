"""Pages of one picture: its words, its bytes, its way to the trash and back."""

from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect, Template

from app.accounts.records import Viewer
from app.collections.records import Visibility
from app.core.blobs import BlobStore
from app.core.database import Database
from app.core.errors import Invalid
from app.core.pages import Notice, redirect, render
from app.core.settings import Settings
from app.core.words import size_text
from app.images import media, service
from app.images.pages_batch import undo_url
from app.images.records import Image, Origin, Region, Standing
from app.images.tiles import list_sources, make_tile
from ml.decoder import Decoder


@dataclass(frozen=True, slots=True)
class Pictured:
    """One picture as its page shows it."""

    id: int
    filename: str
    caption: str
    more_captions: list[str]
    labels: list[str]
    split: str
    regions: list[Region]
    width: int
    height: int
    size_text: str
    format: str
    created_text: str
    original_url: str
    alt: str
    ratio_class: str
    trashed: bool
    owner_name: str

    def thumb(self, width: int) -> str:
        """The address of the thumbnail of this width."""
        return f"/images/{self.id}/thumbnails/{width}"

    @property
    def srcset(self) -> str:
        """The thumbnails that a browser may choose from: the large ones."""
        return list_sources(self.thumb, self.width, (512, 1024))


@dataclass(frozen=True, slots=True)
class Place:
    """A collection that the picture stands in."""

    name: str
    url: str
    visibility: Visibility


@dataclass(frozen=True, slots=True)
class PicturePage:
    image: Pictured
    collections: list[Place]
    can_edit: bool
    can_trash: bool
    prev_url: str | None
    next_url: str | None
    similar_url: str
    copies_url: str
    source: str | None
    origin: Origin | None
    trash_days: int


@get("/images/{image_id:int}")
async def show(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    settings: NamedDependency[Settings],
    image_id: FromPath[int],
) -> Template:
    """One picture with what is known of it."""
    picture = await service.show(db, viewer, image_id)
    image = picture.image
    context = PicturePage(
        image=_pictured(image, picture.regions),
        collections=[_place(one) for one in picture.standings],
        can_edit=picture.rights.can_edit,
        can_trash=picture.rights.can_trash,
        prev_url=f"/images/{picture.newer_id}" if picture.newer_id else None,
        next_url=f"/images/{picture.older_id}" if picture.older_id else None,
        similar_url=f"/images/{image.id}/similar",
        copies_url=f"/images/{image.id}/copies",
        source=image.source if image.owner_id == viewer.account_id and image.source != image.filename else None,
        origin=picture.origin,
        trash_days=settings.trash_days,
    )
    return render(request, "images/show.html", context, title=image.alt)


@post("/images/{image_id:int}")
async def describe(
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    image_id: FromPath[int],
    data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Redirect:
    """Change caption and labels (comma-separated)."""
    labels = data.get("labels", "").split(",")
    path = f"/images/{image_id}"
    undo_id = await service.describe(db, viewer, image_id, caption=data.get("caption", ""), labels=labels)
    return redirect(path, Notice("success", "Saved.", undo_url(undo_id, path)))


@post("/images/{image_id:int}/trash")
async def trash(db: NamedDependency[Database], viewer: NamedDependency[Viewer], image_id: FromPath[int]) -> Redirect:
    """Move a picture to the trash."""
    path = f"/images/{image_id}"
    undo_id = await service.trash(db, viewer, image_id)
    return redirect(path, Notice("success", "Moved to the trash.", undo_url(undo_id, path)))


@post("/images/{image_id:int}/restore")
async def restore(db: NamedDependency[Database], viewer: NamedDependency[Viewer], image_id: FromPath[int]) -> Redirect:
    """Take a picture out of the trash."""
    await service.restore(db, viewer, image_id)
    return redirect(f"/images/{image_id}", Notice("success", "Restored."))


@post("/images/{image_id:int}/purge")
async def purge(
    db: NamedDependency[Database],
    blobs: NamedDependency[BlobStore],
    viewer: NamedDependency[Viewer],
    image_id: FromPath[int],
    data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Redirect:
    """Erase a trashed picture for good."""
    if not data.get("confirm"):
        raise Invalid("tick the box to confirm: an erased picture cannot come back")
    await service.purge(db, blobs, viewer, image_id)
    return redirect("/trash", Notice("success", "Erased for good."))


@get("/images/{image_id:int}/thumbnails/{width:int}")
async def thumbnail(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    blobs: NamedDependency[BlobStore],
    viewer: NamedDependency[Viewer],
    image_id: FromPath[int],
    width: FromPath[int],
) -> Response[bytes]:
    """A thumbnail's bytes."""
    image = await service.get_bytes_of(db, viewer, image_id)
    return await media.send_thumbnail(request, blobs, image, width)


@get("/images/{image_id:int}/original")
async def original(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    blobs: NamedDependency[BlobStore],
    decoder: NamedDependency[Decoder],
    viewer: NamedDependency[Viewer],
    image_id: FromPath[int],
) -> Response[Any]:
    """The original's bytes."""
    image = await service.get_bytes_of(db, viewer, image_id)
    return await media.send_original(request, blobs, decoder, viewer, image)


def _pictured(image: Image, regions: list[Region]) -> Pictured:
    tile = make_tile(image)
    return Pictured(
        id=image.id,
        filename=image.filename,
        caption=image.caption,
        more_captions=image.more_captions,
        labels=image.labels,
        split=image.split,
        regions=regions,
        width=image.width,
        height=image.height,
        size_text=size_text(image.size_bytes),
        format=image.format,
        created_text=f"{image.created_at:%-d %B %Y}",
        original_url=f"/images/{image.id}/original",
        alt=tile.alt,
        ratio_class=tile.ratio_class,
        trashed=image.trashed_at is not None,
        owner_name=image.owner_name,
    )


def _place(standing: Standing) -> Place:
    return Place(standing.name, f"/collections/{standing.collection_id}", standing.visibility)


router = Router(
    "/",
    route_handlers=[show, describe, trash, restore, purge, thumbnail, original],
    include_in_schema=False,
)
