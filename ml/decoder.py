"""The one pool of child processes that decodes pictures, for ingest and for embedding."""

import ctypes
import hashlib
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
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from pebble import ProcessExpired, ProcessPool
from PIL import Image

from ml import images, perceptual
from ml.images import PictureRefused
from ml.models.model import Preprocess

T = TypeVar("T")

WIDTHS = (256, 512, 1024)
# Three copies of the largest picture allowed, and what the libraries themselves take.
MEMORY_BYTES = 3 * 1024**3
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Inspected:
    """What ingest keeps of a picture: size in pixels as displayed, SHA-256 of the file, WebPs by width.

    The perceptual hash is of the narrowest thumbnail's pixels before their encoding: of the same file and widths it
    is always the same.
    """

    format: str
    width: int
    height: int
    digest: bytes
    perceptual_hash: bytes
    thumbnails: dict[int, bytes]


class Decoder:
    """Decodes in child processes, so that a crash, a hang or a bomb costs one picture.

    Starts with the first picture. The children die with this process, hold at most `memory_bytes` each, are
    `niceness` nicer than it, and are replaced when they end. They import the program's main module
    (multiprocessing's rule): keep that free of heavy imports. All methods may be called from any thread.
    """

    def __init__(
        self, workers: int, timeout_s: float = 30, memory_bytes: int = MEMORY_BYTES, niceness: int = 0
    ) -> None:
        self._workers = workers
        self._timeout_s = timeout_s
        self._memory_bytes = memory_bytes
        self._niceness = niceness
        self._pool: ProcessPool | None = None
        # What is given out, and what it waits for. Were the two to know each other, that cycle would keep every
        # picture and its pixels until a full garbage collection: 30 MB in a thousand pictures.
        self._pending: dict[Future[Any], Future[Any]] = {}
        self._closed = False
        self._lock = threading.Lock()

    def submit_inspect(self, data: bytes, widths: Sequence[int] = WIDTHS) -> Future[Inspected]:
        """Decode once, fully; thumbnails by asked width, never enlarged. The future raises PictureRefused."""
        return self._submit(inspect, data, tuple(widths))

    def submit_prepare(self, data: bytes, preprocess: Preprocess) -> Future[NDArray[np.generic]]:
        """Decode and preprocess into one model input. The future raises PictureRefused."""
        return self._submit(prepare, data, preprocess)

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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _submit(self, function: Callable[..., T], *args: object) -> Future[T]:
        future: Future[T] = Future()
        self._schedule(future, function, args, attempts=2)
        future.add_done_callback(self._forget)
        return future

    def _schedule(self, future: Future[T], function: Callable[..., T], args: tuple[object, ...], attempts: int) -> None:
        with self._lock:
            if self._closed:
                raise RuntimeError("the decoder is closed")
            running = self._running_pool().schedule(function, args=args, timeout=self._timeout_s)
            self._pending[future] = running

        def finish(done: Future[T]) -> None:
            if future.cancelled():
                self._pending.pop(future, None)
                return
            # A pool breaks when a child is killed between two pictures: no picture's fault, so again.
            if isinstance(done.exception(), BrokenProcessPool) and attempts > 1:
                self._schedule(future, function, args, attempts - 1)
            elif future.set_running_or_notify_cancel():
                self._settle(future, done)

        running.add_done_callback(finish)

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

    def _settle(self, future: Future[T], done: Future[T]) -> None:
        error = done.exception()
        if error is None:
            future.set_result(done.result())
        elif isinstance(error, ProcessExpired):
            future.set_exception(PictureRefused("the decoder crashed on this picture"))
        elif isinstance(error, TimeoutError):
            future.set_exception(PictureRefused(f"took longer than {self._timeout_s:g} s to decode"))
        elif isinstance(error, MemoryError):
            future.set_exception(PictureRefused(images.NEEDS_MEMORY))
        else:
            future.set_exception(error)


def inspect(data: bytes, widths: tuple[int, ...]) -> Inspected:
    """What `Decoder.submit_inspect` does, in this process."""
    # Half as wide again as the widest thumbnail is as sharp to the eye as the full size, and 2-4x faster.
    decoded = images.decode(data, at_least=lambda _width, _height: (max(widths) * 3 // 2, 1))
    smaller = decoded.image
    thumbnails: dict[int, bytes] = {}
    for width in sorted(widths, reverse=True):
        wider, smaller = smaller, images.shrink(smaller, width)
        # A picture narrower than two of the widths has one thumbnail for both.
        same = smaller.size == wider.size and thumbnails
        thumbnails[width] = min(thumbnails.items())[1] if same else images.encode_webp(smaller, width)
    digest = hashlib.sha256(data).digest()
    perceptual_hash = perceptual.hash_of(smaller)
    return Inspected(decoded.format, decoded.width, decoded.height, digest, perceptual_hash, thumbnails)


def prepare(data: bytes, preprocess: Preprocess) -> NDArray[np.generic]:
    """What `Decoder.submit_prepare` does, in this process."""
    return preprocess(images.load(data, resized_to=preprocess.size))


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
