"""A picture without what its file tells beside it: the same pixels, upright, and no place, time or words."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms, PngImagePlugin

from ml import images
from ml.images import PictureRefused
from ml.metadata import strip
from tests.factories import picture

SECRETS = (b"Ada", b"GPS", b"51.5", b"secret", b"<x:xmpmeta", b"Canon")
IN_PLACE = ("JPEG", "PNG", "WEBP")


def told(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Artist] = "Ada"
    exif[ExifTags.Base.Make] = "Canon"
    exif[ExifTags.IFD.GPSInfo] = {1: "N", 2: (51.5, 30.0, 0.0), 3: "W", 4: (0.1, 7.0, 0.0)}
    return exif


def written(kind: str, orientation: int = 1) -> bytes:
    """A drawn picture with all that its format can tell."""
    image = Image.open(io.BytesIO(picture(1, (96, 64))))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    buffer = io.BytesIO()
    options: dict[str, object] = {"exif": told(orientation).tobytes(), "icc_profile": profile}
    if kind == "JPEG":
        options |= {"comment": b"secret", "xmp": b"<x:xmpmeta>51.5</x:xmpmeta>", "progressive": True}
    if kind == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_text("Author", "Ada")
        info.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta>secret</x:xmpmeta>", zip=False)
        options["pnginfo"] = info
    if kind == "WEBP":
        options |= {"xmp": b"<x:xmpmeta>51.5</x:xmpmeta>", "lossless": True}
    if kind in {"HEIF", "TIFF"}:
        options.pop("icc_profile")
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(images.load(data)).astype(int)


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("kind", [*IN_PLACE, "TIFF", "HEIF", "AVIF"])
def test_a26_nothing_is_told_and_the_picture_is_the_same(kind: str, orientation: int) -> None:
    data = written(kind, orientation)
    bare = strip(data)
    assert any(secret in data for secret in SECRETS)
    assert not any(secret in bare.data for secret in SECRETS)
    assert bare.format == (kind if kind in IN_PLACE else "JPEG")
    if kind in IN_PLACE:
        assert (pixels(bare.data) == pixels(data)).all()
        assert b"ICC" in bare.data or b"iCCP" in bare.data, "colours are read as before"
    else:
        assert np.abs(pixels(bare.data) - pixels(data)).mean() < 3
    exif = Image.open(io.BytesIO(bare.data)).getexif()
    assert set(exif) <= {ExifTags.Base.Orientation}
    assert strip(bare.data) == bare


def test_a_second_picture_behind_the_first_goes_with_its_place() -> None:
    data = written("JPEG")
    bare = strip(data + written("JPEG", 3))
    assert bare == strip(data)


@pytest.mark.parametrize("kind", ["GIF", "BMP", "PPM"])
def test_what_tells_nothing_stays_as_it_is(kind: str) -> None:
    data = picture(1, (40, 30), kind)
    assert strip(data) == (data, kind)


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(PictureRefused):
        strip(b"no picture")


@pytest.mark.parametrize("folder", ["exif_orientation", "metadata", "modes", "modern"])
def test_real_files_keep_their_pixels(test_data: Path, folder: str) -> None:
    compared = 0
    for path in sorted((test_data / "awkward" / folder).iterdir()):
        data = path.read_bytes()
        try:
            before = pixels(data)
        except PictureRefused:
            continue
        bare = strip(data)
        after = pixels(bare.data)
        assert after.shape == before.shape, path.name
        close = 0.01 if bare.format == images.read_header(data).format else 6
        assert np.abs(after - before).mean() < close, path.name
        compared += 1
    assert compared > 5
