"""The throttle: how often a password may be tried, for each name or link and for each address."""

import math

from app.accounts import store_attempts
from app.accounts.secret import digest
from app.core.database import Database
from app.core.errors import RateLimit, TooMany

MOST = 10
WINDOW_S = 300
LIMIT = RateLimit("wrong-passwords", MOST, WINDOW_S)


async def admit(db: Database, *subjects: str) -> list[int]:
    """Count an attempt against each subject before the password is looked at; returns what `forgive` takes back.

    Counted first, so that any number of attempts at once are no more guesses than one after another. Only digests
    are kept, for people type passwords into fields of names. Raises TooMany once a subject has had ten that were
    not right in five minutes, whether it exists or not.
    """
    digests = sorted(digest(subject) for subject in subjects)  # in one order, so that no two wait for each other
    async with db.transaction() as conn:
        await store_attempts.delete_old(conn, WINDOW_S)
        waits: list[float] = []
        for one in digests:
            await store_attempts.lock(conn, one)
            wait = await store_attempts.wait_s(conn, one, MOST, WINDOW_S)
            if wait is not None:
                waits.append(wait)
        if not waits:
            return await store_attempts.insert(conn, digests)
    raise TooMany(
        "too many wrong passwords in the last few minutes", retry_after_s=max(1, math.ceil(max(waits))), limit=LIMIT
    )


async def forgive(db: Database, attempts: list[int]) -> None:
    """The password was right: this attempt does not count. Earlier ones do, or one right one would pardon guesses."""
    async with db.transaction() as conn:
        await store_attempts.delete(conn, attempts)
