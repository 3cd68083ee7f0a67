"""Files come out as embeddings in order; a bad one costs itself; no more is held than is needed to keep ahead."""

import io
import itertools
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ml import images, pipeline
from ml.crop import Crop
from ml.decoder import Decoder, prepare
from ml.embedder import Embedder
from ml.models.baseline import Baseline
from ml.models.model import Preprocess
from ml.models.registry import BASELINE
from ml.pipeline import BATCHES, embed_files

Input = NDArray[np.generic]
BATCH = 3
AHEAD = max(BATCHES * BATCH, 4 * (os.cpu_count() or 1))


@dataclass(frozen=True)
class Whole:
    """A picture in its own shape."""

    def size(self, width: int, height: int) -> tuple[int, int]:
        return width, height

    def __call__(self, image: Image.Image) -> Input:
        return np.asarray(image)


class Colours(Baseline):
    """Embeds by mean colour, of which black has no direction; remembers the shapes of its batches."""

    dim = 3
    batch_size = BATCH

    def __init__(self) -> None:
        super().__init__(BASELINE)
        self.preprocess = Whole()
        self.batches: list[tuple[int, ...]] = []

    def forward(self, batch: Sequence[Input]) -> NDArray[np.float32]:
        stacked = np.stack(batch)  # refuses mixed shapes
        self.batches.append(stacked.shape[:2])  # how many, and how high
        return stacked.mean(axis=(1, 2), dtype=np.float32)


class InProcess(Decoder):
    """Decodes when it is asked to, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(1)
        self.futures: list[Future[Input]] = []

    def submit_prepare(self, data: bytes, preprocess: Preprocess, crop: Crop | None = None) -> Future[Input]:
        future: Future[Input] = Future()
        future.set_result(prepare(data, preprocess, crop))
        self.futures.append(future)
        return future


class NeverDone(InProcess):
    """Gives the first picture and lets the rest wait."""

    def submit_prepare(self, data: bytes, preprocess: Preprocess, crop: Crop | None = None) -> Future[Input]:
        if not self.futures:
            return super().submit_prepare(data, preprocess, crop)
        self.futures.append(Future())
        return self.futures[-1]


def png(colour: tuple[int, int, int], size: tuple[int, int] = (4, 3)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def endless(data: bytes, taken: list[int]) -> Iterator[tuple[int, bytes]]:
    for number in itertools.count():
        taken.append(number)
        yield number, data


def unit(colour: tuple[int, int, int]) -> NDArray[np.float32]:
    values = np.array(colour, np.float32)
    return np.asarray(values / np.linalg.norm(values), np.float32)


def test_paths_and_bytes_come_out_in_order(decoder: Decoder, tmp_path: Path) -> None:
    colours = [(number, 255 - number, 7) for number in range(30)]
    contents: list[Path | bytes] = []
    for number, colour in enumerate(colours):
        data = png(colour, (4 + number % 3, 3))
        file = tmp_path / f"{number}.png"
        file.write_bytes(data)
        contents.append(file if number % 2 else data)
    found = dict(embed_files(Embedder(Colours()), decoder, enumerate(contents)))
    assert list(found) == list(range(30))
    for number, colour in enumerate(colours):
        np.testing.assert_allclose(np.asarray(found[number]), unit(colour), rtol=1e-5)


def test_a_bad_picture_costs_itself_alone(decoder: Decoder, tmp_path: Path) -> None:
    files: dict[str, Path | bytes] = {
        "red": png((255, 0, 0)),
        "broken": png((255, 0, 0))[:50],
        "missing": tmp_path / "missing.png",
        "folder": tmp_path,
        "black": png((0, 0, 0)),
        "blue": png((0, 0, 255)),
        "empty": b"",
    }
    found = dict(embed_files(Embedder(Colours()), decoder, files.items()))
    reasons = {name: one for name, one in found.items() if isinstance(one, str)}
    assert reasons == {
        "broken": "the file is cut short",
        "missing": "cannot be read: No such file or directory",
        "folder": "cannot be read: Is a directory",
        "black": pipeline.NO_DIRECTION,
        "empty": "the file is empty",
    }
    np.testing.assert_array_equal(found["red"], unit((1, 0, 0)))
    np.testing.assert_array_equal(found["blue"], unit((0, 0, 1)))


def test_what_is_too_large_is_not_even_read(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    with film.open("wb") as file:
        file.truncate(images.LIMITS.max_bytes + 1)  # of holes: it takes no room
    with InProcess() as decoder:
        found = list(embed_files(Embedder(Colours()), decoder, [("film", film)]))
    assert found == [("film", "too large: 100 MiB; the limit is 100 MiB")]
    assert decoder.futures == []


@pytest.mark.parametrize("contents", [[], [b"", b"no picture"]])
def test_nothing_to_embed_is_no_error(decoder: Decoder, contents: list[bytes]) -> None:
    found = [one for _, one in embed_files(Embedder(Colours()), decoder, enumerate(contents))]
    assert len(found) == len(contents)
    assert all(isinstance(one, str) for one in found)


def test_inputs_of_one_shape_share_batches() -> None:
    model = Colours()
    shapes = [(4, 3), (3, 4)] * (BATCHES * BATCH)
    contents = [png((9, 9, 9), shape) for shape in shapes]
    with InProcess() as decoder:
        assert len(list(embed_files(Embedder(model, BATCH), decoder, enumerate(contents)))) == len(shapes)
    assert model.batches == [(BATCHES * BATCH // 2, 3), (BATCHES * BATCH // 2, 4)] * 2


def test_pictures_are_decoded_while_the_network_computes() -> None:
    submitted: list[int] = []

    class Watching(Colours):
        def forward(self, batch: Sequence[Input]) -> NDArray[np.float32]:
            submitted.append(len(decoder.futures))
            return super().forward(batch)

    with InProcess() as decoder:
        list(embed_files(Embedder(Watching(), BATCH), decoder, enumerate([png((1, 2, 3))] * 200)))
    assert submitted[0] == BATCHES * BATCH + AHEAD
    assert max(submitted) == 200


def test_no_more_is_taken_than_is_needed() -> None:
    taken: list[int] = []
    with InProcess() as decoder:
        found = embed_files(Embedder(Colours()), decoder, endless(png((1, 2, 3)), taken))
        for _ in range(1000):
            next(found)
    assert len(taken) <= 1000 + BATCHES * BATCH + AHEAD


def test_large_files_are_held_by_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    data = png((1, 2, 3))
    monkeypatch.setattr(pipeline, "AHEAD_BYTES", 4 * len(data))
    taken: list[int] = []
    with InProcess() as decoder:
        next(embed_files(Embedder(Colours()), decoder, endless(data, taken)))
    assert len(taken) == BATCHES * BATCH + 3  # the chunk that was computed, and with its last one four were held


def test_who_stops_early_leaves_nothing_under_way() -> None:
    with NeverDone() as decoder:
        found = pipeline._prepare_ahead(decoder, Whole(), enumerate([png((1, 2, 3))] * 9), ahead=5)
        next(found)
        found.close()
    assert [future.cancelled() for future in decoder.futures] == [False] + [True] * 5


def test_an_error_of_the_source_is_not_swallowed() -> None:
    def broken() -> Iterator[tuple[int, bytes]]:
        yield 0, png((1, 2, 3))
        raise OSError("the disk is gone")

    with InProcess() as decoder, pytest.raises(OSError, match="the disk is gone"):
        list(embed_files(Embedder(Colours()), decoder, broken()))
