"""Embeddings as JSON, for those who want the vectors only."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
from litestar import post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body

from app.accounts.guards import READS
from app.core.errors import Invalid, TooLarge
from app.core.settings import Settings
from app.embedding.lane import QueryLane
from ml.embedder import Embedder


@dataclass
class EmbeddingsForm:
    """`file`, repeated for several pictures."""

    file: list[UploadFile] = field(default_factory=list[UploadFile])


class RefusedPicture(msgspec.Struct):
    """A picture that has no vector, by its place among the files, and why."""

    position: int
    file: str
    reason: str


class EmbeddingsOut(msgspec.Struct):
    """Vectors in the order of the files, each of length 1; null for a picture that was refused."""

    model: str
    identity: str
    dim: int
    vectors: list[list[float] | None]
    refused: list[RefusedPicture]


@post(
    "/api/v1/embeddings",
    tags=["embeddings"],
    operation_id="createEmbeddings",
    opt=READS,
    summary="Embed pictures",
    status_code=200,
)
async def create_embeddings(
    lane: NamedDependency[QueryLane],
    embedder: NamedDependency[Embedder],
    settings: NamedDependency[Settings],
    data: Annotated[EmbeddingsForm, Body(media_type=RequestEncodingType.MULTI_PART)],
) -> EmbeddingsOut:
    """The vectors of pictures by the gallery's model; nothing is stored.

    Vectors compare by their dot product, and only with those of the same `identity`. 422 when every picture was
    refused, 503 when too many wait already.
    """
    if not data.file:
        raise Invalid("send at least one picture in the field `file`")
    found = await lane.embed_many(embedder, _contents(data.file, settings.max_upload_bytes))
    refused = [
        RefusedPicture(position, data.file[position].filename, one)
        for position, one in enumerate(found)
        if isinstance(one, str)
    ]
    if len(refused) == len(found):
        detail = refused[0].reason if len(refused) == 1 else f"none of the {len(refused)} pictures could be embedded"
        raise Invalid(detail, extra={"refused": [msgspec.to_builtins(one) for one in refused]})
    model = embedder.model
    vectors = [None if isinstance(one, str) else one.tolist() for one in found]
    return EmbeddingsOut(model.spec.name, model.identity, model.dim, vectors, refused)


async def _contents(files: Sequence[UploadFile], max_bytes: int) -> AsyncIterator[bytes]:
    """Each file's bytes when its turn comes. Raises TooLarge."""
    for file in files:
        content = await file.read(max_bytes + 1)
        if len(content) > max_bytes:
            raise TooLarge(f"{file.filename}: a picture may have at most {max_bytes // (1024 * 1024)} MiB")
        yield content


handlers: list[Any] = [create_embeddings]
