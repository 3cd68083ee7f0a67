"""Answers with a picture's bytes; the caller has authorised them for this request."""

import asyncio
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from litestar import Request, Response
from litestar.datastructures import ETag
from litestar.response import File

from app.accounts.records import Viewer
from app.core.blobs import THUMBNAIL_WIDTHS, BlobStore
from app.core.errors import NotFound
from app.images.records import Image
from ml.decoder import Decoder
from ml.metadata import Bare

MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "BMP": "image/bmp",
    "TIFF": "image/tiff",
    "AVIF": "image/avif",
    "HEIF": "image/heif",
    "MPO": "image/jpeg",
    "JPEG2000": "image/jp2",
    "PPM": "image/x-portable-pixmap",
    "ICO": "image/vnd.microsoft.icon",
}
MEDIA_HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    # Private, and asked for again each time: rights may have changed since.
    "Cache-Control": "private, no-cache",
}


async def send_thumbnail(
    request: Request[Any, Any, Any], blobs: BlobStore, image: Image, width: int
) -> Response[bytes]:
    """The WebP thumbnail of one of the stored widths. Raises NotFound for any other."""
    if width not in THUMBNAIL_WIDTHS:
        raise NotFound(f"thumbnails are {', '.join(map(str, THUMBNAIL_WIDTHS))} pixels wide")
    etag = f'"{image.digest.hex()[:32]}-{width}"'
    headers = {**MEDIA_HEADERS, "ETag": etag}
    if etag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers=headers, media_type="image/webp")
    content = await asyncio.to_thread(blobs.read, blobs.thumbnail(image.digest, width))
    return Response(content, headers=headers, media_type="image/webp")


async def send_original(
    request: Request[Any, Any, Any], blobs: BlobStore, decoder: Decoder, viewer: Viewer, image: Image
) -> Response[Any]:
    """The file as it came, streamed, as an attachment under its own name; to others than its owner without metadata,
    unless the owner shares that.
    """
    if not _keeps_metadata(viewer, image):
        return await _send_bare(request, blobs, decoder, image)
    path = blobs.original(image.digest)
    media_type = MEDIA_TYPES.get(image.format, "application/octet-stream")
    etag = image.digest.hex()
    if f'"{etag}"' in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers={**MEDIA_HEADERS, "ETag": f'"{etag}"'}, media_type=media_type)
    if not await asyncio.to_thread(path.is_file):
        raise NotFound("the file of this picture is missing")
    return File(
        path,
        media_type=media_type,
        filename=image.filename,
        headers=MEDIA_HEADERS,
        etag=ETag(value=etag, weak=False),
    )


async def read_original(blobs: BlobStore, decoder: Decoder, viewer: Viewer, image: Image) -> tuple[str, bytes]:
    """Name and bytes of the file as this viewer may have it. Raises NotFound, and PictureRefused for one that cannot
    be rid of its metadata.
    """
    if not _keeps_metadata(viewer, image):
        name, bare = await _read_bare(blobs, decoder, image)
        return name, bare.data
    return image.filename, await asyncio.to_thread(blobs.read, blobs.original(image.digest))


def _keeps_metadata(viewer: Viewer, image: Image) -> bool:
    return image.owner_id == viewer.account_id or image.shares_metadata


async def _read_bare(blobs: BlobStore, decoder: Decoder, image: Image) -> tuple[str, Bare]:
    data = await asyncio.to_thread(blobs.read, blobs.original(image.digest))
    bare = await asyncio.wrap_future(decoder.submit_strip(data))
    name = image.filename if bare.format == image.format else f"{PurePath(image.filename).stem}.jpg"
    return name, bare


async def _send_bare(
    request: Request[Any, Any, Any], blobs: BlobStore, decoder: Decoder, image: Image
) -> Response[Any]:
    """The picture without its metadata; of a format that cannot be rid of it in place, as a JPEG."""
    etag = f'"{image.digest.hex()}-bare"'
    if etag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers={**MEDIA_HEADERS, "ETag": etag})
    name, bare = await _read_bare(blobs, decoder, image)
    headers = {"ETag": etag, "Content-Disposition": f"attachment; filename*=utf-8''{quote(name)}"}
    return Response(bare.data, headers=MEDIA_HEADERS | headers, media_type=MEDIA_TYPES[bare.format])
