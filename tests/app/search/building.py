"""Builds, versions and damage, for the tests of an index's life."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from app.core import changes
from app.core.changes import Change
from app.embedding import store as embedding_store
from app.search import builds, construction, store
from app.search.index.ivf import BuiltIndex
from app.search.records import IndexVersion
from app.search.searcher import version_dir
from tests.factories import Gallery


async def build(gallery: Gallery, exact_below: int = 20_000) -> IndexVersion:
    """Builds; the newest version then."""
    model = await gallery.model()
    settings = replace(gallery.settings, exact_below=exact_below)
    await builds.build(gallery.intake.db, settings, model.id, None)
    return (await versions(gallery))[0]


async def versions(gallery: Gallery) -> list[IndexVersion]:
    async with gallery.intake.db.transaction() as conn:
        return await store.list_versions(conn)


def folder_of(gallery: Gallery, version: IndexVersion) -> Path:
    return version_dir(gallery.settings.indexes_dir, version.id)


def flip(path: Path) -> None:
    """One bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x01
    path.chmod(0o644)
    path.write_bytes(bytes(content))


def find_too_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every build from now on measures a recall of one half."""
    honest = construction.ivf.build

    def build_badly(*arguments: Any, **options: Any) -> BuiltIndex:
        built = honest(*arguments, **options)
        return replace(built, setting=built.setting._replace(recall=0.5))

    monkeypatch.setattr(construction.ivf, "build", build_badly)


async def fill(gallery: Gallery, owner_id: int, collection_id: int, count: int, seed: int = 1) -> list[int]:
    """So many pictures that are rows and vectors alone, drawn at random, as the log tells of them."""
    model = await gallery.model()
    async with gallery.intake.db.transaction() as conn:
        cursor = await conn.execute(
            """
            WITH made AS (
                INSERT INTO image (owner_id, digest, filename, format, width, height, size_bytes)
                SELECT %(owner)s, sha256(('fake ' || %(seed)s::text || ' ' || n)::bytea), n || '.png', 'PNG', 8, 8, 1
                FROM generate_series(1, %(count)s) AS n RETURNING id, digest),
            standing AS (
                INSERT INTO collection_image (collection_id, image_id, digest)
                SELECT %(collection)s, id, digest FROM made)
            SELECT id FROM made ORDER BY id
            """,
            {"owner": owner_id, "seed": seed, "count": count, "collection": collection_id},
        )
        ids = [row[0] for row in await cursor.fetchall()]
        await embedding_store.append_embeddings(conn, model.id, ids, random_vectors(count, model.dim, seed))
        joined = [Change("joined", one, collection_id=collection_id) for one in ids]
        embedded = [Change("embedded", one, model_id=model.id) for one in ids]
        await changes.append(conn, [*joined, *embedded])
    return ids


def random_vectors(count: int, dim: int, seed: int = 1) -> NDArray[np.float32]:
    """float32 [count, dim], L2-normalised: without any structure, so that few cells find little."""
    drawn = np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
