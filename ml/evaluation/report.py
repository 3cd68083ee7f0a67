"""An evaluation as a folder: `report.html`, which needs nothing beside it, `results.json`, and all charts as files."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import jinja2

from ml.evaluation import charts, drawings, record
from ml.evaluation.drawings import Drawing
from ml.evaluation.results import Strip
from ml.evaluation.run import Evaluation, Outcome, SetOutcomes
from ml.evaluation.sets import EvaluationError, PictureSet
from ml.evaluation.thumbnails import Thumbnails

REPORT, RESULTS, PICTURES = "report.html", "results.json", "pictures"
HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture in a strip, as the page shows it; `right` is None for the query."""

    uri: str
    label: str
    told: str
    right: bool | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """The best or the worst queries: a heading, what is to be known, and the strips, the query first in each."""

    heading: str
    words: str
    strips: Sequence[Sequence[Shown]]


@dataclass(frozen=True, slots=True)
class ModelPart:
    """What is shown of one model on one set."""

    model: str
    drawings: Sequence[Drawing]
    sheets: Sequence[Sheet]


@dataclass(frozen=True, slots=True)
class SetPart:
    """What is shown of one set: its models beside each other, then each."""

    pictures: PictureSet
    anchor: str
    tables: Sequence[drawings.Table]
    drawings: Sequence[Drawing]
    models: Sequence[ModelPart]


def check(folder: Path) -> None:
    """Raises EvaluationError for a folder that holds something else than an earlier report."""
    if folder.exists() and not folder.is_dir():
        raise EvaluationError(f"{folder} is a file: name a folder for the report")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / RESULTS).is_file():
        raise EvaluationError(f"{folder} holds other files: name a new folder for the report")


def write(evaluation: Evaluation, folder: Path) -> None:
    """Writes the report; one that is there already is replaced. Raises EvaluationError, OSError."""
    check(folder)
    pictures = folder / PICTURES
    pictures.mkdir(parents=True, exist_ok=True)
    for old in (*pictures.glob("*.svg"), *pictures.glob("*.png")):
        old.unlink()
    made = datetime.now(UTC)
    several = len(evaluation.models) > 1
    parts = [_set_part(one, number, pictures, several=several) for number, one in enumerate(evaluation.sets, 1)]
    page = _template().render(
        evaluation=evaluation,
        parts=parts,
        made=made,
        command=record.command(evaluation.asked),
        css=(HERE / "report.css").read_text(encoding="utf-8") + charts.RULES,
    )
    (folder / REPORT).write_text(page, encoding="utf-8")
    # Last: where it is, the report is whole.
    text = json.dumps(record.to_json(evaluation, made), indent=1, ensure_ascii=False)
    (folder / RESULTS).write_text(text + "\n", encoding="utf-8")


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    return environment.get_template("report.html")


def _set_part(one: SetOutcomes, number: int, folder: Path, *, several: bool) -> SetPart:
    thumbnails = Thumbnails(one.pictures.items)
    anchor = f"{number}-{_file_name(one.pictures.name)}"
    compared = list(drawings.of_set(one))
    _save(compared, folder, anchor)
    models: list[ModelPart] = []
    for outcome in one.outcomes:
        of_model = list(drawings.of_model(outcome))
        _save(of_model, folder, f"{anchor}-{_file_name(outcome.model)}")
        sheets = list(_sheets(outcome, one.pictures, thumbnails, folder, f"{anchor}-{_file_name(outcome.model)}"))
        models.append(ModelPart(outcome.model, of_model, sheets))
    return SetPart(one.pictures, anchor, list(drawings.tables(one, several=several)), compared, models)


def _save(made: Iterable[Drawing], folder: Path, prefix: str) -> None:
    for drawing in made:
        (folder / f"{prefix}-{drawing.name}.svg").write_text(charts.standalone(drawing.svg), encoding="utf-8")


def _sheets(
    outcome: Outcome, pictures: PictureSet, thumbnails: Thumbnails, folder: Path, prefix: str
) -> Iterator[Sheet]:
    found = outcome.findings
    copied = pictures.copied is not None
    told = {
        "best": "Found, though the least like their original" if copied else f"Best queries by {found.measure}",
        "worst": "Copies whose original was not found first" if copied else f"Worst queries by {found.measure}",
    }
    for name, strips in (("best", found.best), ("worst", found.worst)):
        if strips:
            thumbnails.sheet(strips).save(folder / f"{prefix}-{name}.png")
            shown = [_strip(strip, found.measure, pictures, thumbnails) for strip in strips]
            yield Sheet(told[name], "The query, then what it found, the nearest first.", shown)


def _strip(strip: Strip, measure: str, pictures: PictureSet, thumbnails: Thumbnails) -> list[Shown]:
    def label(row: int) -> str:
        item = pictures.items[row]
        return ", ".join(item.labels[:3]) or item.name

    query = Shown(thumbnails.uri(strip.query), label(strip.query), f"{measure} {strip.value:.2f}")
    found = [Shown(thumbnails.uri(one.row), label(one.row), f"{one.score:.3f}", one.right) for one in strip.results]
    return [query, *found]


def _file_name(words: str) -> str:
    """What may stand in a file's name, and as an anchor."""
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:60] or "set"
