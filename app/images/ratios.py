"""The shape of a picture in the justified grid: a class instead of an inline style."""

STEP = 2
"""Hundredths between two classes: a thumbnail loses at most 2.5% of its longer side to the rounding."""

NARROWEST = 40
WIDEST = 400
"""Hundredths. Outside 0.4 to 4 a picture would be a sliver, or fill a row alone: its tile crops it."""


def ratio_class(width: int, height: int) -> str:
    """Name the CSS class for a picture's shape.

    Args:
        width, height: pixels of the upright picture, both above 0.

    Returns:
        "r-NN", NN being 100 x width / height, held within [40, 400] and rounded to the nearest even number.
    """
    hundredths = min(max(100 * width / height, NARROWEST), WIDEST)
    return f"r-{STEP * round(hundredths / STEP)}"


def ratio_classes() -> dict[str, float]:
    """Every class that `ratio_class` can return, and the ratio it stands for, from narrow to wide."""
    return {f"r-{hundredths}": hundredths / 100 for hundredths in range(NARROWEST, WIDEST + STEP, STEP)}
