"""Embeddings come out normalised and in order, whatever the shapes and the batches; bad ones take none along."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.decoder import Decoder
from ml.embedder import Embedder, NoDirection
from ml.images import PictureRefused
from ml.models.registry import load_model
from tests.ml.checkpoints import pictures
from tests.ml.watched import Array, Input, Watched, expected, filled


def test_order_is_kept_over_mixed_shapes_and_batches() -> None:
    model = Watched()
    shapes = [(8, 8), (8, 16), (4, 4), (8, 8), (16, 8)]
    prepared = [filled(100 * value, *shapes[value % 5]) for value in range(1, 24)]
    embeddings = Embedder(model, batch_size=3).embed(prepared)
    np.testing.assert_allclose(embeddings, expected(prepared), rtol=1e-5)
    assert embeddings.dtype == np.float32
    # Nine of the usual size by three, nine of twice its pixels singly, five of a quarter at once.
    assert sorted(model.batches) == [*[1] * 9, 3, 3, 3, 5]
    assert Embedder(model).embed([]).shape == (0, 2)


@pytest.mark.parametrize(
    ("shape", "batches"),
    [((8, 8), [8, 8, 4]), ((8, 16), [4] * 5), ((16, 16), [2] * 10), ((4, 8), [16, 4]), ((40, 40), [1] * 20)],
)
def test_larger_inputs_go_in_smaller_batches(shape: tuple[int, int], batches: list[int]) -> None:
    model = Watched()
    Embedder(model).embed([filled(1, *shape)] * 20)
    assert model.batches == batches


def test_a_descriptor_counts_as_a_picture_of_the_usual_size(tmp_path: Path) -> None:
    model = load_model("baseline", cache_dir=tmp_path)
    descriptors = [model.preprocess(picture) for picture in pictures()]
    np.testing.assert_allclose(
        Embedder(model, 3).embed(descriptors), Embedder(model, 100).embed(descriptors), atol=1e-6
    )


def test_windows_are_their_pictures_mean() -> None:
    model = Watched()
    one, two, three = filled(90), filled(400), filled(0)
    embeddings = Embedder(model, batch_size=2).embed([np.stack([one, two]), three, np.stack([two])])
    mean = expected([one, two]).mean(axis=0)
    np.testing.assert_allclose(embeddings[0], mean / np.linalg.norm(mean), rtol=1e-5)
    np.testing.assert_allclose(embeddings[1:], expected([three, two]), rtol=1e-5)
    assert model.batches == [2, 2]


def test_patches_are_normalised_each() -> None:
    tokens = Embedder(Watched()).patch_tokens([np.full((2, 3, 3), 2.0), np.zeros((1, 1, 3))])
    assert [one.shape for one in tokens] == [(6, 2), (1, 2)]
    np.testing.assert_allclose(tokens[0], 0.5**0.5, rtol=1e-6)
    assert np.isnan(tokens[1]).all()


# Bad pictures.


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_an_embedding_without_direction_does_not_take_the_others_along(bad: float) -> None:
    prepared = [filled(1), filled(2), filled(bad), filled(4), filled(bad, 4, 4)]
    with pytest.raises(NoDirection, match="position 2 is zero or not finite") as caught:
        Embedder(Watched(), batch_size=2).embed(prepared)
    assert caught.value.positions == [2, 4]
    good = [0, 1, 3]
    np.testing.assert_allclose(caught.value.embeddings[good], expected([prepared[i] for i in good]), rtol=1e-5)


def test_a_zero_embedding_has_no_direction() -> None:
    class Zero(Watched):
        def forward(self, batch: Sequence[Input]) -> Array:
            return np.zeros((len(batch), 2), np.float32)

    with pytest.raises(NoDirection) as caught:
        Embedder(Zero()).embed([filled(1), np.stack([filled(1)] * 2)])
    assert caught.value.positions == [0, 1]


def test_a_window_without_direction_says_nothing() -> None:
    windows = np.stack([filled(5), filled(np.nan)])
    np.testing.assert_allclose(Embedder(Watched()).embed([windows]), expected([filled(5)]), rtol=1e-5)


def test_one_undecodable_file_costs_itself_alone(checkpoint: Path, decoder: Decoder) -> None:
    model = load_model(f"{checkpoint}:fit", cache_dir=checkpoint)
    files = [encoded(picture) for picture in pictures()]
    files[2] = files[2][:60]
    futures = [decoder.submit_prepare(data, model.preprocess) for data in files]
    refused = [position for position, future in enumerate(futures) if future.exception(timeout=30)]
    assert refused == [2]
    assert isinstance(futures[2].exception(), PictureRefused)
    del futures[2], files[2]
    embedder = Embedder(model)
    embeddings = embedder.embed([future.result() for future in futures])
    singly = np.stack([embedder.embed_bytes(data) for data in files])
    assert (embeddings * singly).sum(axis=1).min() > 0.999


def encoded(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def test_the_same_bytes_score_one(tmp_path: Path) -> None:
    data = encoded(Image.effect_noise((300, 200), 80).convert("RGB"))
    embedder = Embedder(load_model("baseline", cache_dir=tmp_path))
    first, second = (embedder.embed_bytes(data) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first @ second == pytest.approx(1, abs=1e-6)
