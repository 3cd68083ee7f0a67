"""Answers with a picture's bytes; the caller has authorised them for this request."""

import asyncio
from typing import Any

from litestar import Request, Response
from litestar.datastructures import ETag
from litestar.response import File

from app.core.blobs import THUMBNAIL_WIDTHS, BlobStore
from app.core.errors import NotFound
from app.images.records import Image

MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "BMP": "image/bmp",
    "TIFF": "image/tiff",
    "AVIF": "image/avif",
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


async def send_original(request: Request[Any, Any, Any], blobs: BlobStore, image: Image) -> Response[Any]:
    """The file as it came, streamed, as an attachment under its own name."""
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
