"""The reference transform, number for number."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil

from ml import images
from ml.models.model import WrongCheckpoint
from ml.models.preprocess import CentreCrop, read_preprocess


@pytest.mark.parametrize("size", [(256, 256), (640, 425), (425, 640), (301, 299), (30, 40), (1200, 257)])
def test_pixels_equal_the_processors(size: tuple[int, int]) -> None:
    random = np.random.default_rng(sum(size))
    picture = Image.fromarray(random.integers(0, 256, (9, 8, 3), np.uint8)).resize(size)
    processor = BitImageProcessorPil(
        size={"shortest_edge": 256},
        crop_size={"height": 224, "width": 224},
        image_mean=list(CentreCrop().mean),
        image_std=list(CentreCrop().std),
        do_convert_rgb=True,
        resample=3,
    )
    expected = np.asarray(processor(images=picture, return_tensors="np")["pixel_values"])[0]
    ours = CentreCrop()(picture)
    assert ours.shape == (3, 224, 224)
    assert ours.dtype == np.float32
    assert np.abs(ours - expected).max() < 0.05  # one part in 255, normalised: 0.017
    assert np.abs(ours - expected).mean() < 0.002


def test_a_jpeg_decoded_for_it_gives_nearly_the_same_pixels() -> None:
    buffer = io.BytesIO()
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (30, 40, 3), np.uint8)
    Image.fromarray(pixels).resize((2800, 2100), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=95)
    preprocess = CentreCrop()
    whole = preprocess(images.load(buffer.getvalue()))
    reduced = preprocess(images.load(buffer.getvalue(), target=preprocess.target))
    assert 0 < np.abs(whole - reduced).mean() < 0.01  # 0.6 of 255


def test_it_is_read_from_the_checkpoint(checkpoint: Path, tmp_path: Path) -> None:
    assert read_preprocess(checkpoint) == CentreCrop(resize=64, crop=56)
    assert read_preprocess(tmp_path) == CentreCrop()


@pytest.mark.parametrize(
    "stated",
    ["no json", "[]", "{}", json.dumps({"size": {"shortest_edge": 56}, "crop_size": {"height": 64},
     "image_mean": [0], "image_std": [1]})],
)  # fmt: skip
def test_a_configuration_that_does_not_fit_is_named(tmp_path: Path, stated: str) -> None:
    (tmp_path / "preprocessor_config.json").write_text(stated)
    with pytest.raises(WrongCheckpoint, match=r"preprocessor_config\.json"):
        read_preprocess(tmp_path)
