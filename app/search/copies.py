"""Copies of one picture among results: the same bytes, or perceptual hashes within the distance of copies."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from app.search.records import Hit
from ml.perceptual import BITS, COPY_DISTANCE


def collapse(hits: Sequence[Hit], hashes: Mapping[int, bytes]) -> list[Hit]:
    """The hits, best first, each copy counted with the best of its kind and left out.

    `hashes` are perceptual hashes by picture. A picture that its hash cannot tell (of one colour) is a copy of its
    own bytes only.
    """
    kept: list[Hit] = []
    of_digest: dict[bytes, int] = {}
    rows = np.zeros((len(hits), BITS // 8), np.uint8)
    telling = np.zeros(len(hits), np.bool_)
    for hit in hits:
        place = len(kept)
        row = np.frombuffer(hashes.get(hit.image.id, b"\0" * (BITS // 8)), np.uint8)
        tells = int(np.bitwise_count(row).sum()) >= BITS // 2
        same = of_digest.get(hit.image.digest)
        if same is None and tells:
            distances = np.bitwise_count(rows[:place] ^ row).sum(axis=1)
            near = np.flatnonzero(telling[:place] & (distances <= COPY_DISTANCE))
            same = int(near[0]) if len(near) else None
        if same is None:
            rows[place], telling[place] = row, tells
            kept.append(hit)
        else:
            kept[same] = replace(kept[same], copies=kept[same].copies + 1)
        of_digest.setdefault(hit.image.digest, place if same is None else same)
    return kept
