"""Waiting for what another task, thread or process does."""

import asyncio
from collections.abc import Awaitable, Callable

PATIENCE_S = 20


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Return as soon as the condition holds. Raises TimeoutError when it never does."""
    async with asyncio.timeout(PATIENCE_S):
        while not await condition():  # noqa: ASYNC110  # nothing tells of it
            await asyncio.sleep(0.01)
