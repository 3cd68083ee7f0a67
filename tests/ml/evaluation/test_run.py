"""An evaluation from pictures to a report, on small models and pictures made here."""

import json
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from ml.evaluation import record, report
from ml.evaluation.run import Asked, Evaluation, evaluate
from ml.evaluation.sets import EvaluationError
from ml.models.model import UnknownModel

COLOURS = {"red": (200, 30, 30), "blue & <green>": (30, 30, 200)}
VOID = {"meta", "link", "img"}

Ask = Callable[..., Asked]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve pictures of each colour, one that is broken; and four originals with two copies each."""
    folder, random = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (folder / "colours" / name).mkdir(parents=True)
        for number in range(12):
            pixels = np.clip(np.array(colour) + random.integers(-60, 60, (30, 40, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "colours" / name / f"{number}.png")
    (folder / "colours" / "red" / "broken.png").write_bytes(b"no picture")
    (folder / "copies").mkdir()
    groups: list[dict[str, Any]] = []
    for number in range(4):
        picture = Image.fromarray(random.integers(0, 256, (4, 6, 3), np.uint8)).resize((120, 80))
        files = {"original": picture, "crop_50pct": picture.crop((0, 0, 60, 80)), "scale": picture.resize((60, 40))}
        for how, one in files.items():
            one.save(folder / "copies" / f"{number}_{how}.png")
        named = [{"file": f"{number}_{how}.png", "transform": how} for how in files]
        groups.append({"kind": "copy", "files": named})
    (folder / "copies" / "groups.json").write_text(json.dumps({"groups": groups}))
    return folder


@pytest.fixture(scope="module")
def ask(pictures: Path, checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Ask:
    asked = Asked(
        (pictures / "colours", pictures / "copies"),
        ("baseline", str(checkpoint)),
        tmp_path_factory.mktemp("models"),
    )
    return lambda **changed: replace(asked, **changed)


@pytest.fixture(scope="module")
def evaluation(ask: Ask) -> Evaluation:
    return evaluate(ask())


def without_times(evaluation: Evaluation) -> dict[str, Any]:
    found = record.to_json(evaluation)
    for model in found["models"]:
        del model["pictures_per_s"]
    return {name: value for name, value in found.items() if name not in {"made", "seconds"}}


def test_every_model_is_asked_everything_that_fits(evaluation: Evaluation) -> None:
    colours, copies = evaluation.sets
    assert [outcome.model for outcome in colours.outcomes] == [card.name for card in evaluation.models]
    assert all(list(one.scores) == ["retrieval", "original", "knn", "clusters"] for one in colours.outcomes)
    assert all(list(one.scores) == ["copies"] for one in copies.outcomes)
    baseline = colours.outcomes[0]
    assert baseline.scores["retrieval"].measures["P@5"].value == pytest.approx(1)
    assert baseline.scores["knn"].measures["k=10"].value == pytest.approx(1)
    assert baseline.findings.confusion is not None
    assert baseline.findings.confusion.counts.tolist() == [[12, 0], [0, 12]]
    assert baseline.findings.map is not None
    assert len(baseline.findings.map.points) == 24
    assert copies.outcomes[0].scores["copies"].measures["rank 1"].queries == 8


def test_what_one_model_cannot_take_is_left_out_for_all(evaluation: Evaluation) -> None:
    colours = evaluation.sets[0].pictures
    assert len(colours.items) == 24
    assert [flaw.source for flaw in colours.left_out] == ["red/broken.png"]


def test_gains_are_over_the_first_model(evaluation: Evaluation) -> None:
    first, second = (outcome.scores["copies"].measures["MRR"] for outcome in evaluation.sets[1].outcomes)
    assert first.gain is None
    assert second.gain == pytest.approx(second.value - first.value)
    assert second.gain is not None
    assert second.gain_interval is not None
    assert second.gain_interval[0] <= second.gain <= second.gain_interval[1]


def test_the_same_seed_gives_the_same_figures(evaluation: Evaluation, ask: Ask) -> None:
    assert without_times(evaluate(ask())) == without_times(evaluation)


def test_progress_comes_to_its_end(ask: Ask, pictures: Path) -> None:
    told: list[tuple[str, int, int]] = []
    asked = ask(models=("baseline",), data=(pictures / "copies",))
    evaluate(asked, lambda *one: told.append(one))
    assert ("copies, baseline", 12, 12) in told
    assert told[-1] == ("copies: scoring", 1, 1)


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"models": ("baseline", "nope")}, UnknownModel, "no model named 'nope'"),
        ({"models": ("baseline", "baseline")}, EvaluationError, "named twice"),
        ({"protocols": ("copies",)}, EvaluationError, r"no groups\.json"),
        ({"protocols": ("knn",)}, EvaluationError, "ask for the protocol copies"),
    ],
)
def test_what_cannot_be_evaluated_is_told(
    ask: Ask, changed: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        evaluate(ask(**changed))


def test_without_labels_only_some_protocols_can_be_asked(ask: Ask, pictures: Path) -> None:
    asked = ask(data=(pictures / "colours" / "red",), models=("baseline",))
    with pytest.raises(EvaluationError, match="has no labels, which knn and retrieval need"):
        evaluate(asked)
    (found,) = evaluate(replace(asked, protocols=("original", "clusters"))).sets
    assert list(found.outcomes[0].scores["clusters"].measures) == ["silhouette"]


def test_a_folder_without_usable_pictures_is_told(ask: Ask, tmp_path: Path) -> None:
    for name in ("a/1.png", "b/1.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"no picture")
    with pytest.raises(EvaluationError, match="has 0 pictures that can be used: "):
        evaluate(ask(data=(tmp_path,), models=("baseline",)))


class Page(HTMLParser):
    """Checks that tags are closed in order, and collects what a page refers to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href"}]
        self.ids += [value or "" for name, value in attrs if name == "id"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_report_needs_nothing_beside_it(evaluation: Evaluation, tmp_path: Path) -> None:
    report.write(evaluation, tmp_path / "report")
    text = (tmp_path / "report" / "report.html").read_text()
    page = Page(text)
    assert page.open == []
    assert all(address.startswith("data:") or address.removeprefix("#") in page.ids for address in page.addresses)
    assert "url(" not in text
    assert "@import" not in text
    assert "<script" not in text
    assert "blue &amp; &lt;green&gt;" in text
    assert "<green>" not in text
    assert "Flattering, and not comparable with retrieval" in text
    figures = json.loads((tmp_path / "report" / "results.json").read_text())
    original = figures["sets"][0]["outcomes"][0]["protocols"]["original"]
    assert original["notes"][0].startswith("Flattering")
    assert figures["command"].startswith("likeness evaluate --data ")


def test_every_chart_has_a_title_its_data_and_a_file(evaluation: Evaluation, tmp_path: Path) -> None:
    report.write(evaluation, tmp_path)
    text = (tmp_path / "report.html").read_text()
    charts = sorted((tmp_path / "pictures").glob("*.svg"))
    assert text.count("<svg ") == len(charts) == text.count("<summary>Data</summary>")
    for chart in charts:
        root = ElementTree.parse(chart).getroot()  # noqa: S314  # made a moment ago
        assert root[0].tag.endswith("title")
        assert root[0].text
    kinds = {chart.stem.split("colours-baseline-")[-1] for chart in charts if "colours-baseline" in chart.stem}
    assert kinds == {"map-labels", "map-clusters", "classes-retrieval", "confusion"}  # all are right: no histogram
    with Image.open(next((tmp_path / "pictures").glob("*copies-baseline-best.png"))) as sheet:
        assert sheet.width > sheet.height > 100


def test_an_earlier_report_is_replaced_and_nothing_else(evaluation: Evaluation, tmp_path: Path) -> None:
    report.write(evaluation, tmp_path / "report")
    stale = tmp_path / "report" / "pictures" / "9-gone.svg"
    stale.touch()
    report.write(evaluation, tmp_path / "report")
    assert not stale.exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").touch()
    with pytest.raises(EvaluationError, match="holds other files"):
        report.write(evaluation, tmp_path / "mine")
    with pytest.raises(EvaluationError, match="is a file"):
        report.write(evaluation, tmp_path / "mine" / "letter.txt")
