"""The process that computes a run: `python -m app.training.child FOLDER` does what the order in it says.

It tells what happens in lines of JSON on standard output. SIGTERM ends a training with a checkpoint.
"""

import ctypes
import fcntl
import json
import os
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.training.order import REPORT, Order, read_order
from ml.datasets.items import DataSetError
from ml.models.model import ModelError
from ml.training.config import Machine, TrainingConfig, TrainingError

NICENESS = 19  # whoever searches meanwhile comes first
PR_SET_PDEATHSIG = 1
DECODERS = 1
LOCK = ".lock"
RETOLD = 500


def main(folder: Path) -> int:
    """The exit status: 1 for a refusal, which the last line tells."""
    # Ends with the worker that started it, whatever kills that one.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    os.nice(NICENESS)
    stopped: list[int] = []
    try:
        with _alone(folder):
            order = read_order(folder)
            if order.verb == "train":
                signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
                state = _train(order, stopped)
            else:
                state = _evaluate(order, folder)
    except (TrainingError, ModelError, DataSetError, OSError) as error:
        _tell({"kind": "error", "message": str(error)})
        return 1
    _tell({"kind": "end", "state": state})
    return 0


def _train(order: Order, stopped: list[int]) -> str:
    from app.training.events import retold, to_entry
    from ml.training.checkpoint import load_newest
    from ml.training.pictures import Picture
    from ml.training.result import is_finished
    from ml.training.run import Began, Event, Task, train

    output = Path(order.asked["output"])
    if is_finished(output):
        return "done"  # it was killed between its end and our hearing of it
    pictures = [Picture(one.name, Path(one.path), one.label) for one in order.pictures]
    task = Task(
        model=order.asked["model"],
        models_dir=Path(order.models_dir),
        data_name=order.data_name,
        pictures=pictures,
        refused=[],
        output=output,
        config=TrainingConfig.from_json(order.asked["config"]),
        machine=Machine(workers=DECODERS),
        resume=True,
    )
    found = load_newest(output)
    history: list[dict[str, Any]] = [] if found is None else found.told["history"]

    def tell(event: Event) -> None:
        _tell(to_entry(event))
        if isinstance(event, Began):
            # What was said last may not have been heard: the worker that listened may have ended first.
            for entry in history[-RETOLD:]:
                _tell(retold(entry))

    return train(task, tell, lambda: bool(stopped))


def _evaluate(order: Order, folder: Path) -> str:
    from ml.datasets.items import Item
    from ml.evaluation import report
    from ml.evaluation.run import Asked, evaluate
    from ml.evaluation.sets import EvaluationError, PictureSet

    items = [Item(one.name, one.name, Path(one.path), (one.label,) if one.label else ()) for one in order.pictures]
    labelled = [item for item in items if item.labels]
    kept = labelled or items
    labels = len({item.labels for item in labelled})
    about = f"{len(kept):,} pictures of {labels:,} labels, the first of each" if labelled else f"{len(kept):,} pictures"
    if left_out := len(items) - len(kept):
        about += f"; {left_out:,} more have no label and are left out"
    pictures = PictureSet(order.data_name, Path(f"collection:{order.data_name}"), about, tuple(kept))
    asked = Asked(
        data=[pictures.path],
        models=order.asked["models"],
        models_dir=Path(order.models_dir),
        protocols=order.asked["protocols"],
        seed=order.asked["seed"],
        workers=DECODERS,
    )
    try:
        found = evaluate(
            asked,
            lambda what, done, total: _tell({"kind": "progress", "what": what, "done": done, "total": total}),
            [pictures],
        )
        report.write(found, folder / REPORT)
    except (EvaluationError, ValueError) as error:
        raise TrainingError(str(error)) from error
    return "done"


@contextmanager
def _alone(folder: Path) -> Generator[None]:
    """One process at a time: a worker that died may have left one behind that still writes its checkpoint."""
    with (folder / LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _tell(entry: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(entry) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
