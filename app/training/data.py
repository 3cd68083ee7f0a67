"""The pictures of a training, as they are named: a folder, a data set as its makers distribute it, a collection."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from app.collections import service as collections
from app.core.blobs import BlobStore
from app.core.errors import Conflict
from app.core.runtime import cli_database
from app.core.settings import Settings
from app.training import store_pictures
from app.training.records import StoredPicture
from ml.datasets.folder import read_folder
from ml.datasets.items import DataSet, Flaw, Item
from ml.evaluation.sets import TEST, find_reader
from ml.training.pictures import Picture, Refused, read_pictures

COLLECTION = "collection:"


@dataclass(frozen=True, slots=True)
class Chosen:
    """Pictures to learn from, and what a data set has that is none. `left_out` are those of its test part."""

    name: str
    pictures: list[Picture]
    refused: list[Refused]
    left_out: int = 0


def read_data(path: Path, limit: int | None, seed: int) -> Chosen:
    """What lies at a path; the test part of a data set that has others is left to evaluation. Raises DataSetError."""
    reader = find_reader(path)
    found = reader(path) if reader is not None else read_folder(path, "folder")
    rest = _Rest()
    pictures, refused = read_pictures(replace(found, items=rest.without_test(found)))
    if not pictures:
        pictures, rest = rest.pictures(), _Rest()
    return Chosen(found.title, draw(pictures, limit, seed), refused, len(rest.items))


async def read_collection(settings: Settings, name: str, limit: int | None, seed: int) -> Chosen:
    """The pictures of a collection of this machine's gallery. Raises Conflict without one, NotFound."""
    if settings.database_url is None and not (settings.data_dir / "postgres").exists():
        raise Conflict(
            f"there is no gallery in {settings.data_dir}",
            hint="name a folder of pictures, or set LIKENESS_DATA_DIR to the gallery's folder",
        )
    async with cli_database(settings) as db, db.transaction() as conn:
        collection_id = await collections.resolve_any(conn, name)
        stored = await store_pictures.list_pictures(conn, collection_id)
    blobs = BlobStore(settings.blobs_dir)
    return Chosen(name, draw([_picture(one, blobs) for one in stored], limit, seed), [])


def draw(pictures: Sequence[Picture], limit: int | None, seed: int) -> list[Picture]:
    """At most `limit` of the pictures, drawn by the seed, in their order."""
    if limit is None or limit >= len(pictures):
        return list(pictures)
    rows = np.random.default_rng(seed).permutation(len(pictures))[:limit]
    return [pictures[row] for row in sorted(rows.tolist())]


def _picture(stored: StoredPicture, blobs: BlobStore) -> Picture:
    return Picture(f"picture {stored.id}", blobs.original(stored.digest), stored.label)


class _Rest:
    """The items of the test part, which are held back while the others come by."""

    def __init__(self) -> None:
        self.items: list[Item] = []

    def without_test(self, found: DataSet) -> Iterator[Item | Flaw]:
        for one in found.items:
            if isinstance(one, Item) and one.split == TEST:
                self.items.append(one)
            else:
                yield one

    def pictures(self) -> list[Picture]:
        """All of them: a data set that has no other part."""
        return read_pictures(DataSet("", self.items))[0]
