"""All embeddings of a model as of one moment: what an index is built from."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import IsolationLevel
from psycopg.rows import scalar_row, tuple_row

from app.core.changes import POSITION
from app.embedding.store import decode_vectors

CHUNK = 20_000


class Export:
    """A snapshot of the database: `seq` is the log's position that it stands at, `count` about how many rows."""

    def __init__(self, conn: psycopg.Connection[tuple[Any, ...]], model_id: int, dim: int) -> None:
        self._conn = conn
        self._model_id = model_id
        self._dim = dim
        with conn.cursor(row_factory=scalar_row) as cursor:
            cursor.execute(POSITION)
            self.seq: int = cursor.fetchone() or 0
            cursor.execute(
                """
                SELECT count(*) FROM embedding JOIN image ON image.id = embedding.image_id
                WHERE embedding.model_id = %s AND image.trashed_at IS NULL
                """,
                (model_id,),
            )
            self.count: int = cursor.fetchone() or 0

    def chunks(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """(ids `[n]`, embeddings `[n, d]`) of all untrashed pictures, the same at every call."""
        with self._conn.cursor(name="embeddings", row_factory=tuple_row) as cursor:
            cursor.execute(
                """
                SELECT embedding.image_id, embedding.vector
                FROM embedding JOIN image ON image.id = embedding.image_id
                WHERE embedding.model_id = %s AND image.trashed_at IS NULL
                """,
                (self._model_id,),
                binary=True,
            )
            while rows := cursor.fetchmany(CHUNK):
                ids = np.fromiter((row[0] for row in rows), np.int64, len(rows))
                yield ids, decode_vectors(b"".join(row[1] for row in rows), self._dim)


@contextmanager
def export(conninfo: str, model_id: int, dim: int) -> Generator[Export]:
    """Open a snapshot. Blocks: use it in a thread."""
    with psycopg.connect(conninfo) as conn:
        conn.isolation_level = IsolationLevel.REPEATABLE_READ
        conn.read_only = True
        yield Export(conn, model_id, dim)
