"""What a data set says of a picture, as it may be stored: cut to length, without control characters."""

from app.images import service as images
from app.images.records import Description, NewImage, Region
from ml.datasets.items import Item
from ml.decoder import Inspected

CAPTIONS = 20
SOURCE_LENGTH = 1000
SPLIT_LENGTH = 64


def clean_filename(name: str) -> str:
    """A file's own name without its folders and control characters; it is data, never a path."""
    name = _plain(name.replace("\\", "/").rsplit("/", 1)[-1])
    return name[-255:] or "picture"


def clean_labels(item: Item) -> list[str]:
    """The labels of an item and of its boxes, each once: trimmed, cut to what a label may be, at most so many."""
    given = (*item.labels, *(box.label for box in item.boxes))
    return list(dict.fromkeys(label for one in given if (label := _label(one))))[: images.MAX_LABELS]


def describe(item: Item) -> Description:
    """What the data set says of a picture."""
    captions = [text for one in item.captions if (text := _line(one)[: images.CAPTION_LENGTH])]
    labels = clean_labels(item)
    regions = [
        Region(_label(box.label), box.x, box.y, box.width, box.height)
        for box in item.boxes
        if _label(box.label) in labels
    ]
    return Description(tuple(captions[:CAPTIONS]), tuple(labels), tuple(regions), _plain(item.split)[:SPLIT_LENGTH])


def new_image(item: Item, inspected: Inspected, size_bytes: int) -> NewImage:
    """A decoded picture on its way in."""
    return NewImage(
        digest=inspected.digest,
        perceptual_hash=inspected.perceptual_hash,
        filename=clean_filename(item.name),
        source=_plain(item.source)[-SOURCE_LENGTH:],
        description=describe(item),
        format=inspected.format,
        width=inspected.width,
        height=inspected.height,
        size_bytes=size_bytes,
    )


def _label(text: str) -> str:
    return _line(text)[: images.LABEL_LENGTH].strip()


def _line(text: str) -> str:
    return _plain(" ".join(text.split()))


def _plain(text: str) -> str:
    return "".join(character for character in text if character.isprintable()).strip()
