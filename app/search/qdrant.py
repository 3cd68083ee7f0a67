"""Qdrant: all that this gallery asks of a Qdrant server, in its own words and with its own errors."""

import asyncio
import hashlib
import random
import warnings
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from qdrant_client import AsyncQdrantClient, models

from app.core.errors import Unavailable
from app.core.settings import Settings
from app.embedding.store import decode_vectors
from app.search.mirror_status import NO_MIRROR
from app.search.qdrant_errors import MirrorError, MirrorMisshapen, MirrorMissing, in_our_words
from app.search.records_mirror import Point
from app.search.spread import spread

BUCKETS = 256
BATCH = 256
"""Points in one upload: 1.8 MB of JSON at 384 dimensions, where a server takes 32 MB."""
UPLOADS_AT_ONCE = 4
PAGE = 1000
TIMEOUT_S = 10
BACKOFF_S = (0.2, 1.0, 3.0)
HNSW_EF = 128
"""Measured on Qdrant's engine at 100,000 vectors: recall@10 .996 at 0.71 ms, against .979 at 0.41 ms with 64."""

T = TypeVar("T")
Ids = NDArray[np.int64]


def bucket_of(image_id: int) -> int:
    """The fixed bucket in which a picture is compared; SQL says the same as `image_id % 256`."""
    return image_id % BUCKETS


def digest_of(vector: bytes) -> str:
    """A stored vector in eight characters; SQL says the same as `left(md5(vector), 8)`."""
    return hashlib.md5(vector, usedforsecurity=False).hexdigest()[:8]


@asynccontextmanager
async def connected(
    settings: Settings, *, timeout_s: int = TIMEOUT_S, backoff_s: Sequence[float] = BACKOFF_S
) -> AsyncGenerator["Qdrant"]:
    """The server of the settings. Nothing is asked yet."""
    if settings.qdrant_url is None:
        raise Unavailable(NO_MIRROR)
    with warnings.catch_warnings():
        # A key over plain http is the operator's choice: in compose the network between the two leads nowhere.
        warnings.filterwarnings("ignore", "Api key is used with an insecure connection", UserWarning)
        client = AsyncQdrantClient(
            url=settings.qdrant_url, api_key=settings.qdrant_api_key, timeout=timeout_s, check_compatibility=False
        )
    try:
        yield Qdrant(client, backoff_s)
    finally:
        await client.close()


class Qdrant:
    """One server. Every call raises MirrorError's family, after as many further tries as `backoff_s` has waits."""

    def __init__(self, client: AsyncQdrantClient, backoff_s: Sequence[float] = BACKOFF_S) -> None:
        self._client = client
        self._backoff_s = backoff_s

    async def create(self, collection: str, dim: int) -> None:
        """A collection with its payload indexes, before the first point: so the graph is built with them."""
        shape = models.VectorParams(size=dim, distance=models.Distance.DOT)
        await self._ask(lambda: self._client.create_collection(collection, vectors_config=shape))
        whole = models.IntegerIndexParams(type=models.IntegerIndexType.INTEGER, lookup=True, range=False)
        ordered = models.IntegerIndexParams(type=models.IntegerIndexType.INTEGER, lookup=False, range=True)
        words = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD)
        for field, schema in {"collections": whole, "labels": words, "bucket": whole, "draw": ordered}.items():
            await self._index(collection, field, schema)

    async def _index(
        self, collection: str, field: str, schema: models.IntegerIndexParams | models.KeywordIndexParams
    ) -> None:
        await self._ask(lambda: self._client.create_payload_index(collection, field, schema, wait=True))

    async def check(self, collection: str, dim: int) -> None:
        """Raises MirrorMissing without the collection, MirrorMisshapen when its vectors are of another kind."""
        info = await self._ask(lambda: self._client.get_collection(collection))
        held = info.config.params.vectors
        if not isinstance(held, models.VectorParams) or (held.size, held.distance) != (dim, models.Distance.DOT):
            kind = f"{held.size} numbers ({held.distance.value})" if isinstance(held, models.VectorParams) else "names"
            raise MirrorMisshapen(
                f"Qdrant's collection {collection} has vectors of {kind}, not of {dim} (Dot)",
                hint="`likeness mirror sync --afresh` makes a new one",
            )

    async def count(self, collection: str) -> int:
        """How many points there are, exactly."""
        return (await self._ask(lambda: self._client.count(collection, exact=True))).count

    async def put(self, collection: str, points: Sequence[Point], dim: int) -> None:
        """Write points, replacing those that are there; returns when the server has applied all of them."""
        batches = [points[start : start + BATCH] for start in range(0, len(points), BATCH)]
        for start in range(0, len(batches), UPLOADS_AT_ONCE):
            uploads = [self._upsert(collection, batch, dim) for batch in batches[start : start + UPLOADS_AT_ONCE]]
            # All have ended before any failure is told: a straggler must not write over what is newer.
            for outcome in await asyncio.gather(*uploads, return_exceptions=True):
                if outcome is not None:
                    raise outcome

    async def _upsert(self, collection: str, points: Sequence[Point], dim: int) -> None:
        structs = await asyncio.to_thread(_structs, points, dim)
        await self._ask(lambda: self._client.upsert(collection, structs, wait=True))

    async def delete(self, collection: str, image_ids: Sequence[int]) -> None:
        """Delete points; those that are not there are passed over."""
        for start in range(0, len(image_ids), PAGE):
            ids: list[int | str | Any] = [*image_ids[start : start + PAGE]]
            await self._ask(lambda ids=ids: self._client.delete(collection, ids, wait=True))

    async def payloads(
        self, collection: str, buckets: Sequence[int] | None = None
    ) -> AsyncIterator[list[tuple[int, dict[str, Any]]]]:
        """(id, payload) of all points, or of some buckets', in pages."""
        chosen = None if buckets is None else models.Filter(must=[holds_any("bucket", buckets)])
        offset: Any = None
        while True:
            page, offset = await self._ask(
                lambda offset=offset: self._client.scroll(collection, chosen, limit=PAGE, offset=offset)
            )
            yield [(int(one.id), one.payload or {}) for one in page]
            if offset is None:
                return

    async def point_alias(self, alias: str, collection: str) -> None:
        """Let the alias name this collection, in one step: no search between finds neither."""
        actions = [
            models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias)),
            models.CreateAliasOperation(create_alias=models.CreateAlias(collection_name=collection, alias_name=alias)),
        ]
        await self._ask(lambda: self._client.update_collection_aliases(actions))

    async def list_collections(self, prefix: str) -> list[str]:
        """The names that begin with `prefix`."""
        listed = await self._ask(self._client.get_collections)
        return sorted(one.name for one in listed.collections if one.name.startswith(prefix))

    async def drop(self, collection: str) -> None:
        """Delete a collection, with the aliases that name it; a missing one is passed over."""
        try:
            await self._ask(lambda: self._client.delete_collection(collection))
        except MirrorMissing:
            return

    async def nearest(
        self, name: str, vector: NDArray[np.float32], k: int, scope: models.Filter, *, exact: bool = False
    ) -> tuple[Ids, NDArray[np.float32]]:
        """(ids, cosines) of the `k` nearest points of the scope, best first."""
        # A server may quantise by default: its candidates are then scored again by the whole vectors.
        rescored = models.QuantizationSearchParams(ignore=exact, rescore=True, oversampling=2.0)
        params = models.SearchParams(exact=exact, hnsw_ef=None if exact else HNSW_EF, quantization=rescored)
        query = vector.tolist()
        answer = await self._ask(
            lambda: self._client.query_points(
                name, query=query, query_filter=scope, search_params=params, limit=k, with_payload=False
            )
        )
        ids = np.fromiter((int(one.id) for one in answer.points), np.int64, len(answer.points))
        scores = np.fromiter((one.score for one in answer.points), np.float32, len(answer.points))
        return ids, np.clip(scores, -1, 1)

    async def drawn(self, name: str, count: int, scope: models.Filter) -> list[int]:
        """The `count` ids of the scope with the smallest `spread`."""
        order = models.OrderBy(key="draw", direction=models.Direction.ASC)
        page, _ = await self._ask(
            lambda: self._client.scroll(name, scope, limit=count, order_by=order, with_payload=False)
        )
        return [int(one.id) for one in page]

    async def _ask(self, call: Callable[[], Awaitable[T]]) -> T:
        for wait_s in self._backoff_s:
            try:
                return await in_our_words(call)
            except MirrorError as error:
                if not error.passing:
                    raise
            await asyncio.sleep(wait_s * random.uniform(0.5, 1.5))  # noqa: S311  # spreads tries, guards nothing
        return await in_our_words(call)


def holds_any(field: str, values: Sequence[int]) -> models.FieldCondition:
    """The field is, or holds, one of these numbers."""
    return models.FieldCondition(key=field, match=models.MatchAny(any=list(values)))


def holds_word(field: str, value: str) -> models.FieldCondition:
    """The field is, or holds, this word."""
    return models.FieldCondition(key=field, match=models.MatchValue(value=value))


def has_id(image_ids: Sequence[int]) -> models.HasIdCondition:
    """The point is one of these."""
    return models.HasIdCondition(has_id=list(image_ids))


def _structs(points: Sequence[Point], dim: int) -> list[models.PointStruct]:
    vectors = decode_vectors(b"".join(point.vector for point in points), dim)
    draws = spread(np.array([point.image_id for point in points], np.int64)).tolist()
    return [
        models.PointStruct(
            id=point.image_id,
            vector=vector,
            payload={
                "collections": list(point.collections),
                "labels": list(point.labels),
                "bucket": bucket_of(point.image_id),
                "draw": draw,
                "digest": digest_of(point.vector),
            },
        )
        for point, vector, draw in zip(points, vectors.tolist(), draws, strict=True)
    ]
