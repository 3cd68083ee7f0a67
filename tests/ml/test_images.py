"""Decoding: what is taken, what is refused and in which words, and that pictures come out upright in sRGB."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

from ml import images
from ml.images import Limits, PictureRefused


def encode(image: Image.Image, format_: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def corners() -> Image.Image:
    """A picture whose four corners differ: red, green, blue, grey."""
    image = Image.new("RGB", (60, 40), "grey")
    image.paste("red", (0, 0, 30, 20))
    image.paste("lime", (30, 0, 60, 20))
    image.paste("blue", (0, 20, 30, 40))
    return image


def png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    # Pillow reads headers up to the pixels, so that their chunk has to begin.
    pixels = struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body)) + pixels


def refusal(data: bytes, limits: Limits = images.LIMITS) -> str:
    with pytest.raises(PictureRefused) as caught:
        images.load(data, limits=limits)
    return caught.value.reason


TURNED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,  # stored turned left, shown by turning right
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
@pytest.mark.parametrize("orientation", TURNED)
def test_every_orientation_comes_out_upright(format_: str, orientation: int) -> None:
    turn = TURNED[orientation]
    stored = corners() if turn is None else corners().transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, Any] = {"lossless": True} if format_ == "WEBP" else {}
    # HEIF and AVIF state it twice, as phones do: as a turn of their own, and in EXIF.
    decoded = images.decode(encode(stored, format_, exif=exif.tobytes(), **options))
    assert (decoded.width, decoded.height) == decoded.image.size == (60, 40)
    difference = np.asarray(decoded.image, int) - np.asarray(corners(), int)
    assert np.abs(difference[5:15, 5:25]).max() < 30  # the red corner, but for JPEG's losses
    assert np.abs(difference).mean() < 8


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_jpeg_is_reduced_to_no_less_than_twice_the_target(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(Image.effect_noise((1600, 1200), 40).convert("RGB"), "JPEG", exif=exif)
    displayed = (1600, 1200) if orientation == 1 else (1200, 1600)
    asked: list[tuple[int, int]] = []

    def small(width: int, height: int) -> tuple[int, int]:
        asked.append((width, height))
        return width // 10, height // 10

    assert max(images.load(data, resized_to=small).size) == 400
    assert asked == [displayed]
    assert max(images.load(data, resized_to=lambda _width, _height: (400, 400)).size) == 1600
    decoded = images.decode(data, at_least=lambda _width, _height: (400, 1))
    assert (decoded.width, decoded.height) == ((1600, 1200) if orientation == 1 else (1200, 1600))
    assert decoded.image.width >= 400


def test_sixteen_bit_grey_keeps_its_tones() -> None:
    tones = np.linspace(0, 65535, 256).astype(np.uint16)
    loaded = np.asarray(images.load(encode(Image.fromarray(np.tile(tones, (4, 1))))))
    np.testing.assert_allclose(loaded[0, :, 0], np.arange(256), atol=1)


def test_float_grey_is_stretched_over_its_own_range() -> None:
    values = np.tile(np.linspace(-3.0, 7.0, 50, dtype=np.float32), (4, 1))
    loaded = np.asarray(images.load(encode(Image.fromarray(values), "TIFF")))
    assert (loaded[0, 0, 0], loaded[0, -1, 0]) == (0, 255)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_is_flattened_on_white(mode: str) -> None:
    clear = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    clear.paste((0, 0, 0, 255), (0, 0, 4, 8))
    loaded = images.load(encode(clear.convert(mode)))
    assert loaded.mode == "RGB"
    assert loaded.getpixel((1, 1)) == (0, 0, 0)
    assert loaded.getpixel((6, 6)) == (255, 255, 255)


def test_the_first_frame_of_an_animation_is_taken() -> None:
    frames = [Image.new("RGB", (10, 10), colour) for colour in ("red", "lime", "blue")]
    data = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert images.load(data).getpixel((5, 5)) == (255, 0, 0)


def swapped_profile() -> bytes:
    """sRGB with red and green exchanged: a picture converted by it visibly changes its colour."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"tEMP", 1).replace(b"gXYZ", b"rXYZ", 1).replace(b"tEMP", b"gXYZ", 1)


def test_a_colour_profile_is_applied_and_a_broken_one_ignored() -> None:
    red = Image.new("RGB", (8, 8), (220, 30, 30))
    converted = images.load(encode(red, icc_profile=swapped_profile())).getpixel((0, 0))
    assert isinstance(converted, tuple)
    assert converted[1] > converted[0]
    broken = images.load(encode(red, icc_profile=b"no profile at all" * 20))
    assert broken.getpixel((0, 0)) == (220, 30, 30)


def test_cmyk_comes_out_in_its_colours() -> None:
    loaded = images.load(encode(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG")).getpixel((4, 4))
    assert isinstance(loaded, tuple)
    assert loaded[0] > 200 > 60 > max(loaded[1:])


def test_a23_a_bomb_is_refused_from_its_header() -> None:
    assert refusal(png_header(40_000, 40_000)) == "too large: 1,600 megapixels; the limit is 102 megapixels"
    assert refusal(png_header(10_200, 10_001)) == "too large: 102 megapixels; the limit is 102 megapixels"


def test_a_picture_inside_a_container_is_held_to_the_same_limit() -> None:
    inner = png_header(12_000, 12_000)
    entry = struct.pack("<BBBBHHII", 0, 0, 0, 0, 1, 32, len(inner), 22)
    assert refusal(struct.pack("<HHH", 0, 1, 1) + entry + inner).startswith("too large")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"just some text, named .jpg", "not a picture: the formats read are"),
        (b"<!DOCTYPE html><html></html>", "not a picture: it is a web page"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'></svg>", "not a picture: SVG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
        (b"%PDF-1.7\n", "not a picture: it is a PDF"),
        (b"PK\x03\x04", "not a picture: it is an archive"),
        (bytes([0, 0, 0, 24]) + b"ftypheic" + bytes(4) + b"mif1heic", "not a picture: the file is damaged"),
        (bytes([0, 0, 0, 24]) + b"ftypqt  " + bytes(4) + b"qt  qt  ", "not a picture: it is a film"),
        (b"\xff\xd8\xff\xe0", "not a picture: the beginning of the file is damaged"),
    ],
)
def test_what_is_no_picture_is_refused_in_plain_words(data: bytes, reason: str) -> None:
    assert refusal(data).startswith(reason)


@pytest.mark.parametrize("share", [0.5, 0.99])
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "PPM", "AVIF", "HEIF"])
def test_a_truncated_file_is_refused(format_: str, share: float) -> None:
    data = encode(Image.effect_noise((200, 200), 60).convert("RGB"), format_)
    assert refusal(data[: int(len(data) * share)]) == "the file is cut short"


@pytest.mark.parametrize("format_", ["WEBP", "JPEG2000"])
def test_a_truncated_file_whose_reader_cannot_tell_why_is_refused_too(format_: str) -> None:
    data = encode(Image.effect_noise((200, 200), 60).convert("RGB"), format_)
    assert refusal(data[: len(data) // 2]) == "the file is damaged: its pixels cannot be decoded"


def test_a_phones_heic_that_lacks_tiles_is_refused_and_what_is_appended_to_it_ignored() -> None:
    image = Image.effect_noise((300, 200), 60).convert("RGB")
    data = encode(image, "HEIF", tile_size=64)
    assert images.load(data).size == (300, 200)
    assert images.load(data + b"\0\0\0\x08free" + b"a film, and no box").size == (300, 200)
    assert refusal(data[:-20]) == "the file is cut short"


def test_a_png_damaged_late_keeps_what_was_read_and_one_damaged_early_is_refused() -> None:
    image = Image.effect_noise((200, 200), 60).convert("RGB")
    data = encode(image, compress_level=1)

    def damaged(share: float) -> bytes:
        place = int(len(data) * share)
        return data[:place] + b"\xff" * 400 + data[place + 400 :]

    assert refusal(damaged(0.2)) == "the file is damaged: its pixels cannot be decoded"
    kept = np.asarray(images.load(damaged(0.8)))
    np.testing.assert_array_equal(kept[:100], np.asarray(image)[:100])
    assert not kept[-1].any()


@pytest.mark.parametrize("missing", [1, 12, 13, 16])
def test_a_png_whose_pixels_are_complete_needs_no_end(missing: int) -> None:
    data = encode(corners())
    assert np.asarray(images.load(data[:-missing])).tolist() == np.asarray(corners()).tolist()


def test_every_picture_of_a_heic_but_the_primary_is_left_out() -> None:
    pictures = pillow_heif.from_pillow(Image.new("RGB", (40, 30), "red"))
    pictures.add_from_pillow(Image.new("RGB", (64, 20), "blue"))
    buffer = io.BytesIO()
    pictures.save(buffer, primary_index=1)
    decoded = images.decode(buffer.getvalue())
    assert decoded.image.size == (decoded.width, decoded.height) == (64, 20)
    assert decoded.image.getpixel((5, 5)) == (0, 0, 254)


@pytest.mark.parametrize("bits", [10, 12])
def test_a_heic_of_more_than_eight_bits_keeps_its_tones(bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pillow_heif.options.SAVE_HDR_TO_12_BIT", bits == 12)
    tones = np.tile(np.linspace(0, 65535, 256).astype(np.uint16)[:, None], (64, 1, 3)).reshape(64, 256, 3)
    buffer = io.BytesIO()
    pillow_heif.from_bytes("RGB;16", (256, 64), tones.tobytes()).save(buffer, quality=-1, chroma=444)
    with Image.open(io.BytesIO(buffer.getvalue())) as stored:
        assert stored.info["bit_depth"] == bits
    np.testing.assert_allclose(np.asarray(images.load(buffer.getvalue()))[0, :, 1], np.arange(256), atol=2)


def test_a23_a_heic_is_held_to_the_size_that_its_header_states() -> None:
    data = encode(Image.new("RGB", (64, 64)), "HEIF")
    stated = b"ispe" + bytes(4) + struct.pack(">II", 64, 64)
    assert data.count(stated) == 1
    vast = data.replace(stated, b"ispe" + bytes(4) + struct.pack(">II", 12_000, 12_000))
    assert refusal(vast) == "too large: 144 megapixels; the limit is 102 megapixels"
    assert images.read_header(data)[:3] == ("HEIF", 64, 64)


def test_limits_of_bytes_and_side() -> None:
    data = encode(corners())
    assert refusal(data, Limits(max_bytes=10)) == "too large: 0 MiB; the limit is 0 MiB"
    assert refusal(data, Limits(max_side=50)) == "too large: 60 x 40 pixels; the limit is 50 pixels a side"


def test_read_header_reads_the_header_only() -> None:
    assert images.read_header(png_header(7000, 9000)) == ("PNG", 7000, 9000, 1)


def test_a25_a_derivative_carries_no_metadata_and_is_never_enlarged() -> None:
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    original = encode(corners(), "JPEG", exif=exif, comment=b"secret", icc_profile=swapped_profile())
    derivative = images.encode_webp(images.load(original), 256)
    with Image.open(io.BytesIO(derivative)) as webp:
        assert (webp.format, webp.size) == ("WEBP", (60, 40))
        assert not webp.getexif()
        assert not {"exif", "icc_profile", "xmp", "comment"} & set(webp.info)


@pytest.mark.parametrize(("size", "expected"), [((4000, 3), (256, 1)), ((3, 40_000), (1, 16_383)), ((1, 1), (1, 1))])
def test_extreme_shapes_have_derivatives(size: tuple[int, int], expected: tuple[int, int]) -> None:
    with Image.open(io.BytesIO(images.encode_webp(Image.new("RGB", size), 256))) as webp:
        assert webp.size == expected
