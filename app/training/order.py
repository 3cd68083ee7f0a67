"""What a child process is told to do: a file in the run's folder, written once, so that a run that goes on finds the
same pictures. They are named by their ids: what people call them is erased with them."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app.core.blobs import BlobStore
from app.training.records import StoredPicture

FILE = "order.json"
REPORT = "report"
"""The folder in which an evaluation leaves its report."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A picture of an order."""

    id: int
    path: str
    label: str

    @property
    def name(self) -> str:
        return f"picture {self.id}"


@dataclass(frozen=True, slots=True)
class Order:
    """`verb` is train or evaluate. `held_out` are pictures that are not learnt from. `asked` is the verb's own."""

    verb: str
    data_name: str
    models_dir: str
    pictures: list[Listed]
    held_out: list[Listed]
    asked: dict[str, Any]


def read_order(folder: Path) -> Order:
    """Raises OSError without one."""
    stated = json.loads((folder / FILE).read_text())
    for name in ("pictures", "held_out"):
        stated[name] = [Listed(*one) for one in stated[name]]
    return Order(**stated)


def write_order(folder: Path, order: Order) -> None:
    """Whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    stated = asdict(order)
    for name in ("pictures", "held_out"):
        stated[name] = [[one["id"], one["path"], one["label"]] for one in stated[name]]
    part = folder / f".{FILE}.part"
    part.write_text(json.dumps(stated))
    part.replace(folder / FILE)


def list_pictures(stored: Sequence[StoredPicture], blobs: BlobStore) -> list[Listed]:
    """Stored pictures as an order names them."""
    return [Listed(one.id, str(blobs.original(one.digest)), one.label) for one in stored]


def hold_out(pictures: Sequence[Listed], share_pct: int, seed: int) -> tuple[list[Listed], list[Listed]]:
    """(to learn from, held out): of each label its share, rounded, drawn by the seed."""
    by_label: dict[str, list[int]] = {}
    for row in np.random.default_rng((seed, 0x4E1D)).permutation(len(pictures)).tolist():
        by_label.setdefault(pictures[row].label, []).append(row)
    held = {row for rows in by_label.values() for row in rows[: round(len(rows) * share_pct / 100)]}
    return (
        [one for row, one in enumerate(pictures) if row not in held],
        [one for row, one in enumerate(pictures) if row in held],
    )


def draw(pictures: Sequence[Listed], most: int | None, seed: int) -> list[Listed]:
    """At most so many, as many of each label as there are, in their order."""
    if most is None or len(pictures) <= most:
        return list(pictures)
    turns: dict[str, int] = {}
    ranked: list[tuple[int, int, int]] = []
    for place, row in enumerate(np.random.default_rng((seed, 0xD4A)).permutation(len(pictures)).tolist()):
        turns[pictures[row].label] = turns.get(pictures[row].label, 0) + 1
        ranked.append((turns[pictures[row].label], place, row))
    return [pictures[row] for row in sorted(row for _, _, row in sorted(ranked)[:most])]
