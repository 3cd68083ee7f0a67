"""The fast lane: pictures that somebody waits for, decoded and embedded in the web process, apart from imports."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.core.errors import RateLimit, Unavailable
from app.embedding.filling import Input, Vector
from ml.crop import Crop
from ml.decoder import Decoder
from ml.embedder import Embedder
from ml.images import PictureRefused
from ml.models.model import ModelError
from ml.pipeline import embed_each

MAX_WAITING = 32
MAX_BATCH = 4
"""On a CPU eight pictures a batch embed only 8% more a second than one by one, and make the first of them wait."""
AT_ONCE = 4
"""Pictures of one request for many that are under way at once: the others' queries fit between them."""


@dataclass(frozen=True, slots=True)
class _Asked:
    embedder: Embedder
    prepared: Input
    answer: asyncio.Future[Vector | str]


class QueryLane:
    """A bounded line of pictures. What waits while a batch is in the network makes up the next one.

    Has a decoder of its own, so that no query stands behind an upload of many files. For one event loop.
    """

    def __init__(self, decoder: Decoder, max_waiting: int = MAX_WAITING) -> None:
        self.decoder = decoder
        self._max_waiting = max_waiting
        self._waiting = 0
        self._line: deque[_Asked] = deque()
        self._working: asyncio.Task[None] | None = None

    async def embed(self, embedder: Embedder, data: bytes, crop: Crop | None = None) -> NDArray[np.float32]:
        """The embedding `[d]` of one picture's file, or of a part of it.

        Raises PictureRefused, and Unavailable when the line is full.
        """
        with self._admitted(1):
            found = await self._embed(embedder, data, crop)
        if isinstance(found, str):
            raise PictureRefused(found)
        return found

    async def embed_many(self, embedder: Embedder, files: AsyncIterator[bytes]) -> list[Vector | str]:
        """Embeddings `[d]` of many files, in order, or the reason why there is none. Raises Unavailable."""
        found: list[Vector | str] = []
        with self._admitted(AT_ONCE):
            chunk: list[bytes] = []
            async for data in files:
                chunk.append(data)
                if len(chunk) == AT_ONCE:
                    found += await asyncio.gather(*(self._embed(embedder, one) for one in chunk))
                    chunk = []
            found += await asyncio.gather(*(self._embed(embedder, one) for one in chunk))
        return found

    @contextmanager
    def _admitted(self, places: int) -> Generator[None]:
        if self._waiting + places > self._max_waiting:
            limit = RateLimit("pictures-to-embed", self._max_waiting, unit="concurrent-requests")
            raise Unavailable("too many pictures wait to be searched with", retry_after_s=1, limit=limit)
        self._waiting += places
        try:
            yield
        finally:
            self._waiting -= places

    async def _embed(self, embedder: Embedder, data: bytes, crop: Crop | None = None) -> Vector | str:
        try:
            prepared = await asyncio.wrap_future(self.decoder.submit_prepare(data, embedder.model.preprocess, crop))
        except PictureRefused as refused:
            return refused.reason
        asked = _Asked(embedder, prepared, asyncio.get_running_loop().create_future())
        self._line.append(asked)
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        return await asked.answer

    async def _work(self) -> None:
        while self._line:
            batch = [self._line.popleft()]
            # The searcher may be swapped between two queries: one batch has one model.
            while self._line and len(batch) < MAX_BATCH and self._line[0].embedder is batch[0].embedder:
                batch.append(self._line.popleft())
            await _answer([one for one in batch if not one.answer.done()])


async def _answer(batch: list[_Asked]) -> None:
    """Compute one batch off the event loop and hand out what came of it, an error included."""
    if not batch:
        return
    try:
        found = await asyncio.to_thread(embed_each, batch[0].embedder, [one.prepared for one in batch])
    except (ModelError, OSError, RuntimeError) as error:
        refusal = Unavailable(f"the model cannot answer: {error}", retry_after_s=5)
        for one in batch:
            if not one.answer.done():
                one.answer.set_exception(refusal)
        return
    for one, vector in zip(batch, found, strict=True):
        if not one.answer.done():
            one.answer.set_result(vector)
