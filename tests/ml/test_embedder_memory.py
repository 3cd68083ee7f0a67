"""Memory: batches that do not fit are halved, what is idle is given back, and one batch runs at a time."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ml import embedder as module
from ml.embedder import Embedder
from ml.models.dinov2 import Dinov2
from ml.models.model import OutOfMemory
from ml.models.registry import load_model
from tests.ml.checkpoints import pictures
from tests.ml.watched import USUAL, Array, Input, Watched, expected, filled


def test_a_batch_that_does_not_fit_is_halved_and_that_is_remembered() -> None:
    model = Watched(room=3 * USUAL**2)
    embedder = Embedder(model)
    prepared = [filled(value) for value in range(1, 11)]
    np.testing.assert_allclose(embedder.embed(prepared), expected(prepared), rtol=1e-5)
    assert model.batches == [8, 4, 2, 2, 2, 2, 2]
    model.batches.clear()
    embedder.embed([*prepared[:3], *[filled(1, 4, 4)] * 9, filled(1, 8, 16)])
    assert model.batches == [2, 1, 8, 1, 1]


def test_smaller_pictures_that_do_not_fit_are_halved_too() -> None:
    model = Watched(room=USUAL**2)
    embedder = Embedder(model)
    prepared = [filled(value, 4, 4) for value in range(1, 41)]
    np.testing.assert_allclose(embedder.embed(prepared), expected(prepared), rtol=1e-5)
    assert model.batches == [32, 16, 8, *[4] * 10]
    model.batches.clear()
    embedder.embed([filled(1)] * 2)
    assert model.batches == [1, 1]


def test_a_short_batch_that_does_not_fit_is_halved_from_its_own_size() -> None:
    model = Watched(room=USUAL**2)
    Embedder(model, batch_size=64).embed([filled(1)] * 3)
    assert model.batches == [3, 1, 1, 1]


def test_a_single_picture_that_does_not_fit_is_told() -> None:
    model = Watched(room=USUAL**2)
    embedder = Embedder(model, batch_size=1)
    with pytest.raises(OutOfMemory):
        embedder.embed([filled(1, 16, 16)])
    np.testing.assert_allclose(embedder.embed([filled(1)]), expected([filled(1)]), rtol=1e-5)
    assert model.batches == [1, 1]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The embedder's time, `now` in seconds."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def test_memory_is_given_back_after_a_while(clock: SimpleNamespace) -> None:
    model = Watched()
    embedder = Embedder(model)
    clock.now += 50
    embedder.embed([filled(1)])
    clock.now += 59
    assert embedder.idle_s == 59
    assert not embedder.unload_if_idle(60)
    clock.now += 1
    assert embedder.unload_if_idle(60)
    assert model.unloads == 1


def test_a_network_comes_back_by_itself(checkpoint: Path) -> None:
    model = load_model(str(checkpoint), cache_dir=checkpoint)
    assert isinstance(model, Dinov2)
    embedder = Embedder(model)
    inputs = [model.preprocess(picture) for picture in pictures()]
    before = embedder.embed(inputs)
    assert embedder.unload_if_idle(0)
    assert not model.is_loaded
    np.testing.assert_array_equal(embedder.embed(inputs), before)
    assert model.is_loaded


class Slow(Watched):
    """Is in its batch until `go` is set; counts how many are in one at once."""

    def __init__(self) -> None:
        super().__init__()
        self.started, self.go = threading.Event(), threading.Event()
        self.inside = self.most = 0

    def forward(self, batch: Sequence[Input]) -> Array:
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.started.set()
        self.go.wait(10)
        self.inside -= 1
        return super().forward(batch)


def run(*functions: Callable[[], object]) -> list[threading.Thread]:
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    return threads


def test_memory_is_never_given_back_while_a_batch_runs() -> None:
    model = Slow()
    embedder = Embedder(model)
    (thread,) = run(lambda: embedder.embed([filled(1)]))
    assert model.started.wait(10)
    assert embedder.idle_s == 0
    assert not embedder.unload_if_idle(0)
    model.go.set()
    thread.join()
    assert model.unloads == 0
    assert embedder.unload_if_idle(0)


def test_one_batch_runs_at_a_time() -> None:
    model = Slow()
    embedder = Embedder(model)
    threads = run(*[lambda: embedder.embed([filled(1)] * 3)] * 5)
    assert model.started.wait(10)
    model.go.wait(0.05)  # time enough for the others to come in, if they could
    model.go.set()
    for thread in threads:
        thread.join()
    assert model.most == 1
    assert len(model.batches) == 5
