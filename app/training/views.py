"""Trainings in words, as the pages show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.core.words import counted, duration_text, time_text
from app.training.service import Progress
from app.training.service_promotion import Standing, Standings
from ml.training.curves import Drawing, lay_out

BLOCKS = {"4": "The last 4 blocks", "2": "The last 2 blocks", "1": "The last block", "": "All blocks"}


@dataclass(frozen=True, slots=True)
class RunView:
    """A training. `standing` is how the gallery stands to its model, `previous` the model to go
    back to; `moves`: it is about to change to it, or away from it."""

    id: int
    url: str
    title: str
    model: str
    collection: str
    collection_url: str
    by: str
    state: str
    ending: bool
    done: int
    total: int | None
    fraction_pct: int
    message: str
    error: str
    rate_text: str
    eta_text: str
    begun_text: str
    ended_text: str
    standing: Standing
    previous: str | None
    moves: bool
    can_cancel: bool
    can_go_on: bool

    @property
    def live(self) -> bool:
        """Whether there is more to come."""
        return self.state in ("queued", "running")


@dataclass(frozen=True, slots=True)
class Row:
    """One epoch of the curves' table; empty where nothing was measured."""

    epoch: int
    loss: str
    floor: str
    gradient: str
    knn: str
    linear: str
    chance: str


@dataclass(frozen=True, slots=True)
class Curves:
    """The curves of a training as a drawing and as a table, and what went wrong."""

    drawing: Drawing
    rows: list[Row]
    warnings: list[str]
    last_loss: str
    last_knn: str
    first_knn: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A thing and its value."""

    name: str
    value: str


def run_view(found: Progress, standings: Standings) -> RunView:
    """A training in words."""
    made, job = found.made, found.job
    rate = _rate(found)
    left = (job.total or 0) - job.done
    return RunView(
        id=made.id,
        url=f"/admin/training/{made.id}",
        title=made.output,
        model=made.model,
        collection=made.collection_name,
        collection_url=f"/collections/{made.collection_id}" if made.collection_id is not None else "",
        by=made.account_name or "somebody who is gone",
        state=made.state,
        ending=job.cancel_requested and not made.ended,
        done=job.done,
        total=job.total,
        fraction_pct=round(job.fraction * 100),
        message=job.message if made.state == "running" else "",
        error=made.error,
        rate_text=f"{rate * made.about['batch_size']:,.1f} pictures/s" if rate else "",
        eta_text=f"{duration_text(left / rate)} left" if rate and made.state == "running" else "",
        begun_text=time_text(made.started_at or made.created_at),
        ended_text=time_text(made.ended_at),
        standing=standings.of(made),
        previous=standings.previous(made),
        moves=standings.moves(made),
        can_cancel=not made.ended and not job.cancel_requested,
        can_go_on=found.can_go_on,
    )


def curves_view(points: Sequence[dict[str, Any]]) -> Curves:
    """Steps and probes as `service.list_points` gives them."""
    steps = [one for one in points if one["kind"] == "step"]
    probes = {one["epoch"]: one for one in points if one["kind"] == "probe"}
    by_epoch = {one["epoch"] + 1: one for one in steps}  # the last of each
    rows = [_row(epoch, by_epoch.get(epoch), probes.get(epoch)) for epoch in sorted({*by_epoch, *probes})]
    ordered = [probes[epoch] for epoch in sorted(probes)]
    return Curves(
        drawing=lay_out(points),
        rows=rows,
        warnings=list(dict.fromkeys(one["collapse"] for one in steps if one["collapse"])),
        last_loss=f"{steps[-1]['loss']:.3f}" if steps else "–",
        last_knn=f"{ordered[-1]['knn']:.1%}" if ordered else "–",
        first_knn=f"{ordered[0]['knn']:.1%}" if ordered else "–",
    )


def facts(found: Progress) -> list[Fact]:
    """What a training was told, and what it said at its start."""
    made, about, config = found.made, found.made.about, found.made.config
    blocks = (
        BLOCKS["" if config["last_blocks"] is None else str(config["last_blocks"])]
        if (config["last_blocks"] is None or str(config["last_blocks"]) in BLOCKS)
        else f"The last {config['last_blocks']} blocks"
    )
    told = [
        Fact("Begins with", made.model),
        Fact("Adapts", f"{blocks}, rank {config['rank']}, alpha {config['alpha']}"),
        Fact("Epochs", f"{config['epochs']:,}"),
        Fact("Held out", f"{made.held_out_pct} % of each label" if made.held_out_pct else "nothing"),
        Fact("Seed", str(config["seed"])),
    ]
    if about:
        cut = f"{about['batch_size']} pictures, {about['part']} at once"
        told += [
            Fact("Learns from", counted(about["pictures"], "picture", "pictures")),
            Fact("Trainable", f"{about['trainable']:,} parameters, {about['frozen']:,} frozen"),
            Fact("Batch", cut),
            Fact("Device", about["device"]),
        ]
    return told


def _row(epoch: int, step: dict[str, Any] | None, probe: dict[str, Any] | None) -> Row:
    return Row(
        epoch=epoch,
        loss=f"{step['loss']:.4f}" if step else "",
        floor=f"{step['spread']['floor']:.4f}" if step else "",
        gradient=f"{step['gradient_norm']:.3f}" if step else "",
        knn=f"{probe['knn']:.3f}" if probe else "",
        linear=f"{probe['linear']:.3f}" if probe else "",
        chance=f"{probe['chance']:.3f}" if probe else "",
    )


def _rate(found: Progress) -> float | None:
    """Steps a second since this start of the run, which may have gone on from a checkpoint."""
    made, job = found.made, found.job
    if not made.about or made.state != "running" or job.started_at is None or job.heartbeat_at is None:
        return None
    elapsed_s = (job.heartbeat_at - job.started_at).total_seconds()
    done = job.done - made.about["step"]
    return done / elapsed_s if done > 0 and elapsed_s > 0 else None
