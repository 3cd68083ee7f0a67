"""Evaluations in words: each protocol as a table of models beside each other."""

from dataclasses import dataclass
from typing import Any

from app.core.words import time_text
from app.training.service_evaluations import Progress

TITLES = {
    "retrieval": "Retrieval: true labels, the query left out",
    "original": "Original: clusters as labels, the query counted",
    "knn": "k-NN: the label that the neighbours vote for",
    "clusters": "Clusters: k-means against the labels",
}
FLATTERING = "original"


@dataclass(frozen=True, slots=True)
class EvaluationView:
    """An evaluation. `data` says which pictures."""

    id: int
    url: str
    models: str
    data: str
    by: str
    state: str
    ending: bool
    done: int
    total: int | None
    fraction_pct: int
    message: str
    error: str
    created_text: str
    ended_text: str
    settings: str
    can_cancel: bool

    @property
    def live(self) -> bool:
        """Whether there is more to come."""
        return self.state in ("queued", "running")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure of one model: its bar is `share_pct` long. `gain` is that over the first model, if it is one."""

    model: str
    value: str
    interval: str
    gain: str
    better: bool
    worse: bool
    share_pct: float
    low_pct: float | None
    high_pct: float | None


@dataclass(frozen=True, slots=True)
class Measured:
    """A measure, and what each model reaches."""

    name: str
    figures: list[Figure]


@dataclass(frozen=True, slots=True)
class Table:
    """A protocol; `warning` is why its figures flatter."""

    title: str
    warning: str
    notes: list[str]
    measures: list[Measured]


def evaluation_view(found: Progress) -> EvaluationView:
    """An evaluation in words."""
    made, job = found.made, found.job
    told = [", ".join(made.protocols), f"at most {made.sample:,} pictures" if made.sample else "", f"seed {made.seed}"]
    return EvaluationView(
        id=made.id,
        url=f"/admin/evaluations/{made.id}",
        models=", ".join(made.models),
        data=f"{made.collection_name}, held out" if made.training_id is not None else made.collection_name,
        by=made.account_name or "somebody who is gone",
        state=made.state,
        ending=job.cancel_requested and not made.ended,
        done=job.done,
        total=job.total,
        fraction_pct=round(job.fraction * 100),
        message=job.message if made.state == "running" else "",
        error=made.error,
        created_text=time_text(made.created_at),
        ended_text=time_text(made.ended_at),
        settings="; ".join(one for one in told if one),
        can_cancel=not made.ended and not job.cancel_requested,
    )


def tables(results: dict[str, Any]) -> list[Table]:
    """Of each protocol that the set was asked; none before the end."""
    if not results:
        return []
    (of_set,) = results["sets"]
    first = of_set["outcomes"][0]["protocols"]
    return [_table(name, of_set["outcomes"]) for name in TITLES if name in first]


def about(results: dict[str, Any]) -> str:
    """Which pictures were looked at, in a sentence."""
    return results["sets"][0]["about"] if results else ""


def _table(protocol: str, outcomes: list[dict[str, Any]]) -> Table:
    scores = [(one["model"], one["protocols"][protocol]) for one in outcomes]
    notes: list[str] = scores[0][1]["notes"]
    flattering = protocol == FLATTERING
    return Table(
        title=TITLES.get(protocol, protocol),
        warning=notes[0] if flattering and notes else "",
        notes=notes[1:] if flattering else notes,
        measures=[
            Measured(name, [_figure(model, of_model["measures"][name]) for model, of_model in scores])
            for name in scores[0][1]["measures"]
        ],
    )


def _figure(model: str, measure: dict[str, Any]) -> Figure:
    value, interval = measure["value"], measure.get("interval")
    gain, gain_interval = measure.get("gain"), measure.get("gain_interval")
    return Figure(
        model=model,
        value=f"{value:.3f}",
        interval=f"{interval[0]:.3f} to {interval[1]:.3f}" if interval else "",
        gain=f"{gain:+.3f}" if gain is not None else "",
        better=gain_interval is not None and gain_interval[0] > 0,
        worse=gain_interval is not None and gain_interval[1] < 0,
        share_pct=_share(value),
        low_pct=_share(interval[0]) if interval else None,
        high_pct=_share(interval[1]) if interval else None,
    )


def _share(value: float) -> float:
    return round(100 * min(1.0, max(0.0, value)), 1)
