"""A report of pictures whose names and labels are markup: they are words in it, and nothing else."""

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from ml.datasets.items import Item
from ml.evaluation import report
from ml.evaluation.copies import Copied
from ml.evaluation.run import Asked, evaluate
from ml.evaluation.sets import PictureSet

HOSTILE = "<script>alert(1)</script>\"'&"
ATTRIBUTE = '"><img src=x onerror=alert(1)>'
NAME = "</style></title><script>alert('2')</script>"
PER_LABEL = 6


class Page(HTMLParser):
    """Which elements and attributes a page has, and its words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: dict[str, set[str]] = {}
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, set()).add(value or "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture(scope="module", params=[True, False], ids=["labels", "copies"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of pictures with hostile labels, or of copies of a hostile kind, shown by their file names."""
    source, random = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    items: list[Item] = []
    for label, colour in ((HOSTILE, (200, 30, 30)), (ATTRIBUTE, (30, 30, 200))):
        for number in range(PER_LABEL):
            file = source / f"{len(items)}.png"
            pixels = np.clip(np.array(colour) + random.integers(-60, 60, (30, 40, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(file)
            items.append(Item(f"{NAME}{number}.png", f"{ATTRIBUTE}{number}", file, (label,)))
    broken = source / "broken.png"
    broken.write_bytes(b"no picture")
    items.append(Item(f"{NAME}.png", f"{HOSTILE}.png", broken, (HOSTILE,)))
    copied = None
    if not request.param:
        items = [replace(item, labels=()) for item in items]
        copied = Copied(np.array([1, 2, 7]), np.array([0, 0, 6]), (HOSTILE, ATTRIBUTE, NAME))
    pictures = PictureSet(HOSTILE, source, NAME, tuple(items), copied=copied)
    out = tmp_path_factory.mktemp("report")
    report.write(evaluate(Asked([source / ATTRIBUTE], ("baseline",), source), given=[pictures]), out)
    return out


def test_names_and_labels_are_words_in_a_report(folder: Path) -> None:
    text = (folder / report.REPORT).read_text(encoding="utf-8")
    page = Page(text)
    assert "script" not in page.elements
    assert not any(name.startswith("on") for name in page.attributes)
    assert all(value.startswith("data:") for value in page.attributes["src"])
    assert "<script" not in text
    assert "<img src=x" not in text
    words = " ".join(page.words)
    for one in (HOSTILE, ATTRIBUTE, NAME):
        assert one in words
    assert any(HOSTILE in value for value in page.attributes["aria-label"]), "the set's name is in its charts' titles"
    assert any(one in value for one in (HOSTILE, NAME) for value in page.attributes["alt"]), "as each picture is named"


def test_names_and_labels_are_words_in_each_chart(folder: Path) -> None:
    charts = list((folder / report.PICTURES).glob("*.svg"))
    assert charts
    for chart in charts:
        elements = {element.tag.rpartition("}")[2] for element in ElementTree.parse(chart).iter()}  # noqa: S314  # just made
        assert elements <= {"svg", "title", "style", "text", "rect", "path", "circle"}, chart.name
