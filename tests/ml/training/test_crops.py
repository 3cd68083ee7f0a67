"""Crops: within the picture, of the areas and ratios that are asked for, and the same for the same seed."""

from dataclasses import replace

import numpy as np
from PIL import Image

from ml.training.config import TrainingConfig
from ml.training.crops import MultiCrop, in_patches, random_box

CROPS = MultiCrop((1, 2), 56, 28, 3, (0.4, 1.0), (0.05, 0.4))


def picture(width: int = 90, height: int = 60) -> Image.Image:
    """Red rises from left to right, green from top to bottom."""
    columns, rows = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([columns, rows, np.zeros_like(rows)], axis=2).astype(np.uint8))


def test_boxes_have_the_areas_and_ratios_asked_for() -> None:
    random = np.random.default_rng(0)
    boxes = np.array([random_box(400, 400, (0.25, 0.5), random) for _ in range(2000)])
    assert boxes.min() >= 0
    assert boxes.max() <= 400
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    areas, ratios = width * height / 400**2, width / height
    assert 0.24 < areas.min() < 0.26
    assert 0.49 < areas.max() < 0.51
    assert abs(areas.mean() - 0.375) < 0.01  # uniform
    assert 0.74 < ratios.min() < 0.76
    assert 1.32 < ratios.max() < 1.35
    assert abs(np.log(ratios).mean()) < 0.02  # as often upright as lying
    # Every place is as likely: the centres are spread evenly around the middle.
    assert abs((boxes[:, 0] + boxes[:, 2]).mean() / 2 - 200) < 5


def test_a_strip_gives_its_largest_centred_part() -> None:
    random = np.random.default_rng(0)
    assert random_box(900, 6, (0.9, 1.0), random) == (446, 0, 454, 6)
    assert random_box(1, 1, (0.05, 0.4), random) == (0, 0, 1, 1)


def test_all_crops_come_in_one_array_and_apart_again() -> None:
    large, small = CROPS.unpack(CROPS(picture()))
    assert large.shape == (2, 56, 56, 3)
    assert small.shape == (3, 28, 28, 3)
    # Each is a part of the picture: red still rises across, or falls where it is mirrored.
    across = large[:, :, -1, 0].astype(int).mean(axis=1) - large[:, :, 0, 0].astype(int).mean(axis=1)
    assert (abs(across) > 100).all()
    assert not (large[0] == large[1]).all()


def test_the_seed_alone_decides() -> None:
    assert (CROPS(picture()) == CROPS(picture())).all()
    assert not (CROPS(picture()) == replace(CROPS, seed=(1, 3))(picture())).all()


def test_half_of_the_crops_are_mirrored() -> None:
    mirrored = [
        view[:, 0, 0].astype(int).mean() > view[:, -1, 0].astype(int).mean()
        for seed in range(200)
        for view in CROPS.unpack(replace(CROPS, seed=(seed,))(picture()))[0]
    ]
    assert 0.43 < np.mean(mirrored) < 0.57


def test_small_parts_are_smaller_than_large_ones() -> None:
    spans = [
        [float(np.ptp(view[..., 1])) for view in views]
        for seed in range(50)
        for views in CROPS.unpack(replace(CROPS, seed=(seed,))(picture()))
    ]
    large, small = np.mean([s for s in spans if len(s) == 2]), np.mean([s for s in spans if len(s) == 3])
    assert small < 0.75 * large


def test_sizes_are_whole_patches() -> None:
    assert [in_patches(96, 14), in_patches(224, 14), in_patches(3, 14), in_patches(32, 8)] == [98, 224, 14, 32]
    assert MultiCrop.of(TrainingConfig(), 14, 5).local_size == 98


def test_a_picture_is_decoded_large_enough() -> None:
    assert CROPS.size(4000, 3000) == (118, 89)  # 56 / sqrt(0.4)
    assert CROPS.size(90, 60)[1] == 89
