"""Writes static/css/ratios.css: one class for each shape a tile of the grid can have."""

from pathlib import Path

from app.images.ratios import ratio_classes

STYLESHEET = Path(__file__).parent.parent / "static" / "css" / "ratios.css"


def render() -> str:
    """The stylesheet's text."""
    rules = (f".{name} {{ --r: {ratio:g}; }}\n" for name, ratio in ratio_classes().items())
    return (
        "/* Made by scripts/make_ratios_css.py: width / height of a picture, see app/images/ratios.py. */\n"
        + "".join(rules)
    )


if __name__ == "__main__":
    STYLESHEET.write_text(render(), encoding="utf-8")
    print(f"wrote {STYLESHEET}")
