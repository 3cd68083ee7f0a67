"""`likeness user`."""

import asyncio
import json
from collections.abc import Callable, Iterator

import pytest
import structlog
from click.testing import CliRunner, Result

from app.accounts import service, service_claims, service_tokens
from app.accounts.commands import user
from app.accounts.passwords import matches
from app.core.database import Database

Likeness = Callable[..., Result]

PASSWORD = "green lamps at noon"


@pytest.fixture
def likeness(db: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Likeness]:
    """Runs `likeness user …` on the test's database."""
    monkeypatch.setenv("LIKENESS_DATABASE_URL", db.conninfo)
    monkeypatch.setenv("LIKENESS_PUBLIC_URL", "https://pictures.example.org")

    def run(*arguments: str, stdin: str = "") -> Result:
        return CliRunner().invoke(user, arguments, input=stdin)

    yield run
    structlog.reset_defaults()  # a command configures the logs of its process, which here is ours


def add(likeness: Likeness, name: str, *options: str) -> None:
    result = likeness("add", name, "--password-stdin", *options, stdin=PASSWORD + "\n")
    assert result.exit_code == 0, result.output


def test_add_and_list(likeness: Likeness) -> None:
    add(likeness, "root", "--admin")
    result = likeness("add", "Ada", "--password-stdin", "--json", stdin=PASSWORD + "\n")
    added = json.loads(result.stdout)
    assert (added["name"], added["is_admin"], added["state"]) == ("Ada", False, "active")
    listed = json.loads(likeness("list", "--json").stdout)
    assert [(one["name"], one["is_admin"]) for one in listed] == [("Ada", False), ("root", True)]
    assert PASSWORD not in str(listed)
    assert likeness("list").stdout == "Ada\tuser\tactive\nroot\tadmin\tactive\n"


@pytest.mark.parametrize(
    ("name", "password", "words"),
    [
        ("ADA", PASSWORD, "called ADA already"),
        ("1815", PASSWORD, "all digits"),
        ("bob", "short", "8 to 256"),
        ("bob", "", "8 to 256"),
    ],
)
def test_add_says_why_not(likeness: Likeness, name: str, password: str, words: str) -> None:
    add(likeness, "ada")
    result = likeness("add", name, "--password-stdin", stdin=password)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert words in result.stderr


def test_without_a_terminal_a_password_must_be_given_somehow(likeness: Likeness) -> None:
    result = likeness("add", "bob")
    assert result.exit_code == 2
    assert "--password-stdin" in result.stderr
    assert likeness("add", "bob", "--claim", "--admin").exit_code == 2
    assert likeness("token", "bob", "--days", "0").exit_code == 2


def test_add_with_a_claim_link(likeness: Likeness, db: Database) -> None:
    result = likeness("add", "bob", "--claim", "--json")
    added = json.loads(result.stdout)
    assert added["state"] == "unclaimed"
    base, _, token = added["claim_url"].rpartition("/")
    assert base == "https://pictures.example.org/claim"

    async def claimed() -> str:
        async with Database(db.conninfo) as own:
            return (await service_claims.get_claimed(own, token)).name

    assert asyncio.run(claimed()) == "bob"
    assert "https://pictures.example.org/claim/" in likeness("add", "eve", "--claim").stdout


def test_passwd(likeness: Likeness, db: Database) -> None:
    add(likeness, "ada")
    assert likeness("passwd", "ada", "--password-stdin", stdin="blue lamps at night\r\n").exit_code == 0

    async def changed() -> bool:
        async with Database(db.conninfo) as own:
            return await matches((await service.get_account(own, "ada")).password_hash, "blue lamps at night")

    assert asyncio.run(changed())
    assert likeness("passwd", "nobody", "--password-stdin", stdin=PASSWORD).exit_code == 1


def test_disable_and_enable(likeness: Likeness) -> None:
    add(likeness, "ada")
    assert likeness("disable", "ada").exit_code == 0
    assert "ada\tuser\tdisabled" in likeness("list").stdout
    assert likeness("enable", "ada").exit_code == 0
    assert "ada\tuser\tactive" in likeness("list").stdout


def test_the_last_admin_stays(likeness: Likeness) -> None:
    add(likeness, "root", "--admin")
    result = likeness("disable", "root")
    assert result.exit_code == 1
    assert "last admin" in result.stderr
    add(likeness, "second", "--admin")
    assert likeness("disable", "root").exit_code == 0


def test_token(likeness: Likeness, db: Database) -> None:
    add(likeness, "ada")
    secret = likeness("token", "ada", "--name", "cron").stdout.strip()
    made = json.loads(likeness("token", "ada", "--days", "7", "--json").stdout)

    async def names() -> list[str | None]:
        async with Database(db.conninfo) as own:
            viewers = [await service_tokens.find_viewer(own, one) for one in (secret, made["token"])]
            return [viewer.name if viewer else None for viewer in viewers]

    assert asyncio.run(names()) == ["ada", "ada"]
    assert made["scopes"] == ["read", "write"]
    reader = json.loads(likeness("token", "ada", "--scope", "read", "--json").stdout)
    assert reader["scopes"] == ["read"]
    assert "only an admin's token" in likeness("token", "ada", "--scope", "admin").stderr
    assert likeness("token", "ada", "--scope", "everything").exit_code == 2
    result = likeness("token", "nobody")
    assert result.exit_code == 1
    assert "nobody here is called nobody" in result.stderr
