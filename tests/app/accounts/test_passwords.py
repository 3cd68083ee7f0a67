"""Passwords: rules and hashes."""

import asyncio
import threading
import time

import pytest
from argon2 import PasswordHasher, extract_parameters

from app.accounts import passwords
from app.accounts.passwords import check_password, make_hash, matches, needs_rehash
from app.core.errors import Invalid


@pytest.mark.parametrize(
    "password",
    [
        "",
        "short77",
        "x" * 257,
        "password",
        "PassWord1",
        "qwertyuiop",
        "zzzzzzzzzzzz",
        "Ada Lovelace",
        "contraseña",
    ],
)
def test_a6_refuses_what_is_short_long_or_common(password: str) -> None:
    with pytest.raises(Invalid):
        check_password(password, "ada lovelace")


@pytest.mark.parametrize("password", ["sunken-8", "y" * 255 + "z", "тишина над водой", "        .", "48151623429"])
def test_a6_takes_any_other(password: str) -> None:
    check_password(password, "ada")


async def test_a5_hashes_with_argon2id_of_19_mib() -> None:
    password_hash = await make_hash("green lamps at noon")
    used = extract_parameters(password_hash)
    assert (used.type.name, used.memory_cost, used.time_cost, used.parallelism) == ("ID", 19_456, 2, 1)
    assert await matches(password_hash, "green lamps at noon")
    assert not await matches(password_hash, "green lamps at night")
    assert password_hash != await make_hash("green lamps at noon")


async def test_a5_knows_hashes_of_other_strength() -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("green lamps at noon")
    assert await matches(weak, "green lamps at noon")
    assert needs_rehash(weak)
    assert not needs_rehash(await make_hash("green lamps at noon"))


async def test_composed_and_decomposed_letters_are_one_password() -> None:
    assert await matches(await make_hash("caf\u00e9 at noon"), "cafe\u0301 at noon")


async def test_a_password_may_be_any_text() -> None:
    odd = "\x00\udcff\U0001f9a9 flamingo"
    assert await matches(await make_hash(odd), odd)


async def test_a10_nothing_matches_a_missing_hash_and_it_is_as_much_work() -> None:
    assert not await matches(None, "green lamps at noon")
    stand_in = extract_parameters(passwords._NO_PASSWORD)
    assert stand_in == extract_parameters(await make_hash("green lamps at noon"))


async def test_a5_at_most_two_at_once_and_none_on_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    running: set[int] = set()
    most = 0

    def slow(_hash: str, _password: bytes) -> bool:
        nonlocal most
        running.add(threading.get_ident())
        most = max(most, len(running))
        time.sleep(0.02)
        running.discard(threading.get_ident())
        return True

    monkeypatch.setattr(passwords, "_matches", slow)
    await asyncio.gather(*(matches(None, "x") for _ in range(8)))
    assert most == 2
