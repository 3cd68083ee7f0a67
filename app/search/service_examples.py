"""Stored pictures that a search should be like, and some that it should not."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.accounts.records import Viewer
from app.core.database import Connection
from app.core.errors import Conflict, Invalid, NotFound
from app.embedding import store as embedding_store
from app.images import store as image_store
from app.search.searcher import Searcher
from ml.embedder import NoDirection, combine

MAX_EXAMPLES = 100

Vector = NDArray[np.float32]


def list_examples(liked: Sequence[int], disliked: Sequence[int]) -> list[int]:
    """All of them, each once. Raises Invalid for too many."""
    examples = [*dict.fromkeys([*liked, *disliked])]
    if len(examples) > MAX_EXAMPLES:
        raise Invalid(f"a search takes at most {MAX_EXAMPLES} examples, not {len(examples)}")
    return examples


async def get_vectors(
    conn: Connection, viewer: Viewer, searcher: Searcher, examples: Sequence[int]
) -> dict[int, Vector]:
    """Their embeddings. Raises NotFound when the viewer may not see one, Conflict while one has no embedding."""
    if len(await image_store.list_visible(conn, viewer, examples)) < len(examples):
        raise NotFound("no such picture")
    ids, vectors = await embedding_store.list_embeddings(conn, searcher.model.id, searcher.model.dim, examples)
    if len(ids) < len(examples):
        raise Conflict("this picture is not searchable yet: it waits for its embedding", hint="Try again in a moment.")
    return dict(zip(ids.tolist(), vectors, strict=True))


def combine_examples(liked: Sequence[Vector], disliked: Sequence[Vector]) -> Vector:
    """The one vector to search with. Raises Invalid for likes and dislikes that cancel each other out."""
    try:
        return combine(liked, disliked)
    except NoDirection as error:
        raise Invalid("what you like and what you do not cancel each other out") from error
