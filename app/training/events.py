"""What a training tells of itself, as plain entries: what the child prints, a line each, and the database keeps."""

from dataclasses import asdict, dataclass
from typing import Any

from ml.training.dino import Step
from ml.training.loss import Spread
from ml.training.pictures import Refused
from ml.training.result import probe_entry
from ml.training.run import Began, Event

REFUSED_KEPT = 200


@dataclass(frozen=True, slots=True)
class Warnings:
    """Names what goes wrong once, and not at every step."""

    told: set[str]

    def new(self, step: Step) -> str:
        """What is wrong with a step for the first time; empty when nothing is."""
        wrong = step.spread.collapse
        if not wrong or wrong in self.told:
            return ""
        self.told.add(wrong)
        return wrong


def to_entry(event: Event) -> dict[str, Any]:
    """An event as JSON: its `kind`, and its fields."""
    if isinstance(event, Began):
        told = asdict(event)
        del told["probes"]  # each is an entry of its own
        refused: list[Refused] = event.refused
        told["refused"] = [asdict(one) for one in refused[:REFUSED_KEPT]]
        return {"kind": "began", **told, "refused_count": len(refused)}
    if isinstance(event, Step):
        return {"kind": "step", **asdict(event), "collapse": event.spread.collapse}
    epoch, probe = event
    return probe_entry(epoch, probe)


def retold(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry of a checkpoint's history as `to_entry` told it."""
    if entry["kind"] != "step":
        return entry
    return {**entry, "collapse": Spread(**entry["spread"]).collapse}
