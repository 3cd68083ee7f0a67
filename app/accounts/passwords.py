"""Passwords: which are accepted, and how they are hashed and compared (argon2id)."""

import asyncio
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from app.core.errors import Invalid, SignInNeeded

MIN_LENGTH = 8
MAX_LENGTH = 256

# OWASP's smallest argon2id: 19 MiB, two passes, one lane.
MEMORY_KIB = 19_456
PASSES = 2
LANES = 1

_HASHER = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
# A hash that no password matches: comparing with it costs an unknown name the time of a wrong password.
_NO_PASSWORD = f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${'A' * 22}${'A' * 43}"
# Two threads are the limit of two hashes at once, and keep them off the event loop; argon2 frees the GIL.
_THREADS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")


class WrongPassword(SignInNeeded):
    """The name and the password do not belong together."""

    title = "Wrong name or password"


async def make_hash(password: str) -> str:
    """The password's argon2id hash in PHC format, with a salt of its own."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _HASHER.hash, _encode(password))


async def matches(password_hash: str | None, password: str) -> bool:
    """True when the hash is the password's. Takes as long when there is no hash to compare with."""
    return await asyncio.get_running_loop().run_in_executor(
        _THREADS, _matches, password_hash or _NO_PASSWORD, _encode(password)
    )


def needs_rehash(password_hash: str) -> bool:
    """True for a hash that was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(password_hash)


def check_password(password: str, name: str) -> None:
    """Raises Invalid for a password that is too short, too long, or among the first to be guessed."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise Invalid(f"a password has {MIN_LENGTH} to {MAX_LENGTH} characters")
    folded = password.casefold()
    if folded in _common() or len(set(folded)) == 1:
        raise Invalid("this password is one of the first that anybody would try: choose another")
    if folded.strip() == name.strip().casefold():
        raise Invalid("a password is not the account's name: choose another")


def _matches(password_hash: str, password: bytes) -> bool:
    try:
        return _HASHER.verify(password_hash, password)
    except VerifyMismatchError:
        return False


def _encode(password: str) -> bytes:
    """NFKC makes one of what keyboards compose in different ways (NIST SP 800-63B, 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


@cache
def _common() -> frozenset[str]:
    """The most common passwords of 8 characters or more, after zxcvbn's list by frequency."""
    text = Path(__file__).with_name("common_passwords.txt").read_text("utf-8")
    return frozenset(text.split())
