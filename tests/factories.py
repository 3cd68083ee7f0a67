"""Builders: accounts, collections, pictures and embeddings, made by the app's own verbs."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from app.accounts import service as accounts
from app.accounts import service_tokens, store, store_sessions
from app.accounts.records import SCOPES, Client, Viewer
from app.accounts.secret import digest, new_secret
from app.collections import service as collections
from app.collections.records import Collection
from app.core.settings import Settings
from app.embedding.filling import Workshop
from app.embedding.models import Embedders, register
from app.embedding.records import ModelRow
from app.embedding.service import embed_pending
from app.images.service_adding import Place
from app.ingest.pipeline import Intake, add_items
from app.ingest.records import Outcome
from app.search import builds
from ml.datasets.items import Item

PASSWORD = "green lamps at noon"


def picture(seed: int, size: tuple[int, int] = (96, 64), kind: str = "PNG") -> bytes:
    """A picture's file; the same for the same seed, and unlike that of any other."""
    random = np.random.default_rng(seed)
    small = random.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    image = Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


@dataclass
class Gallery:
    """The gallery of one test."""

    intake: Intake
    settings: Settings
    embedders: Embedders = field(init=False)

    def __post_init__(self) -> None:
        self.embedders = Embedders(self.settings.models_dir)

    async def person(self, name: str, *, admin: bool = False) -> Viewer:
        """Somebody with an account and PASSWORD."""
        account = await accounts.add_account(self.intake.db, name, PASSWORD, is_admin=admin)
        return Viewer(account.id, account.name, account.is_admin)

    async def session(self, person: Viewer) -> str:
        """The secret of a new session, as the cookie of a browser holds it."""
        assert person.account_id is not None
        secret = new_secret()
        async with self.intake.db.transaction() as conn:
            account = await store.get_account(conn, person.account_id)
            assert account.password_hash is not None
            await store_sessions.insert_session(
                conn, account.id, account.password_hash, digest(secret), Client("127.0.0.1", "a browser")
            )
        return secret

    async def bearer(self, person: Viewer) -> dict[str, str]:
        """The header by which a script speaks for somebody."""
        scopes = SCOPES if person.is_admin else service_tokens.DEFAULT_SCOPES
        token = await service_tokens.make_token(self.intake.db, person, "a script", scopes=scopes)
        return {"authorization": f"Bearer {token.secret}"}

    async def collection(self, owner: Viewer, name: str, *, public: bool = False) -> Collection:
        return await collections.create(self.intake.db, owner, name, is_public=public)

    async def add(self, owner: Viewer, collection: Collection, items: Sequence[Item]) -> list[Outcome]:
        """Take items in."""
        assert owner.account_id is not None
        place = Place(owner.account_id, collection.id)
        return [one async for outcomes in add_items(self.intake, place, items) for one in outcomes]

    async def pictures(
        self, owner: Viewer, collection: Collection, seeds: Sequence[int], labels: Sequence[str] = ()
    ) -> list[int]:
        """Drawn pictures by seed; returns their ids."""
        items = [Item(f"{seed}.png", f"{seed}.png", picture(seed), tuple(labels)) for seed in seeds]
        outcomes = await self.add(owner, collection, items)
        return [one.image_id for one in outcomes if one.image_id is not None]

    async def embed(self) -> int:
        """What the worker does: make the model known and active, and embed what waits."""
        await builds.ensure_active(self.intake.db, await self.model())
        return await embed_pending(self.workshop, "baseline")

    async def model(self) -> ModelRow:
        """The row of the model, made known."""
        return await register(self.intake.db, "baseline", await self.embedders.get("baseline"))

    @property
    def workshop(self) -> Workshop:
        return Workshop(self.intake.db, self.intake.blobs, self.intake.decoder, self.embedders)


def data_of(item: Item) -> bytes:
    """The bytes of an item that holds them."""
    assert isinstance(item.content, bytes)
    return item.content
