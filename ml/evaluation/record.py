"""An evaluation as JSON: every figure, with what it takes to make it again."""

import shlex
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from ml.evaluation.results import Findings, Measure, Scores, Strip
from ml.evaluation.run import Asked, Evaluation, Outcome, SetOutcomes
from ml.evaluation.sets import PictureSet

FORMAT = 1


def to_json(evaluation: Evaluation, made: datetime | None = None) -> dict[str, Any]:
    """What `results.json` holds. Shares are between 0 and 1, rounded to six places."""
    return {
        "format": FORMAT,
        "made": (made or datetime.now(UTC)).isoformat(timespec="seconds"),
        "command": command(evaluation.asked),
        "settings": {
            "data": [str(path) for path in evaluation.asked.data],
            "models": list(evaluation.asked.models),
            "protocols": list(evaluation.asked.protocols),
            "limit": evaluation.asked.limit,
            "seed": evaluation.asked.seed,
        },
        "seconds": round(evaluation.seconds, 1),
        "models": [{**asdict(card), "pictures_per_s": round(card.pictures_per_s, 1)} for card in evaluation.models],
        "sets": [_of_set(one) for one in evaluation.sets],
    }


def command(asked: Asked) -> str:
    """What to type to have it again; empty where the pictures came from a program, not from paths."""
    if not all(path.exists() for path in asked.data):
        return ""
    words = ["likeness", "evaluate"]
    for path in asked.data:
        words += ["--data", str(path)]
    words += ["--models", ",".join(asked.models), "--protocols", ",".join(asked.protocols)]
    words += ["--limit", str(asked.limit)] if asked.limit is not None else []
    return shlex.join([*words, "--seed", str(asked.seed), "--output", "FOLDER"])


def _of_set(one: SetOutcomes) -> dict[str, Any]:
    pictures = one.pictures
    return {
        "name": pictures.name,
        "path": str(pictures.path),
        "about": pictures.about,
        "kind": "copies" if pictures.copied is not None else "labelled" if pictures.labelled else "unlabelled",
        "pictures": len(pictures.items),
        "left_out": [asdict(flaw) for flaw in pictures.left_out],
        "outcomes": [_of_outcome(outcome, pictures) for outcome in one.outcomes],
    }


def _of_outcome(outcome: Outcome, pictures: PictureSet) -> dict[str, Any]:
    return {
        "model": outcome.model,
        "protocols": {name: _of_scores(scores) for name, scores in outcome.scores.items()},
        **_of_findings(outcome.findings, pictures),
    }


def _of_scores(scores: Scores) -> dict[str, Any]:
    return {
        "measures": {name: _of_measure(one) for name, one in scores.measures.items()},
        "classes": {name: {key: _rounded(one) for key, one in by.items()} for name, by in scores.classes.items()},
        "notes": list(scores.notes),
    }


def _of_measure(one: Measure) -> dict[str, Any]:
    """What a measure does not have is left out."""
    return {name: _rounded(value) for name, value in asdict(one).items() if value is not None}


def _of_findings(found: Findings, pictures: PictureSet) -> dict[str, Any]:
    stated: dict[str, Any] = {}
    if found.confusion is not None:
        stated["confusion"] = {"labels": list(found.confusion.names), "counts": found.confusion.counts.tolist()}
    if found.histogram is not None:
        stated["histogram"] = {
            "edges": _rounded(found.histogram.edges.tolist()),
            "right": found.histogram.right.tolist(),
            "wrong": found.histogram.wrong.tolist(),
            "separation": _rounded(found.histogram.separation),
        }
    if found.map is not None:
        names = [pictures.items[row].source for row in found.map.rows.tolist()]
        points = [[round(one, 4) for one in point] for point in found.map.points.tolist()]
        stated["map"] = {"pictures": names, "points": points, "clusters": found.map.clusters.tolist()}
    for name, strips in (("best", found.best), ("worst", found.worst)):
        if strips:
            stated[name] = [_of_strip(strip, found.measure, pictures) for strip in strips]
    return stated


def _of_strip(strip: Strip, measure: str, pictures: PictureSet) -> dict[str, Any]:
    results = [
        {"picture": pictures.items[one.row].source, "score": _rounded(one.score), "right": one.right}
        for one in strip.results
    ]
    return {"query": pictures.items[strip.query].source, measure: _rounded(strip.value), "results": results}


def _rounded(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return [_rounded(one) for one in value]
    return round(value, 6) if isinstance(value, float) else value
