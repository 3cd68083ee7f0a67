"""The real loading code on a small checkpoint: equal to transformers' own processor and network."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import Dinov2Model
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil

from ml.embedder import Embedder
from ml.models import dinov2
from ml.models.dinov2 import Dinov2
from ml.models.model import WrongCheckpoint
from ml.models.registry import load_model

SHAPES = [(64, 64), (200, 100), (99, 301), (640, 425), (31, 20), (1, 1), (5, 900)]


def pictures() -> list[Image.Image]:
    random = np.random.default_rng(0)
    coarse = [random.integers(0, 256, (6, 7, 3), np.uint8) for _ in SHAPES]
    return [
        Image.fromarray(pixels).resize(shape, Image.Resampling.BICUBIC)
        for pixels, shape in zip(coarse, SHAPES, strict=True)
    ]


def load(folder: Path) -> Dinov2:
    model = load_model(str(folder), cache_dir=folder / "unused")
    assert isinstance(model, Dinov2)
    return model


@pytest.fixture
def copy(checkpoint: Path, tmp_path: Path) -> Path:
    """The checkpoint, to be damaged."""
    return Path(shutil.copytree(checkpoint, tmp_path / "copy"))


def reference(folder: Path) -> np.ndarray:
    """What transformers' own processor and network give, normalised."""
    processor = BitImageProcessorPil.from_pretrained(folder)
    network = Dinov2Model.from_pretrained(folder).eval()
    rows: list[np.ndarray] = []
    for picture in pictures():
        pixels = processor(images=picture, return_tensors="pt")["pixel_values"]
        with torch.inference_mode():
            rows.append(network(pixel_values=pixels).last_hidden_state[0, 0].numpy())
    stacked = np.stack(rows)
    return stacked / np.linalg.norm(stacked, axis=1, keepdims=True)


@pytest.mark.parametrize("bfloat16", [False, True])
def test_embeddings_equal_the_reference(checkpoint: Path, monkeypatch: pytest.MonkeyPatch, bfloat16: bool) -> None:
    monkeypatch.setattr(dinov2, "_has_bfloat16", lambda: bfloat16)
    model = load(checkpoint)
    assert model.dtype == (torch.bfloat16 if bfloat16 else torch.float32)
    embeddings = Embedder(model, batch_size=3).embed([model.preprocess(picture) for picture in pictures()])
    assert embeddings.shape == (len(SHAPES), model.dim) == (len(SHAPES), 64)
    cosines = (embeddings * reference(checkpoint)).sum(axis=1)
    assert cosines.min() >= (0.999 if bfloat16 else 0.99999)


def test_a_network_that_strays_in_bfloat16_stays_in_float32(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exact = load(checkpoint)
    inputs = [exact.preprocess(picture) for picture in pictures()[:2]]
    monkeypatch.setattr(dinov2, "_has_bfloat16", lambda: False)
    exact = load(checkpoint)
    monkeypatch.setattr(dinov2, "_has_bfloat16", lambda: True)
    monkeypatch.setattr(dinov2, "MIN_COSINE", 1.1)
    strayed = load(checkpoint)
    assert strayed.dtype == torch.float32
    np.testing.assert_array_equal(strayed.forward(inputs), exact.forward(inputs))


def test_the_card_comes_from_the_files(checkpoint: Path) -> None:
    spec = load(checkpoint).spec
    assert (spec.name, spec.dim, spec.patch, spec.input_size, spec.pooling) == ("tiny", 64, 14, 56, "cls")
    assert spec.size_bytes == (checkpoint / "model.safetensors").stat().st_size


def test_identity_follows_weights_and_preprocessing(checkpoint: Path, copy: Path) -> None:
    before = load(checkpoint).identity
    assert load(copy).identity == before
    processor = copy / "preprocessor_config.json"
    stated = json.loads(processor.read_text())
    processor.write_text(json.dumps({**stated, "size": {"shortest_edge": 72}}))
    resized = load(copy).identity
    weights = bytearray((copy / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (copy / "model.safetensors").write_bytes(weights)
    assert len({before, resized, load(copy).identity}) == 3


def test_a_truncated_file_is_named(copy: Path) -> None:
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(WrongCheckpoint, match=r"model\.safetensors is damaged or cut short"):
        load(copy)


def test_another_architecture_is_named(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "model_type": "vit"}))
    with pytest.raises(WrongCheckpoint, match="holds a vit model"):
        load(copy)


def test_weights_of_another_shape_are_named(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}))
    with pytest.raises(WrongCheckpoint, match="lacks"):
        load(copy)
    (copy / "config.json").write_text(json.dumps({**config, "hidden_size": 32}))
    with pytest.raises(WrongCheckpoint):
        load(copy)


def test_a33_only_safetensors_are_read(copy: Path) -> None:
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(WrongCheckpoint, match=r"has no model\.safetensors"):
        load(copy)
