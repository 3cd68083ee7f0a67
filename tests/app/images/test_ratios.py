"""The grid's ratio classes, and the stylesheet made from them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.images.ratios import ratio_class, ratio_classes
from scripts.make_ratios_css import STYLESHEET, render


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (1000, 1000, "r-100"),
        (1500, 1000, "r-150"),
        (4000, 3000, "r-134"),
        (3000, 4000, "r-76"),
        (1, 4000, "r-40"),
        (40_000, 10, "r-400"),
    ],
)
def test_names_the_nearest_shape(width: int, height: int, expected: str) -> None:
    assert ratio_class(width, height) == expected


@given(width=st.integers(1, 100_000), height=st.integers(1, 100_000))
def test_every_picture_has_a_class_near_its_ratio(width: int, height: int) -> None:
    ratio = ratio_classes()[ratio_class(width, height)]
    assert abs(ratio - min(max(width / height, 0.4), 4.0)) <= 0.0101


def test_the_stylesheet_holds_every_class() -> None:
    assert STYLESHEET.read_text(encoding="utf-8") == render(), "run python -m scripts.make_ratios_css"
