"""The descriptor without a network: deterministic, steady under small changes, better than its floors."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from ml.datasets.folder import read_folder
from ml.datasets.items import Item
from ml.embedder import Embedder
from ml.evaluation.metrics import precision_at_k
from ml.models.baseline import Baseline
from ml.models.model import NoPatches
from ml.models.registry import BASELINE


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return Embedder(Baseline(BASELINE))


def blobs(seed: int, size: tuple[int, int] = (320, 240)) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), np.uint8)
    return Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)


def score(embedder: Embedder, first: Image.Image, second: Image.Image) -> float:
    preprocess = embedder.model.preprocess
    embeddings = embedder.embed([preprocess(first), preprocess(second)])
    return float(embeddings[0] @ embeddings[1])


def test_the_card_states_the_dimension(embedder: Embedder) -> None:
    assert embedder.model.preprocess(blobs(0)).shape == (BASELINE.dim,)


def test_identity_is_stable() -> None:
    assert Baseline(BASELINE).identity == Baseline(BASELINE).identity


def test_a_mirrored_copy_has_the_same_embedding(embedder: Embedder) -> None:
    assert score(embedder, blobs(1), ImageOps.mirror(blobs(1))) == pytest.approx(1, abs=5e-3)


@pytest.mark.parametrize("size", [(64, 48), (1200, 900)])
def test_a_resized_copy_scores_far_above_another_picture(embedder: Embedder, size: tuple[int, int]) -> None:
    copy = score(embedder, blobs(1), blobs(1).resize(size))
    assert copy > 0.95
    assert copy > score(embedder, blobs(1), blobs(2)) + 0.3


@pytest.mark.parametrize("colour", ["black", "#f4f4f4"])
def test_a_copy_in_a_frame_is_its_original(embedder: Embedder, colour: str) -> None:
    framed = Image.new("RGB", (480, 400), colour)
    framed.paste("#3c5aa0", (0, 0, 480, 24))  # a bar, as above a screenshot: a margin outside of another
    framed.paste(blobs(1), (70, 90))
    assert score(embedder, blobs(1), framed) > 0.9


def test_nearly_all_of_a_picture_is_never_a_margin(embedder: Embedder) -> None:
    dot = Image.new("RGB", (300, 300), "white")
    dot.paste("black", (145, 145, 155, 155))
    elsewhere = Image.new("RGB", (300, 300), "white")
    elsewhere.paste("black", (20, 20, 30, 30))
    assert score(embedder, dot, elsewhere) < 0.95


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_turned_copy_scores_above_most_other_pictures(embedder: Embedder, degrees: int) -> None:
    turned = blobs(1).rotate(degrees, expand=True)
    others = [score(embedder, turned, blobs(seed)) for seed in range(2, 12)]
    assert score(embedder, turned, blobs(1)) > np.median(others) + 0.15


def test_shape_counts_without_colour(embedder: Embedder) -> None:
    grey = blobs(1).convert("L").convert("RGB")
    assert score(embedder, blobs(1), grey) > score(embedder, blobs(2), grey) + 0.2


def test_colour_counts_without_shape(embedder: Embedder) -> None:
    red, wine, blue = (Image.new("RGB", (50, 50), colour) for colour in ("#c02020", "#b82424", "#2020c0"))
    assert score(embedder, red, wine) > score(embedder, red, blue)


@pytest.mark.parametrize("size", [(1, 1), (3, 2000), (5000, 4)])
def test_every_shape_has_an_embedding(embedder: Embedder, size: tuple[int, int]) -> None:
    assert score(embedder, Image.new("RGB", size), Image.new("RGB", size)) == pytest.approx(1, abs=1e-6)


def test_the_picture_has_no_parts(embedder: Embedder) -> None:
    with pytest.raises(NoPatches, match="choose a DINOv2 model"):
        embedder.patch_tokens([embedder.model.preprocess(blobs(1)).reshape(1, 1, -1)])


@pytest.mark.parametrize(("name", "floor"), [("caltech101", 0.42), ("clothing", 0.35)])
def test_precision_on_real_pictures(embedder: Embedder, test_data: Path, name: str, floor: float) -> None:
    folder = test_data / "labelled" / name
    items = [one for one in read_folder(folder, "folder").items if isinstance(one, Item)]
    embeddings = np.stack([embedder.embed_bytes((folder / item.source).read_bytes()) for item in items])
    assert precision_at_k(embeddings, [item.labels[0] for item in items], k=5).p_at_k >= floor
