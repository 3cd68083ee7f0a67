"""The sample gallery: pictures drawn by the program, so that a fresh installation has something to find."""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context, parent_process

from ml.datasets.items import Item
from ml.datasets.sample.pictures import draw_item

# Starting a pool costs about a second: fewer pictures than this are drawn sooner without one.
POOL_FROM = 24
CHUNK = 4


def draw_sample(count: int = 640, seed: int = 7) -> Iterator[Item]:
    """Yields the gallery's first `count` pictures in order while the next ones are being drawn on all cores.

    The same seed gives the same bytes on one machine. Labels: the family's name, then what cuts across.
    The pool starts new interpreters: a script that calls this needs its `if __name__ == "__main__"`.
    """
    draw = partial(draw_item, seed=seed)
    cores = os.cpu_count() or 1
    if cores == 1 or count < POOL_FROM:
        yield from map(draw, range(count))
        return
    # spawn: the caller may run threads, which a forked child would inherit half-alive.
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn"), initializer=_end_with_parent) as pool:
        yield from pool.map(draw, range(count), chunksize=CHUNK)


def _end_with_parent() -> None:
    """In a child: end when the parent is gone, for one that was killed cannot end its pool."""
    parent = parent_process()
    if parent is None:
        raise RuntimeError("this is for child processes")

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
