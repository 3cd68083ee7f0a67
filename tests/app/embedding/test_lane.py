"""The fast lane: a bounded line, batches of what waits, and nobody stuck behind a crowd."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from app.core.errors import Unavailable
from app.embedding.lane import AT_ONCE, MAX_BATCH, QueryLane
from ml.decoder import Decoder
from ml.embedder import Embedder
from ml.images import PictureRefused
from ml.models.baseline import Baseline
from ml.models.model import WrongCheckpoint
from ml.models.registry import BASELINE, load_model
from tests.factories import picture
from tests.waiting import until

Input = NDArray[np.generic]


class Gated(Baseline):
    """Waits in its first batch until it is told to go on, and remembers its batches."""

    def __init__(self) -> None:
        super().__init__(BASELINE)
        self.batches: list[int] = []
        self.open = threading.Event()

    def forward(self, batch: Sequence[Input]) -> NDArray[np.float32]:
        self.batches.append(len(batch))
        assert self.open.wait(10)
        return super().forward(batch)


@pytest.fixture
def plain(tmp_path: Path) -> Embedder:
    return Embedder(load_model("baseline", cache_dir=tmp_path))


async def files(*contents: bytes) -> AsyncIterator[bytes]:
    for content in contents:
        yield content


async def test_a_picture_gets_the_embedding_it_has_anywhere(decoder: Decoder, plain: Embedder) -> None:
    vector = await QueryLane(decoder).embed(plain, picture(1))
    np.testing.assert_allclose(vector, plain.embed_bytes(picture(1)), atol=1e-6)


async def test_what_waits_meanwhile_makes_up_the_next_batches_and_each_gets_its_own(
    decoder: Decoder, plain: Embedder
) -> None:
    model = Gated()
    lane = QueryLane(decoder)
    embedder = Embedder(model)
    # The first is in the network before the others come: how quickly a machine decodes decides nothing.
    asked = [asyncio.create_task(lane.embed(embedder, picture(0)))]

    async def in_the_network() -> bool:
        return model.batches == [1]

    async def in_line() -> bool:
        return len(lane._line) == MAX_BATCH + 1

    await until(in_the_network)
    asked += [asyncio.create_task(lane.embed(embedder, picture(seed))) for seed in range(1, MAX_BATCH + 2)]
    await until(in_line)
    model.open.set()
    vectors = await asyncio.gather(*asked)
    assert model.batches == [1, MAX_BATCH, 1]
    for seed, vector in enumerate(vectors):
        np.testing.assert_allclose(vector, plain.embed_bytes(picture(seed)), atol=1e-6)


async def test_two_models_never_share_a_batch(decoder: Decoder) -> None:
    first, second = Gated(), Gated()
    lane = QueryLane(decoder)
    embedders = [Embedder(first), Embedder(second)]
    asked = [asyncio.create_task(lane.embed(embedders[seed % 2], picture(seed))) for seed in range(4)]
    first.open.set()
    second.open.set()
    await asyncio.gather(*asked)
    assert sum(first.batches) == sum(second.batches) == 2


async def test_b19_a_full_line_refuses_at_once_and_takes_in_again(decoder: Decoder) -> None:
    model = Gated()
    embedder = Embedder(model)
    lane = QueryLane(decoder, max_waiting=2)
    asked = [asyncio.create_task(lane.embed(embedder, picture(seed))) for seed in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as refused:
        await lane.embed(embedder, picture(3))
    assert refused.value.retry_after_s == 1
    model.open.set()
    await asyncio.gather(*asked)
    assert (await lane.embed(embedder, picture(3))).shape == (embedder.model.dim,)


async def test_many_files_come_back_in_order_with_reasons(decoder: Decoder, plain: Embedder) -> None:
    contents = [picture(seed) for seed in range(AT_ONCE + 2)]
    contents[2] = b"no picture"
    found = await QueryLane(decoder).embed_many(plain, files(*contents))
    assert len(found) == len(contents)
    assert isinstance(found[2], str)
    assert "not a picture" in found[2]
    for seed, vector in enumerate(found):
        if not isinstance(vector, str):
            np.testing.assert_allclose(vector, plain.embed_bytes(picture(seed)), atol=1e-6)


async def test_many_files_leave_room_for_others(decoder: Decoder) -> None:
    """A crowd of pictures in one request has only AT_ONCE of them in line; a query takes its turn between them."""
    model = Gated()
    embedder = Embedder(model)
    lane = QueryLane(decoder)
    crowd = asyncio.create_task(lane.embed_many(embedder, files(*(picture(seed) for seed in range(20)))))
    await asyncio.sleep(0.05)
    query = asyncio.create_task(lane.embed(embedder, picture(99)))

    async def in_line() -> bool:
        return any(one.embedder is embedder for one in lane._line) and len(lane._line) <= AT_ONCE + 1

    await until(in_line)
    model.open.set()
    await query
    assert not crowd.done(), "the query did not wait for the whole crowd"
    assert len(await crowd) == 20


async def test_a_picture_that_is_none_is_refused_with_its_reason(decoder: Decoder, plain: Embedder) -> None:
    with pytest.raises(PictureRefused, match="the file is empty"):
        await QueryLane(decoder).embed(plain, b"")


async def test_a_picture_that_the_model_makes_nothing_of_is_refused(decoder: Decoder) -> None:
    class Blind(Baseline):
        def forward(self, batch: Sequence[Input]) -> NDArray[np.float32]:
            return np.zeros((len(batch), self.dim), np.float32)

    with pytest.raises(PictureRefused, match="nothing in this picture"):
        await QueryLane(decoder).embed(Embedder(Blind(BASELINE)), picture(1))


async def test_a_model_that_fails_is_told_and_the_line_goes_on(decoder: Decoder, plain: Embedder) -> None:
    class Gone(Baseline):
        def forward(self, batch: Sequence[Input]) -> NDArray[np.float32]:
            raise WrongCheckpoint("its files have changed")

    lane = QueryLane(decoder)
    with pytest.raises(Unavailable, match="its files have changed"):
        await lane.embed(Embedder(Gone(BASELINE)), picture(1))
    assert (await lane.embed(plain, picture(1))).shape == (plain.model.dim,)
