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
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image

from ml import decoder as decoding
from ml import images, perceptual
from ml.crop import Crop
from ml.datasets.items import Pixels
from ml.decoder import Decoder, digest_of
from ml.decoder_pool import DecoderPool
from ml.images import PictureRefused
from ml.models.baseline import BaselinePreprocess
from ml.models.model import Preprocess
from ml.models.preprocess import CentreCrop


def png(colour: str = "red", size: tuple[int, int] = (600, 300)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def pixels(seed: int, height: int = 32, width: int = 32) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def behave(kind: str, folder: Path) -> str:
    """Stands for a decoder; notes each call in the folder."""
    with (folder / kind).open("a") as file:
        file.write("called\n")
    if kind == "crash" or (kind == "crash once" and calls(kind, folder) == 1):
        os.abort()
    if kind == "hang":
        time.sleep(60)
    if kind == "memory":
        np.ones(2**31, np.uint8)
    if kind == "refuse":
        raise PictureRefused("it is ugly")
    if kind == "fail":
        raise ZeroDivisionError
    return kind


def calls(kind: str, folder: Path) -> int:
    return (folder / kind).read_text().count("called")


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


def test_bare_pixels_become_a_file(decoder: Decoder) -> None:
    given = pixels(1, 30, 40)
    inspected = decoder.submit_inspect(given).result(timeout=30)
    assert (inspected.format, inspected.width, inspected.height) == ("PNG", 40, 30)
    assert inspected.digest == digest_of(given) == hashlib.sha256(b"30x40\n" + given.tobytes()).digest()
    assert inspected.original is not None
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(inspected.original))), given)
    of_file = decoder.submit_inspect(inspected.original).result(timeout=30)
    assert of_file.original is None
    assert of_file.digest == digest_of(inspected.original)
    assert (of_file.perceptual_hash, of_file.thumbnails) == (inspected.perceptual_hash, inspected.thumbnails)


def test_pixels_of_another_shape_are_another_picture() -> None:
    flat = np.zeros((12, 3), np.uint8)
    digests = {digest_of(flat.reshape(shape)) for shape in ((3, 4, 3), (4, 3, 3), (2, 6, 3), (12, 1, 3))}
    assert len(digests) == 4
    whole = pixels(2)
    assert digest_of(whole[:, ::2]) == digest_of(np.ascontiguousarray(whole[:, ::2]))


def test_too_many_pixels_are_refused_as_pixels_too(decoder: Decoder) -> None:
    # One byte in memory, stretched over every pixel, and not pickled: a child's own work, in this process.
    vast = np.broadcast_to(np.zeros((1, 1, 1), np.uint8), (20_000, 20_000, 3))
    with pytest.raises(PictureRefused, match="400 megapixels; the limit is 102 megapixels"):
        decoding.inspect(vast, (256,))


def test_many_are_given_in_order_however_they_are_bundled(decoder: Decoder) -> None:
    contents = [*(pixels(seed) for seed in range(40)), png("blue"), b"no picture", pixels(40, 400, 400), png("red")]
    futures = decoder.submit_inspect_many(contents, (256,))
    assert isinstance(futures[41].exception(timeout=30), PictureRefused)
    digests = [future.result(timeout=30).digest for future in futures if future is not futures[41]]
    assert digests == [digest_of(content) for content in contents if content is not contents[41]]


def test_prepare_gives_the_preprocessed_picture(decoder: Decoder) -> None:
    prepared = decoder.submit_prepare(png("blue", (4, 3)), Behaviour("none")).result(timeout=30)
    np.testing.assert_array_equal(prepared, np.full((3, 4, 3), (0, 0, 255), np.uint8))


@pytest.mark.parametrize("preprocess", [CentreCrop(), BaselinePreprocess()])
def test_the_models_own_preprocessing_runs_in_a_child(decoder: Decoder, preprocess: Preprocess) -> None:
    data = png("blue")
    prepared = decoder.submit_prepare(data, preprocess).result(timeout=30)
    np.testing.assert_array_equal(prepared, preprocess(images.load(data)))


def test_a30_a_part_is_cut_out_in_the_child(decoder: Decoder) -> None:
    data = png("blue", (40, 30))
    prepared = decoder.submit_prepare(data, Behaviour("none"), Crop(0.5, 0, 2, 1)).result(timeout=30)
    np.testing.assert_array_equal(prepared, np.full((30, 20, 3), (0, 0, 255), np.uint8))
    too_small = decoder.submit_prepare(data, Behaviour("none"), Crop(0, 0, 0.1, 1)).exception(timeout=30)
    assert isinstance(too_small, PictureRefused)


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


@pytest.fixture(scope="module")
def pool() -> Iterator[DecoderPool]:
    pool = DecoderPool(1, timeout_s=2, memory_bytes=1024**3, niceness=0)
    yield pool
    pool.close()


@pytest.mark.parametrize(
    ("kind", "reason", "attempts"),
    [
        ("crash", "the decoder crashed on this picture", 2),
        ("hang", "took longer than 2 s to decode", 1),
        ("memory", "too large: decoding it needs more memory than is allowed", 1),
        ("refuse", "it is ugly", 1),
    ],
)
def test_b9_a_picture_that_kills_children_is_tried_twice(
    pool: DecoderPool, tmp_path: Path, kind: str, reason: str, attempts: int
) -> None:
    error = pool.submit(behave, [(kind, tmp_path)])[0].exception(timeout=30)
    assert isinstance(error, PictureRefused)
    assert error.reason == reason
    assert calls(kind, tmp_path) == attempts


def test_a_child_that_dies_once_costs_nothing(pool: DecoderPool, tmp_path: Path) -> None:
    assert pool.submit(behave, [("crash once", tmp_path)])[0].result(timeout=30) == "crash once"


@pytest.mark.parametrize(
    ("kind", "raised", "attempts"),
    # With its neighbours, then by itself; what is refused in plain words is not asked again.
    [
        ("crash", PictureRefused, 2),
        ("hang", PictureRefused, 2),
        ("memory", PictureRefused, 2),
        ("refuse", PictureRefused, 1),
        ("fail", ZeroDivisionError, 2),
    ],
)
def test_of_several_at_once_the_bad_one_costs_itself_alone(
    pool: DecoderPool, tmp_path: Path, kind: str, raised: type[Exception], attempts: int
) -> None:
    futures = pool.submit(behave, [(one, tmp_path) for one in ("a", "b", kind, "c")])
    wait(futures, timeout=30)
    assert [future.result() for future in futures if future is not futures[2]] == ["a", "b", "c"]
    assert type(futures[2].exception()) is raised
    assert calls(kind, tmp_path) == attempts


def test_one_of_several_may_be_cancelled(pool: DecoderPool, tmp_path: Path) -> None:
    before = pool.submit(behave, [("hang", tmp_path)])
    futures = pool.submit(behave, [(one, tmp_path) for one in ("a", "b", "c")])
    assert futures[1].cancel()
    assert (futures[0].result(timeout=30), futures[2].result(timeout=30)) == ("a", "c")
    assert before[0].done()


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
