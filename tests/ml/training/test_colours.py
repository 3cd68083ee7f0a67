"""Each change of colour against its definition: Pillow's, colorsys' or scipy's."""

import colorsys
from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps
from scipy.ndimage import gaussian_filter
from torch import Tensor

from ml.training import colours


@pytest.fixture
def crops() -> Tensor:
    """Four crops of 20 x 24."""
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (4, 3, 20, 24))).float() / 255


def images(crops: Tensor) -> list[Image.Image]:
    return [Image.fromarray((crop.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)) for crop in crops]


def close(ours: Tensor, theirs: list[Image.Image]) -> None:
    expected = np.stack([np.asarray(image) for image in theirs]).transpose(0, 3, 1, 2)
    assert np.abs(ours.numpy() * 255 - expected).max() <= 1.5  # Pillow rounds to bytes in between


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (colours.brightness, ImageEnhance.Brightness),
        (colours.contrast, ImageEnhance.Contrast),
        (colours.saturation, ImageEnhance.Color),
    ],
)
def test_as_pillow_does_it(crops: Tensor, ours: Callable[[Tensor, Tensor], Tensor], theirs: type) -> None:
    factors = [0.6, 0.9, 1.2, 1.4]
    expected = [theirs(image).enhance(by) for image, by in zip(images(crops), factors, strict=True)]
    close(ours(crops, torch.tensor(factors)), expected)


def test_hue_as_colorsys_does_it(crops: Tensor) -> None:
    turns = [-0.1, 0.0, 0.03, 0.1]
    turned = colours.hue(crops, torch.tensor(turns))
    for crop, ours, turn in zip(crops, turned, turns, strict=True):
        for row, column in ((0, 0), (7, 3), (19, 23), (11, 17)):
            h, s, v = colorsys.rgb_to_hsv(*crop[:, row, column].tolist())
            expected = colorsys.hsv_to_rgb((h + turn) % 1, s, v)
            np.testing.assert_allclose(ours[:, row, column].numpy(), expected, atol=1e-5)


def test_grey_has_no_hue_to_turn() -> None:
    grey = torch.full((1, 3, 4, 4), 0.4)
    torch.testing.assert_close(colours.hue(grey, torch.tensor([0.3])), grey)


def test_blur_is_a_gaussian_of_each_crops_own(crops: Tensor) -> None:
    sigmas = [0.2, 0.7, 1.3, 2.0]
    blurred = colours.blur(crops, torch.tensor(sigmas))
    for crop, ours, sigma in zip(crops, blurred, sigmas, strict=True):
        expected = gaussian_filter(
            crop.numpy(), (0, sigma, sigma), mode="mirror", radius=(0, colours.BLUR_RADIUS, colours.BLUR_RADIUS)
        )
        np.testing.assert_allclose(ours.numpy(), expected, atol=2e-5)


def test_solarize_as_pillow_does_it(crops: Tensor) -> None:
    close(colours.solarize(crops), [ImageOps.solarize(image, 128) for image in images(crops)])


def test_every_crop_is_changed_by_its_own_draws() -> None:
    same = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0)).expand(64, -1, -1, -1)
    changed = colours.change(same, colours.LOCAL, 1.0, np.random.default_rng(0))
    assert len(torch.unique(changed.flatten(1), dim=0)) > 55
    assert 0 <= float(changed.min()) <= float(changed.max()) <= 1
    assert (same == same[0]).all()  # and what was given is left as it was


def test_the_same_draws_change_the_same(crops: Tensor) -> None:
    first, again, other = (
        colours.change(crops, colours.SECOND_GLOBAL, 1.0, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_as_often_as_the_paper_says() -> None:
    random = np.random.default_rng(0)
    many = torch.rand(2000, 3, 3, 3)
    grey = colours.change(many, colours.Changes(blur=0), 1.0, random)
    share = float((grey.amax(1) - grey.amin(1) < 1e-6).all(dim=(1, 2)).float().mean())
    assert abs(share - colours.GREY_SHARE) < 0.03
    solarized = colours.change(torch.ones(2000, 3, 3, 3), colours.Changes(blur=0, solarize=0.2), 1.0, random)
    assert abs(float((solarized.amax(dim=(1, 2, 3)) < 0.5).float().mean()) - 0.2) < 0.03
