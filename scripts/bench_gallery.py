"""A gallery of synthetic pictures for benchmarks: its rows and vectors put straight into a Postgres of its own."""

import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

import numpy as np
import psycopg
from numpy.typing import NDArray

from app.accounts import service as accounts
from app.accounts import service_sessions
from app.accounts.records import NOBODY, Client, Viewer
from app.collections import service as collections
from app.core.database import Connection, Database
from app.core.postgres import EmbeddedPostgres
from app.core.runtime import open_blobs
from app.core.schema import migrate
from app.core.settings import Settings
from app.embedding import store as embedding_store
from app.embedding.models import Embedders
from app.embedding.records import ModelRow
from app.images import service_counts
from app.search import builds
from scripts.bench_vectors import generate

MODEL = "baseline"
METRICS_TOKEN = token_hex()
NAME, PASSWORD = "bench", "green lamps at noon"
COLLECTIONS = 10
"""Picture `id` stands in collection `id % 10`; the last one is private, so every search has a filter of nine tenths."""

PAIRS = 60
"""Pictures 10i + 1 have a near copy: 10i + 2, of a cosine of about COPY_COSINE with it."""

COPY_COSINE = 0.99
CHUNK = 20_000


@dataclass(frozen=True, slots=True)
class Gallery:
    """A filled gallery whose database runs. Pictures have the ids 1 to `count`."""

    settings: Settings
    conninfo: str
    count: int
    model: ModelRow
    session: str
    """The secret of a session of the owner of all pictures."""

    @property
    def environment(self) -> dict[str, str]:
        """For processes of ours that work on it; numpy's own threads would fight those that search."""
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("LIKENESS_")},
            "OPENBLAS_NUM_THREADS": "1",
            "LIKENESS_DATABASE_URL": self.conninfo,
            "LIKENESS_DATA_DIR": str(self.settings.data_dir),
            "LIKENESS_MODEL": MODEL,
            "LIKENESS_EXACT_BELOW": str(self.settings.exact_below),
            "LIKENESS_METRICS_TOKEN": METRICS_TOKEN,
            "LIKENESS_LOG_LEVEL": "warning",
        }

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """(original, near copy), all of them public."""
        return [(10 * place + 1, 10 * place + 2) for place in range(PAIRS)]

    def is_private(self, image_id: int) -> bool:
        return image_id % COLLECTIONS == COLLECTIONS - 1

    def draw(self, random: np.random.Generator) -> int:
        """A public picture that is no copy."""
        while True:
            image_id = int(random.integers(1, self.count + 1))
            if not self.is_private(image_id) and (image_id > 10 * PAIRS or image_id % 10 != 2):
                return image_id


@contextmanager
def running_postgres(folder: Path) -> Generator[str]:
    """The conninfo of a migrated Postgres in `folder`/data, which an unprivileged user must be able to reach."""
    folder.chmod(0o711)
    with EmbeddedPostgres(folder / "data") as postgres:
        migrate(postgres.conninfo)
        yield postgres.conninfo


async def fill(folder: Path, conninfo: str, count: int, dim: int, *, exact_below: int) -> Gallery:
    """Fill the database with `count` pictures without files, and with their vectors. Raises ValueError for too few."""
    if count < 10 * PAIRS:
        raise ValueError(f"a gallery for benchmarks has at least {10 * PAIRS} pictures")
    settings = Settings(folder / "data", database_url=conninfo, model=MODEL, exact_below=exact_below)
    vectors = with_copies(generate(count, dim, 1).vectors)
    async with Database(conninfo) as db:
        await open_blobs(db, settings)
        owner = await accounts.add_account(db, NAME, PASSWORD, is_admin=True)
        viewer = Viewer(owner.id, owner.name, is_admin=True)
        made = [
            await collections.create(db, viewer, f"Collection {place}", is_public=place < COLLECTIONS - 1)
            for place in range(COLLECTIONS)
        ]
        model = await _register(db, settings, dim)
        for start in range(0, count, CHUNK):
            ids = np.arange(start + 1, min(start + CHUNK, count) + 1)
            async with db.transaction() as conn:
                await _insert_pictures(conn, owner.id, [one.id for one in made], ids)
                await embedding_store.append_embeddings(conn, model.id, ids.tolist(), vectors[ids - 1])
        await service_counts.fold_counts(db)  # as the worker does
        with psycopg.connect(conninfo, autocommit=True) as conn:
            conn.execute("VACUUM ANALYZE")
        session = await service_sessions.sign_in(db, NOBODY, Client("127.0.0.1", "a benchmark"), NAME, PASSWORD)
    return Gallery(settings, conninfo, count, model, session)


def with_copies(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same vectors [n, dim], the PAIRS' second ones replaced by near copies of the first ones."""
    originals = vectors[: 10 * PAIRS : 10]
    noise = np.random.default_rng(1).normal(size=originals.shape).astype(np.float32)
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    copies = originals + np.tan(np.arccos(COPY_COSINE)) * noise
    vectors[1 : 10 * PAIRS : 10] = copies / np.linalg.norm(copies, axis=1, keepdims=True)
    return vectors


async def _register(db: Database, settings: Settings, dim: int) -> ModelRow:
    """A row of the model's identity, which web processes ask for, with vectors of `dim`: none is computed here."""
    embedder = await Embedders(settings.models_dir).get(MODEL)
    async with db.transaction() as conn:
        model = await embedding_store.put_model(conn, MODEL, embedder.model.identity, dim)
    await builds.ensure_active(db, model)
    return model


async def _insert_pictures(
    conn: Connection, owner_id: int, collection_ids: Sequence[int], ids: NDArray[np.int64]
) -> None:
    asked = {"owner": owner_id, "first": int(ids[0]), "last": int(ids[-1]), "collections": list(collection_ids)}
    await conn.execute(
        """
        INSERT INTO image (id, owner_id, digest, filename, format, width, height, size_bytes, created_at, document)
        OVERRIDING SYSTEM VALUE
        SELECT id, %(owner)s, sha256(int8send(id)), name, format[1 + (id * 7 + id / 13) %% 20], width, height, 100000,
            timestamptz '2024-01-01' + id * interval '1 minute', image_document(name, '{}', '{}')
        FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS id
        CROSS JOIN LATERAL (SELECT
            (ARRAY['sea', 'hill', 'tower', 'garden'])[1 + id %% 4] || ' ' || id || '.jpg' AS name,
            array_fill('JPEG'::text, ARRAY[16]) || ARRAY['PNG', 'PNG', 'WEBP', 'HEIF'] AS format,
            (ARRAY[640, 640, 1024, 3000, 4000, 4000])[1 + (id / 3) %% 6] AS width,
            (ARRAY[480, 480, 1024, 4000, 3000, 1200])[1 + (id / 3) %% 6] AS height) AS drawn
        """,
        asked,
    )
    # Two labels each: one of 200 by its frequency, the tenth as frequent at a tenth of the way, and one of four.
    await conn.execute(
        """
        INSERT INTO label (name) SELECT 'label ' || n FROM generate_series(0, 203) AS n ON CONFLICT DO NOTHING
        """
    )
    await conn.execute(
        """
        INSERT INTO image_label (image_id, label_id, position)
        SELECT one.id, label.id, place FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS one (id)
        CROSS JOIN LATERAL (VALUES
            (floor(200 * power((one.id * 2654435761 %% 10007) / 10007.0, 3))::int, 1), (200 + (one.id %% 4)::int, 2)
        ) AS carried (number, place)
        JOIN label ON label.name = 'label ' || number
        """,
        asked,
    )
    await conn.execute(
        """
        INSERT INTO collection_image (collection_id, image_id, digest)
        SELECT (%(collections)s::bigint[])[1 + id %% cardinality(%(collections)s::bigint[])], id, digest
        FROM image WHERE id BETWEEN %(first)s AND %(last)s
        """,
        asked,
    )
