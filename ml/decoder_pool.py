"""Child processes in which pictures are worked on: a crash, a hang or a flood of memory costs one picture."""

import ctypes
import multiprocessing
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pebble import ProcessExpired, ProcessPool
from PIL import Image

from ml import images
from ml.images import PictureRefused

T = TypeVar("T")

DEATHS = 2
"""Children that one picture may cost: the first may have been killed for another reason."""
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class _Task(Generic[T]):
    """One function and the arguments of each call of it, with the futures of the results."""

    function: Callable[..., T]
    arguments: Sequence[tuple[object, ...]]
    futures: Sequence[Future[T]]
    deaths: int = 0
    breaks: int = 0


class DecoderPool:
    """Calls functions in `workers` children, which start with the first call.

    The children die with this process, hold at most `memory_bytes` each, are `niceness` nicer than it, and are
    replaced when they end. They import the program's main module (multiprocessing's rule): keep that free of heavy
    imports. All methods may be called from any thread.
    """

    def __init__(self, workers: int, timeout_s: float, memory_bytes: int, niceness: int) -> None:
        self._workers = workers
        self._timeout_s = timeout_s
        self._memory_bytes = memory_bytes
        self._niceness = niceness
        self._pool: ProcessPool | None = None
        # What is given out, and what it waits for: None where others wait for the same, which goes on without it.
        # Were the two to know each other, that cycle would keep every picture and its pixels until a full garbage
        # collection: 30 MB in a thousand pictures.
        self._pending: dict[Future[Any], Future[Any] | None] = {}
        self._closed = False
        self._lock = threading.Lock()

    def submit(self, function: Callable[..., T], arguments: Sequence[tuple[object, ...]]) -> list[Future[T]]:
        """Call `function` with each of the arguments, one after the other in one child, within the time of one call.

        Each future gives its own result, or raises PictureRefused, or what the function raises. When the child
        dies, or the time is up, or anything unexpected is raised, each call is made again by itself.
        """
        futures: list[Future[T]] = [Future() for _ in arguments]
        self._schedule(_Task(function, arguments, futures))
        for future in futures:
            future.add_done_callback(self._forget)
        return futures

    def close(self) -> None:
        """End the children at once; what is not finished is cancelled."""
        with self._lock:
            self._closed = True
            pool, self._pool = self._pool, None
            pending = list(self._pending)
        for future in pending:
            future.cancel()
        if pool is not None:
            _end(pool)

    def _schedule(self, task: _Task[T]) -> None:
        with self._lock:
            if self._closed:
                raise RuntimeError("the decoder is closed")
            args = (task.function, task.arguments)
            running = self._running_pool().schedule(_call_each, args=args, timeout=self._timeout_s)
            for future in task.futures:
                self._pending[future] = running if len(task.futures) == 1 else None
        running.add_done_callback(lambda done: self._finish(task, done))

    def _finish(self, task: _Task[T], done: Future[list[T | PictureRefused]]) -> None:
        for future in task.futures:
            if future.cancelled():
                self._pending.pop(future, None)
        if all(future.cancelled() for future in task.futures):
            return
        error = done.exception()
        if error is None:
            for future, result in zip(task.futures, done.result(), strict=True):
                _settle(future, result)
        elif again := _tasks_again(task, error):
            for one in again:
                self._schedule(one)
        else:
            _settle(task.futures[0], self._explain(error))

    def _explain(self, error: BaseException) -> BaseException:
        if isinstance(error, ProcessExpired):
            return PictureRefused("the decoder crashed on this picture")
        if isinstance(error, TimeoutError):
            return PictureRefused(f"took longer than {self._timeout_s:g} s to decode")
        if isinstance(error, MemoryError):
            return PictureRefused(images.NEEDS_MEMORY)
        return error

    def _forget(self, future: Future[Any]) -> None:
        """Let go of what is settled; what nobody wants any more is not decoded."""
        running = self._pending.pop(future, None)
        if running is not None and future.cancelled():
            running.cancel()

    def _running_pool(self) -> ProcessPool:
        if self._pool is not None and not self._pool.active:
            # In a thread of its own: this may be running in one of the broken pool's threads.
            threading.Thread(target=_end, args=(self._pool,), daemon=True).start()
            self._pool = None
        if self._pool is None:
            # The server forks from a process with one thread and outlives the thread that asked for a child;
            # a plain fork of a web process could inherit a lock that nobody will ever release.
            context = multiprocessing.get_context("forkserver")
            self._pool = ProcessPool(
                self._workers,
                initializer=_prepare_child,
                initargs=[self._memory_bytes, self._niceness],
                context=context,
            )
        return self._pool


def _tasks_again(task: _Task[T], error: BaseException) -> list[_Task[T]]:
    """What is tried once more after an error; nothing where that is the end of it."""
    deaths = task.deaths + isinstance(error, ProcessExpired)
    if isinstance(error, BrokenProcessPool):
        # A pool breaks when a child is killed between two pictures: no picture's fault, so again, but not forever.
        breaks = task.breaks + 1
        return [_Task(task.function, task.arguments, task.futures, deaths, breaks)] if breaks < DEATHS else []
    if len(task.futures) == 1 and not (isinstance(error, ProcessExpired) and deaths < DEATHS):
        return []
    calls = zip(task.arguments, task.futures, strict=True)
    return [
        _Task(task.function, [one], [future], deaths, task.breaks) for one, future in calls if not future.cancelled()
    ]


def _settle(future: Future[T], result: T | BaseException) -> None:
    if not future.set_running_or_notify_cancel():
        return
    if isinstance(result, BaseException):
        future.set_exception(result)
    else:
        future.set_result(result)


def _call_each(function: Callable[..., T], arguments: Sequence[tuple[object, ...]]) -> list[T | PictureRefused]:
    results: list[T | PictureRefused] = []
    for one in arguments:
        try:
            results.append(function(*one))
        except PictureRefused as refused:
            results.append(refused)
    return results


def _prepare_child(memory_bytes: int, niceness: int) -> None:
    """Limits of one child; what decoding needs was imported with this module, before the first picture."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.nice(niceness)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libtiff writes hundreds of lines on a damaged file
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a hung decoder would not reach a Python handler
    # Data, not address space: libraries map far more than they use.
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    Image.init()


def _end(pool: ProcessPool) -> None:
    pool.stop()
    pool.join()
