"""Whatever mode and colour space a picture is stored in, to RGB in sRGB."""

from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms


def to_srgb(picture: Image.Image) -> Image.Image:
    """Mode RGB in sRGB, on white, without metadata."""
    profile = picture.info.get("icc_profile")
    if picture.mode.startswith("I") or picture.mode == "F":
        picture = _scaled_grey(picture)
    if picture.has_transparency_data:
        picture = _flattened(picture)
    elif picture.mode not in {"RGB", "L", "CMYK"}:
        picture = picture.convert("RGB")
    converted = _converted(picture, profile) if profile else None
    rgb = converted or picture.convert("RGB")
    rgb.info = {}
    return rgb


def _flattened(picture: Image.Image) -> Image.Image:
    rgba = picture.convert("RGBA")
    flat = Image.new("RGB", rgba.size, "white")
    flat.paste(rgba, mask=rgba.getchannel("A"))
    return flat


def _scaled_grey(picture: Image.Image) -> Image.Image:
    """Greyscale of more than 8 bits as 8 bits: Pillow's own conversion clips it to white."""
    values = np.asarray(picture)
    if picture.mode.startswith("I;16"):
        grey = (values >> 8).astype(np.uint8)
        clear = picture.info.get("transparency")
        if isinstance(clear, int):
            grey[values == clear] = 255
        return Image.fromarray(grey)
    # 32-bit integers and floats state no white: their own range is taken for it.
    finite = np.nan_to_num(values.astype(np.float32))
    low, high = float(finite.min()), float(finite.max())
    return Image.fromarray(((finite - low) * (255 / max(high - low, 1e-12))).astype(np.uint8))


_SPACES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}


def _converted(picture: Image.Image, profile: bytes) -> Image.Image | None:
    """The picture in sRGB, or None where its colour profile is broken or of another kind of colour."""
    try:
        transform = _transform(profile, picture.mode)
        return ImageCms.applyTransform(picture, transform) if transform else None
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


@lru_cache(maxsize=16)  # cameras repeat their profile; building a transform takes milliseconds
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    stated = ImageCms.core.profile_frombytes(profile)
    if _SPACES.get(stated.xcolor_space.strip()) != mode:
        return None
    source = ImageCms.ImageCmsProfile(stated)
    return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
