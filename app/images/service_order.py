"""The orders of a list of pictures, and its cursors: keyset positions, which say all that the next page needs."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import get_args

from app.core.errors import Invalid
from app.images.records import Image, Mark, Order

MAX_NUMBER = 2**63 - 1
NAME_LENGTH = 200
"""As many characters of a file name as its index holds; what begins alike for so long stands by age."""


def check_order(text: str | None) -> Order:
    """The order of that name, the newest first without one. Raises Invalid."""
    for order in get_args(Order):
        if (text or "newest") == order:
            return order
    raise Invalid(f"order is one of {', '.join(get_args(Order))}")


def write_cursor(order: Order, image: Image) -> str:
    """The cursor of what stands behind this picture."""
    if order == "name":
        name = image.filename[:NAME_LENGTH].encode("utf-8", "surrogatepass")
        return f"{image.id}.{urlsafe_b64encode(name).decode().rstrip('=')}"
    if order == "largest":
        return f"{image.id}.{image.width * image.height}"
    return str(image.id)


def read_cursor(order: Order, text: str | None) -> Mark | None:
    """The place that a cursor of this order tells. Raises Invalid for any other text."""
    if not text:
        return None
    try:
        return _read(order, *text.split("."))
    except (ValueError, TypeError) as error:
        raise Invalid("cursor is the next_cursor of the page before, of the same order") from error


def _read(order: Order, image_id: str, key: str | None = None) -> Mark:
    if order in ("newest", "oldest") and key is not None:
        raise ValueError(key)
    if order == "name":
        name = urlsafe_b64decode((key or "") + "=" * (-len(key or "") % 4)).decode()
        return Mark(_number(image_id), name=name[:NAME_LENGTH].replace("\0", ""))
    return Mark(_number(image_id), pixels=_number(key or "") if order == "largest" else 0)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 19 or int(text) > MAX_NUMBER:
        raise ValueError(text)
    return int(text)
