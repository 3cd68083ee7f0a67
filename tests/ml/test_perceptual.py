"""The perceptual hash: copies lie close, other pictures far, and no picture is too odd for one."""

import csv
import json
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import imagehash
import pytest
from PIL import Image

from ml import images
from ml.decoder import inspect
from ml.perceptual import BITS, COPY_DISTANCE, SIDE, hash_of
from tests.factories import picture

# What these do moves the picture's parts, and a hash of the whole is not expected to survive it.
MOVING = ("hflip", "flip", "rotat", "crop", "letterboxed", "screenshot", "collage")


class Hashed(NamedTuple):
    """A picture's hash, the picture it is a copy of, and what was done to it."""

    bits: int
    group: str
    transform: str


def hashed(path: Path, group: str, transform: str) -> Hashed:
    return Hashed(int.from_bytes(inspect(path.read_bytes(), (256,)).perceptual_hash), group, transform)


def real_pictures(folder: Path) -> Iterator[Hashed]:
    """Copies under the name of their group; every other picture is a group of its own."""
    groups = json.loads((folder / "neardup" / "groups.json").read_text(encoding="utf-8"))["groups"]
    for group in groups:
        for file in group["files"]:
            name = group["group"] if group["kind"] == "copy" else file["file"]
            yield hashed(folder / "neardup" / file["file"], name, file["transform"])
    labelled = (folder / "labelled" / "labels.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(labelled.splitlines()):
        yield hashed(folder / row["file"], row["file"], "original")


def test_on_real_pictures_whole_copies_lie_within_the_distance_and_no_others(test_data: Path) -> None:
    copies: list[tuple[int, str]] = []
    false_pairs: list[tuple[int, str, str]] = []
    others = 0
    for one, other in combinations(real_pictures(test_data), 2):
        distance = (one.bits ^ other.bits).bit_count()
        if one.group != other.group:
            others += 1
            if distance <= COPY_DISTANCE:
                false_pairs.append((distance, one.group, other.group))
        elif one.transform.startswith("original") and not other.transform.startswith(MOVING):
            copies.append((distance, other.transform))
    assert (len(copies), others > 400_000) == (85, True)
    assert [copy for copy in copies if copy[0] > COPY_DISTANCE] == []
    assert false_pairs == []


def test_the_hash_is_the_librarys_and_half_of_its_bits_are_set() -> None:
    image = images.load(picture(1, (256, 170)))
    assert hash_of(image).hex() == str(imagehash.phash(image, hash_size=SIDE))
    assert int.from_bytes(hash_of(image)).bit_count() == BITS // 2


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 900), (900, 5), (1, 16_383), (256, 1)])
def test_a_picture_of_any_size_has_a_hash(size: tuple[int, int]) -> None:
    assert len(inspect(picture(1, size), (256, 1024)).perceptual_hash) == BITS // 8


@pytest.mark.parametrize("size", [(1, 1), (5, 900), (256, 170)])
def test_one_colour_gives_the_first_bit_alone_and_black_none(size: tuple[int, int]) -> None:
    colours = ["#010101", "#808080", "white", "red", "#0a0b0c"]
    assert {hash_of(Image.new("RGB", size, colour)).hex() for colour in colours} == {"80" + "00" * (BITS // 8 - 1)}
    assert hash_of(Image.new("RGB", size, "black")) == bytes(BITS // 8)
