"""Models as the database knows them, and pictures that wait for their embedding."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model that has embedded pictures here. `identity` covers weights, pooling and preprocessing."""

    id: int
    name: str
    identity: str
    dim: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Choice:
    """Which model this gallery wants, and why, in one line."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A picture without an embedding by some model."""

    image_id: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Failure:
    """A picture that could not be embedded, and why."""

    image_id: int
    filename: str
    owner: str
    model_id: int
    model: str
    reason: str
    attempted_at: datetime


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a model's embeddings are: pictures that have one, wait for one, and failed."""

    embedded: int
    waiting: int
    failed: int
