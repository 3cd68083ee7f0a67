"""Pictures without files: rows and random vectors put straight into the database, by the hundred."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.accounts.records import Viewer
from app.core import changes
from app.core.changes import Change
from app.core.database import Database
from app.embedding import store as embedding_store
from app.embedding.records import ModelRow


def directions(count: int, dim: int, seed: int) -> NDArray[np.float32]:
    """Random directions: float32 [count, dim], L2-normalised."""
    drawn = np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


async def scatter(
    db: Database,
    owner: Viewer,
    model: ModelRow,
    vectors: NDArray[np.float32],
    collections: Sequence[Sequence[int]],
    labels: Sequence[Sequence[str]] | None = None,
) -> list[int]:
    """Pictures with these vectors; each stands in its collections and carries its labels. Returns their ids."""
    digests = [
        hashlib.sha256(vector.tobytes() + bytes([number % 256])).digest() for number, vector in enumerate(vectors)
    ]
    async with db.transaction() as conn:
        cursor = await conn.execute(
            """
            INSERT INTO image (owner_id, digest, filename, format, width, height, size_bytes)
            SELECT %s, digest, 'drawn.png', 'PNG', 8, 8, 1
            FROM unnest(%s::bytea[]) WITH ORDINALITY AS one (digest, place) ORDER BY place RETURNING id
            """,
            (owner.account_id, digests),
        )
        ids = [row[0] for row in await cursor.fetchall()]
        standing = [(one, ids[n], digests[n]) for n, chosen in enumerate(collections) for one in chosen]
        await conn.execute(
            "INSERT INTO collection_image (collection_id, image_id, digest) "
            "SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bytea[])",
            tuple(list(column) for column in zip(*standing, strict=True)),
        )
        carried = [(word, ids[n]) for n, words in enumerate(labels or []) for word in words]
        names = sorted({word for word, _ in carried})
        await conn.execute("INSERT INTO label (name) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING", (names,))
        await conn.execute(
            "INSERT INTO image_label (image_id, label_id, position) "
            "SELECT one.image, label.id, row_number() OVER (PARTITION BY one.image) "
            "FROM unnest(%s::text[], %s::bigint[]) AS one (word, image) JOIN label ON label.name = one.word",
            ([word for word, _ in carried], [image for _, image in carried]),
        )
        await embedding_store.append_embeddings(conn, model.id, ids, vectors)
        await changes.append(
            conn,
            [Change("embedded", one, model_id=model.id) for one in ids]
            + [Change("joined", image, collection_id=one) for one, image, _ in standing],
        )
    return ids
