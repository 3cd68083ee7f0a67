"""Copies of one picture among results: the same bytes, or perceptual hashes within the distance of copies."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from app.search.records import Hit
from ml.perceptual import BITS, COPY_DISTANCE, telling


def list_near(perceptual_hash: bytes | None, hashes: Mapping[int, bytes]) -> list[int]:
    """The pictures of `hashes` that are copies of the one with `perceptual_hash`; none where a hash cannot tell."""
    if perceptual_hash is None or not hashes:
        return []
    row = np.frombuffer(perceptual_hash, np.uint8)
    rows = np.stack([np.frombuffer(one, np.uint8) for one in hashes.values()])
    near = telling(rows) & (np.bitwise_count(rows ^ row).sum(axis=1) <= COPY_DISTANCE)
    return [image_id for image_id, is_near in zip(hashes, near, strict=True) if is_near and _tells(row)]


def _tells(row: NDArray[np.uint8]) -> bool:
    """Whether a picture can be told by its hash."""
    return bool(telling(row[np.newaxis])[0])


def collapse(hits: Sequence[Hit], hashes: Mapping[int, bytes]) -> list[Hit]:
    """The hits, best first, each copy counted with the best of its kind and left out.

    `hashes` are perceptual hashes by picture. A picture that its hash cannot tell (of one colour) is a copy of its
    own bytes only.
    """
    kept: list[Hit] = []
    of_digest: dict[bytes, int] = {}
    rows = np.zeros((len(hits), BITS // 8), np.uint8)
    told = np.zeros(len(hits), np.bool_)
    for hit in hits:
        place = len(kept)
        row = np.frombuffer(hashes.get(hit.image.id, b"\0" * (BITS // 8)), np.uint8)
        tells = _tells(row)
        same = of_digest.get(hit.image.digest)
        if same is None and tells:
            distances = np.bitwise_count(rows[:place] ^ row).sum(axis=1)
            near = np.flatnonzero(told[:place] & (distances <= COPY_DISTANCE))
            same = int(near[0]) if len(near) else None
        if same is None:
            rows[place], told[place] = row, tells
            kept.append(hit)
        else:
            kept[same] = replace(kept[same], copies=kept[same].copies + 1)
        of_digest.setdefault(hit.image.digest, place if same is None else same)
    return kept
