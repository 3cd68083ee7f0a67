"""The real loading code on small checkpoints: equal to transformers' own processor and network."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from ml import images
from ml.embedder import Embedder
from ml.models.dinov2 import Dinov2
from ml.models.model import OutOfMemory, WrongCheckpoint
from ml.models.preprocess import CentreCrop, Fit, Tiles, Transform
from ml.models.registry import load_model
from tests.ml.checkpoints import KINDS, PATCH, POOLINGS, WIDTH, Reference, cosines, make_network, pictures, unit
from tests.ml.conftest import UseFormat

Array = NDArray[np.float32]
Compared = tuple[Path, dict[str, tuple[list[NDArray[np.uint8]], Array]]]

SAME_PIXELS = {"float32": 0.99999, "bfloat16": 0.9998}
SAME_FILE = {"float32": 0.9999, "bfloat16": 0.999}
"""Least cosines to transformers' embedding; of the same file, a JPEG's reduced decoding comes on top."""


def load(folder: Path, name: str = "") -> Dinov2:
    model = load_model(f"{folder}{name}", cache_dir=folder / "unused")
    assert isinstance(model, Dinov2)
    return model


def embed(model: Dinov2, shown: list[Image.Image], batch_size: int | None = None) -> Array:
    return Embedder(model, batch_size).embed([model.preprocess(picture) for picture in shown])


def fitted(picture: Image.Image) -> NDArray[np.uint8]:
    """The pixels that `fit` is to give, by another way."""
    size = Fit(PATCH, 56**2).size(*picture.size)
    return np.asarray(picture.resize(size, Image.Resampling.BICUBIC))


def expected(reference: Reference, picture: Image.Image, pooling: str, transform: str) -> Array:
    """What transformers gives for the same pixels."""
    if transform == "fit":
        return reference.embed_pixels(fitted(picture), pooling)
    if transform == "tiles":
        return unit(np.mean([reference.embed_pixels(window, pooling) for window in Tiles(56)(picture)], axis=0))
    return reference.embed(picture, pooling)


@pytest.mark.parametrize("number_format", SAME_PIXELS)
@pytest.mark.parametrize("transform", ["reference", "fit", "tiles"])
@pytest.mark.parametrize("kind", KINDS)
def test_embeddings_equal_transformers(
    networks: dict[str, Path], use_format: UseFormat, kind: str, transform: str, number_format: str
) -> None:
    use_format(number_format)
    reference = Reference(networks[kind])
    for pooling in POOLINGS:
        model = load(networks[kind], f":{pooling}:{transform}")
        assert model.runs_on == f"{number_format} on cpu"
        ours = embed(model, pictures(), batch_size=3)
        theirs = np.stack([expected(reference, picture, pooling, transform) for picture in pictures()])
        assert ours.shape == (len(pictures()), WIDTH * len(pooling.split("+")))
        assert ours.dtype == np.float32
        assert np.linalg.norm(ours, axis=1) == pytest.approx(1, abs=1e-6)
        assert cosines(ours, theirs).min() >= SAME_PIXELS[number_format]
        # Else equal embeddings would say nothing: no two pictures have nearly the same.
        assert (theirs @ theirs.T - 2 * np.eye(len(theirs))).max() < 0.99


@pytest.mark.parametrize("number_format", SAME_FILE)
@pytest.mark.parametrize("transform", ["reference", "fit", "tiles"])
def test_real_files_have_the_embeddings_that_transformers_gives(
    compared: Compared, use_format: UseFormat, transform: str, number_format: str
) -> None:
    use_format(number_format)
    folder, by_transform = compared
    inputs, theirs = by_transform[transform]
    ours = Embedder(load(folder, f":{transform}")).embed(inputs)
    assert cosines(ours, theirs).min() >= SAME_FILE[number_format]
    assert np.median(theirs @ theirs.T) < 0.9


def test_patch_tokens_equal_transformers(networks: dict[str, Path], use_format: UseFormat) -> None:
    use_format("float32")
    for kind, transform in itertools.product(KINDS, ("reference", "fit")):
        model, reference = load(networks[kind], f":{transform}"), Reference(networks[kind])
        inputs = [model.preprocess(picture) for picture in pictures()]
        for pixels, ours in zip(inputs, Embedder(model).patch_tokens(inputs), strict=True):
            assert ours.shape == (pixels.shape[0] // PATCH * (pixels.shape[1] // PATCH), WIDTH)
            assert cosines(ours, reference.patch_tokens(pixels)).min() >= 0.99999


def test_patch_tokens_of_windows_are_refused(checkpoint: Path) -> None:
    model = load(checkpoint, ":tiles")
    with pytest.raises(ValueError, match="use the transform reference or fit"):
        Embedder(model).patch_tokens([model.preprocess(pictures()[3])])


@pytest.mark.parametrize("number_format", SAME_PIXELS)
def test_the_same_picture_has_the_same_embedding(checkpoint: Path, use_format: UseFormat, number_format: str) -> None:
    use_format(number_format)
    model = load(checkpoint, ":cls+mean:fit")
    alone = np.concatenate([embed(model, [picture]) for picture in pictures()])
    np.testing.assert_array_equal(alone, np.concatenate([embed(model, [picture]) for picture in pictures()]))
    model.unload()
    np.testing.assert_array_equal(alone, np.concatenate([embed(model, [picture]) for picture in pictures()]))
    # Equal to the bit where this was written; another processor may sum a batch's products in another order.
    together = embed(model, pictures() * 2)
    np.testing.assert_array_equal(together, embed(model, pictures() * 2))
    closeness = {"float32": 1e-5, "bfloat16": 0.01}[number_format]
    np.testing.assert_allclose(together, np.concatenate([alone, alone]), atol=closeness)


def test_the_card_comes_from_the_files(networks: dict[str, Path]) -> None:
    spec = load(networks["registers"], ":cls+mean:tiles").spec
    assert (spec.name, spec.dim, spec.width, spec.patch) == ("registers:cls+mean:tiles", 2 * WIDTH, WIDTH, PATCH)
    assert (spec.input_size, spec.registers, spec.pooling, spec.transform) == (56, 3, "cls+mean", "tiles")
    assert spec.size_bytes == (networks["registers"] / "model.safetensors").stat().st_size


def test_memory_is_given_back_and_taken_again(checkpoint: Path) -> None:
    model = load(checkpoint)
    model.unload()
    model.unload()
    assert not model.is_loaded
    assert model.batch_size > 0
    assert model.is_loaded


def test_files_that_change_while_it_is_unloaded_are_not_mixed_in(copy: Path, tmp_path: Path) -> None:
    model = load(copy)
    before = embed(model, pictures()[:1])
    model.unload()
    make_network(copy, gain=0.6)
    with pytest.raises(WrongCheckpoint, match="the files of copy have changed"):
        embed(model, pictures()[:1])
    (copy / "model.safetensors").unlink()
    with pytest.raises(WrongCheckpoint, match=r"has no model\.safetensors"):
        embed(model, pictures()[:1])
    make_network(copy)
    np.testing.assert_array_equal(embed(model, pictures()[:1]), before)


def _out_of_memory() -> torch.Tensor:
    return torch.empty(2**56)


def _out_of_gpu_memory() -> torch.Tensor:
    raise torch.OutOfMemoryError("CUDA out of memory")


def _other() -> torch.Tensor:
    raise RuntimeError("a kernel failed")


@pytest.mark.parametrize(
    ("failure", "raised"), [(_out_of_memory, OutOfMemory), (_out_of_gpu_memory, OutOfMemory), (_other, RuntimeError)]
)
def test_a_batch_that_does_not_fit_is_told_apart(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch, failure: Callable[[], torch.Tensor], raised: type[Exception]
) -> None:
    model = load(checkpoint)
    running = model._loaded()
    monkeypatch.setattr(model, "_running", replace(running, encode=lambda _pixels: failure()))
    with pytest.raises(raised) as caught:
        model.forward([model.preprocess(pictures()[0])])
    assert caught.type is raised


@pytest.fixture(scope="module")
def compared(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Compared:
    """A network; by transform, real files as its inputs, decoded as the app does it, and transformers' embeddings.

    Photographs of 150 x 103 to 6000 x 4000 pixels, and small pictures of things. Transformers is shown all of a
    file's pixels.
    """
    folder = make_network(tmp_path_factory.mktemp("compared") / "net", crop=224)
    reference = Reference(folder)
    photos = [file for file in sorted((test_data / "photos").iterdir()) if file.suffix != ".csv"]
    things = sorted((test_data / "labelled").glob("*/*/*.jpg"))
    transforms = {"reference": CentreCrop(), "fit": Fit(PATCH, 224**2), "tiles": Tiles(224)}
    inputs: dict[str, list[NDArray[np.uint8]]] = {name: [] for name in transforms}
    theirs: dict[str, list[Array]] = {name: [] for name in transforms}
    for number, file in enumerate([*photos[1::2], *things[::60]]):
        data = file.read_bytes()
        whole = images.load(data)
        for name, transform in transforms.items():
            if name != "tiles" or number % 4 == 0:
                inputs[name].append(transform(images.load(data, resized_to=transform.size)))
                theirs[name].append(_shown(reference, whole, transform))
    return folder, {name: (inputs[name], np.stack(theirs[name])) for name in transforms}


def _shown(reference: Reference, picture: Image.Image, transform: Transform) -> Array:
    """Transformers' embedding of a whole picture."""
    if isinstance(transform, CentreCrop):
        return reference.embed(picture)
    pixels = transform(picture)
    windows = pixels if pixels.ndim == 4 else pixels[None]
    return unit(np.mean([reference.embed_pixels(window) for window in windows], axis=0))
