"""Training runs and evaluation runs as they are kept."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

State = Literal["queued", "running", "stopped", "done", "failed"]


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """A picture of a collection as a run takes it; `label` is its first, empty without one."""

    id: int
    digest: bytes
    label: str


@dataclass(frozen=True, slots=True)
class NewTraining:
    """A training that somebody asks for: `model` is adapted to a collection, `output` is the model to come.

    `held_out_pct` of the pictures of each label are not learnt from, so that the outcome can be compared on them.
    """

    account_id: int | None
    collection_id: int
    collection_name: str
    model: str
    output: str
    config: dict[str, Any]
    held_out_pct: int


@dataclass(frozen=True, slots=True)
class Training:
    """A training run, as far as it has come.

    `about` is what it said at its start (`events.Began`), empty before. `promoted_over` is the model that answered
    searches when this one was put in its place, None when that has not happened.
    """

    id: int
    job_id: int
    account_name: str | None
    collection_id: int | None
    collection_name: str
    model: str
    output: str
    config: dict[str, Any]
    held_out_pct: int
    state: State
    about: dict[str, Any]
    error: str
    promoted_over: str | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def ended(self) -> bool:
        return self.state in ("stopped", "done", "failed")


@dataclass(frozen=True, slots=True)
class NewEvaluation:
    """An evaluation that somebody asks for: of models, on a collection, or on what a training did not learn from."""

    account_id: int | None
    collection_id: int
    collection_name: str
    training_id: int | None
    models: list[str]
    protocols: list[str]
    sample: int | None
    seed: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """An evaluation run; `results` is what was found, empty before its end (`ml.evaluation.record`)."""

    id: int
    job_id: int
    account_name: str | None
    collection_id: int | None
    collection_name: str
    training_id: int | None
    models: list[str]
    protocols: list[str]
    sample: int | None
    seed: int
    state: State
    error: str
    created_at: datetime
    ended_at: datetime | None
    results: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def ended(self) -> bool:
        return self.state in ("stopped", "done", "failed")
