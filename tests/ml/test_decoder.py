"""The pool of children: right results, and a crash, a hang or a flood of memory costs one picture."""

import ctypes
import gc
import hashlib
import io
import os
import signal
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import wait
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image

from ml import images, perceptual
from ml.decoder import Decoder
from ml.images import PictureRefused
from ml.models.baseline import BaselinePreprocess
from ml.models.model import Preprocess
from ml.models.preprocess import CentreCrop


def png(colour: str = "red", size: tuple[int, int] = (600, 300)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def distance(one: bytes, other: bytes) -> int:
    """How many bits differ."""
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


@dataclass(frozen=True)
class Behaviour:
    """A preprocessing that does what a bad decoder does, on red pictures only."""

    kind: str

    def size(self, width: int, height: int) -> tuple[int, int]:
        return width, height

    def __call__(self, image: Image.Image) -> NDArray[np.generic]:
        if image.getpixel((0, 0)) == (255, 0, 0):
            if self.kind == "crash":
                ctypes.string_at(0)
            if self.kind == "hang":
                time.sleep(60)
            if self.kind == "memory":
                np.ones(2**31, np.uint8)
        if self.kind == "modules":
            return np.array([name for name in ("torch", "transformers") if name in sys.modules])
        if self.kind == "pid":
            return np.array([os.getpid()])
        return np.asarray(image)


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder(1, timeout_s=4, memory_bytes=1024**3) as decoder:
        yield decoder


def test_inspect_gives_size_digest_and_thumbnails(decoder: Decoder) -> None:
    data = png()
    inspected = decoder.submit_inspect(data).result(timeout=30)
    assert (inspected.format, inspected.width, inspected.height) == ("PNG", 600, 300)
    assert inspected.digest == hashlib.sha256(data).digest()
    widths = {width: Image.open(io.BytesIO(webp)).width for width, webp in inspected.thumbnails.items()}
    assert widths == {256: 256, 512: 512, 1024: 600}


def test_inspect_gives_the_perceptual_hash_of_the_upright_picture(decoder: Decoder) -> None:
    small = Image.fromarray(np.random.default_rng(1).integers(0, 256, (6, 8, 3), dtype=np.uint8))
    picture = small.resize((1200, 900), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # lying in the file, upright when displayed
    picture.transpose(Image.Transpose.ROTATE_90).save(buffer, "JPEG", quality=30, exif=exif)
    found = decoder.submit_inspect(buffer.getvalue()).result(timeout=30).perceptual_hash
    assert distance(found, perceptual.hash_of(picture)) <= 16
    assert distance(found, decoder.submit_inspect(png()).result(timeout=30).perceptual_hash) > perceptual.COPY_DISTANCE


def test_prepare_gives_the_preprocessed_picture(decoder: Decoder) -> None:
    prepared = decoder.submit_prepare(png("blue", (4, 3)), Behaviour("none")).result(timeout=30)
    np.testing.assert_array_equal(prepared, np.full((3, 4, 3), (0, 0, 255), np.uint8))


@pytest.mark.parametrize("preprocess", [CentreCrop(), BaselinePreprocess()])
def test_the_models_own_preprocessing_runs_in_a_child(decoder: Decoder, preprocess: Preprocess) -> None:
    data = png("blue")
    prepared = decoder.submit_prepare(data, preprocess).result(timeout=30)
    np.testing.assert_array_equal(prepared, preprocess(images.load(data)))


def test_a_refusal_arrives_with_its_reason(decoder: Decoder) -> None:
    error = decoder.submit_inspect(b"").exception(timeout=30)
    assert isinstance(error, PictureRefused)
    assert error.reason == "the file is empty"


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("crash", "the decoder crashed on this picture"),
        ("hang", "took longer than 4 s to decode"),
        ("memory", "too large: decoding it needs more memory than is allowed"),
    ],
)
def test_a24_a_bad_picture_costs_itself_alone(decoder: Decoder, kind: str, reason: str) -> None:
    before = [decoder.submit_inspect(png("green")) for _ in range(2)]
    bad = decoder.submit_prepare(png("red"), Behaviour(kind))
    after = [decoder.submit_prepare(png("green", (4, 3)), Behaviour(kind)) for _ in range(2)]
    error = bad.exception(timeout=30)
    assert isinstance(error, PictureRefused)
    assert error.reason == reason
    assert all(future.result(timeout=30) is not None for future in [*before, *after])


def test_a_child_killed_between_two_pictures_is_replaced(decoder: Decoder) -> None:
    pid = int(decoder.submit_prepare(png("green"), Behaviour("pid")).result(timeout=30)[0])
    os.kill(pid, signal.SIGKILL)
    replaced = [decoder.submit_prepare(png("green"), Behaviour("pid")) for _ in range(3)]
    assert all(int(future.result(timeout=30)[0]) != pid for future in replaced)


def test_a_child_outlives_the_thread_that_asked_for_it() -> None:
    pids: list[int] = []
    with Decoder(1) as decoder:

        def ask() -> None:
            pids.append(int(decoder.submit_prepare(png("green"), Behaviour("pid")).result(timeout=30)[0]))

        for _ in range(2):
            thread = threading.Thread(target=ask)
            thread.start()
            thread.join()
    assert pids[0] == pids[1]


def test_children_do_not_import_torch(decoder: Decoder) -> None:
    assert decoder.submit_prepare(png("green"), Behaviour("modules")).result(timeout=30).tolist() == []


def test_what_is_done_is_not_kept(decoder: Decoder) -> None:
    gc.collect()
    gc.disable()  # pictures are large and few: a collection by number of objects comes much too late for them
    try:
        futures = [decoder.submit_prepare(png("green"), Behaviour("none")) for _ in range(9)]
        kept = [weakref.ref(future) for future in futures]
        wait(futures)
        del futures
        # The pool's threads hold their last picture until the next one comes.
        assert sum(future() is not None for future in kept) <= 2
    finally:
        gc.enable()


def test_close_cancels_what_waits_and_ends_the_children() -> None:
    decoder = Decoder(1)
    pid = int(decoder.submit_prepare(png("green"), Behaviour("pid")).result(timeout=30)[0])
    waiting = [decoder.submit_prepare(png("red"), Behaviour("hang")) for _ in range(3)]
    decoder.close()
    assert all(future.cancelled() for future in waiting)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(RuntimeError, match="closed"):
        decoder.submit_inspect(png())
