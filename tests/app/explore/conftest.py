"""A collection of two kinds of pictures, told apart by their vectors, and those who share it."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from app.accounts.records import Viewer
from app.collections import service as collections
from app.collections.records import Collection
from app.core import jobs
from app.core.database import Database
from app.explore import running, service, store
from app.explore.service import Proposals
from tests.app.search.scattered import directions, scatter
from tests.factories import Gallery

KINDS = (8, 4)
"""How many pictures of each kind."""


def kinds(counts: tuple[int, ...], dim: int) -> NDArray[np.float32]:
    """Vectors about as many directions as there are counts, one after the other; each first one is the direction."""
    centres = np.repeat(directions(len(counts), dim, 0), counts, axis=0)
    strength = np.concatenate([np.arange(count) for count in counts]).astype(np.float32)[:, None] * 0.02
    near = centres + strength * directions(len(centres), dim, 1)
    return near / np.linalg.norm(near, axis=1, keepdims=True)


@dataclass(frozen=True, slots=True)
class Shelf:
    """`ids` are the pictures, kind after kind."""

    db: Database
    gallery: Gallery
    anna: Viewer
    collection: Collection
    ids: list[int]

    async def group(self, groups: int | None = 2, seed: int = 0) -> Proposals:
        """Ask for a grouping, and do what the worker does."""
        await service.begin(self.db, self.anna, self.collection.id, groups=groups, seed=seed)
        await self.work()
        return await self.look()

    async def work(self) -> None:
        async with self.db.transaction() as conn:
            made = await store.find_grouping(conn, self.collection.id)
        assert made is not None
        await running.run(self.db, made.id, made.job_id)

    async def look(self) -> Proposals:
        return await service.look(self.db, self.anna, self.collection.id)

    async def member(self, name: str, role: str) -> Viewer:
        person = await self.gallery.person(name)
        await collections.add_member(self.db, self.anna, self.collection.id, name, role)
        return person

    async def job(self, job_id: int) -> jobs.Job:
        async with self.db.transaction() as conn:
            return await jobs.get(conn, job_id)

    async def labels(self) -> list[list[str]]:
        """Of each picture, in order."""
        async with self.db.transaction() as conn:
            carried = await store.list_labels(conn, self.ids)
        return [sorted(label for image_id, label in carried if image_id == one) for one in self.ids]


@pytest.fixture
async def shelf(gallery: Gallery, db: Database) -> Shelf:
    anna = await gallery.person("anna")
    await gallery.embed()
    model = await gallery.model()
    collection = await gallery.collection(anna, "Birds")
    labels = [["wren"] if place in (0, 1, 2, 3, 11) else [] for place in range(sum(KINDS))]
    standing = [[collection.id]] * sum(KINDS)
    ids = await scatter(db, anna, model, kinds(KINDS, model.dim), standing, labels)
    return Shelf(db, gallery, anna, collection, ids)
