"""`likeness user`: the operator's way to accounts, which needs no sign-in."""

import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any, TypeVar

import click

from app.accounts import service, service_claims, service_tokens, service_usage
from app.accounts.records import SCOPES, Account, NewToken, Quota, Scope, Usage
from app.core.commands import json_option, print_json, run, start
from app.core.database import Database
from app.core.runtime import cli_database
from app.core.settings import Settings

Result = TypeVar("Result")

stdin_option = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")


@click.group()
def user() -> None:
    """People who may sign in, and their API tokens."""


@user.command()
@click.argument("name")
@click.option("--admin", is_flag=True, help="Lets them see the admin pages.")
@click.option("--claim", is_flag=True, help="No password: print a link, good for 7 days, to choose one.")
@stdin_option
@json_option
def add(name: str, *, admin: bool, claim: bool, password_stdin: bool, as_json: bool) -> None:
    """Add an account called NAME; its password is asked for."""
    if claim and (admin or password_stdin):
        raise click.UsageError("--claim is for ordinary accounts, and takes no password")
    if claim:
        settings = start()
        account, token = _with_database(settings, lambda db: service_claims.add_claimable(db, name))
        link = service_claims.claim_url(settings, token)
        _print(
            {**_fields(account), "claim_url": link},
            f"{account.name} can choose a password at {link}",
            as_json,
        )
        return
    password = _read_password(from_stdin=password_stdin)
    account = _with_database(start(), lambda db: service.add_account(db, name, password, is_admin=admin))
    _print(_fields(account), f"added {account.name}{' as an admin' if admin else ''}", as_json)


@user.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """List the accounts."""
    accounts = _with_database(start(), service.list_accounts)
    lines = [f"{account.name}\t{'admin' if account.is_admin else 'user'}\t{_state(account)}" for account in accounts]
    _print([_fields(account) for account in accounts], "\n".join(lines), as_json)


@user.command()
@click.argument("name")
@stdin_option
def passwd(name: str, *, password_stdin: bool) -> None:
    """Give NAME a new password, and sign them out everywhere."""
    password = _read_password(from_stdin=password_stdin)
    _with_database(start(), lambda db: service.set_password(db, name, password))
    click.echo(f"{name} has a new password")


@user.command()
@click.argument("name")
def disable(name: str) -> None:
    """Keep NAME from signing in; sessions and tokens stop working at once."""
    _with_database(start(), lambda db: service.set_disabled(db, name, disabled=True))
    click.echo(f"{name} is disabled")


@user.command()
@click.argument("name")
def enable(name: str) -> None:
    """Let NAME sign in again; unexpired tokens work again too."""
    _with_database(start(), lambda db: service.set_disabled(db, name, disabled=False))
    click.echo(f"{name} is enabled")


@user.command()
@click.argument("name")
@click.option("--mb", type=click.IntRange(0), help="The most MiB of pictures; 0: none.")
@click.option("--files", type=click.IntRange(0), help="The most pictures; 0: none.")
@click.option("--clear", is_flag=True, help="No limits of its own: the gallery's hold (LIKENESS_QUOTA_…).")
@json_option
def quota(name: str, *, mb: int | None, files: int | None, clear: bool, as_json: bool) -> None:
    """Show what NAME keeps and may keep, the trash included; with options, set it."""
    if clear and (mb is not None or files is not None):
        raise click.UsageError("--clear takes no limits")
    settings = start()

    async def work(db: Database) -> Usage:
        account = await service.get_account(db, name)
        before = await service_usage.get_usage(db, account.id, Quota())
        if clear:
            await service_usage.set_quota(db, name, Quota())
        elif mb is not None or files is not None:
            max_bytes = before.max_bytes if mb is None else mb * 1024**2
            await service_usage.set_quota(db, name, Quota(before.max_files if files is None else files, max_bytes))
        return await service_usage.get_usage(db, account.id, service_usage.gallery_quota(settings))

    usage = _with_database(settings, work)
    most_files = "no limit" if usage.max_files is None else f"at most {usage.max_files:,}"
    most_bytes = "no limit" if usage.max_bytes is None else f"at most {usage.max_bytes / 1024**2:,.0f} MiB"
    lines = (f"{usage.files:,} pictures ({most_files})", f"{usage.bytes / 1024**2:,.1f} MiB ({most_bytes})")
    _print(asdict(usage), "\n".join(lines), as_json)


@user.command()
@click.argument("name")
@click.option("--name", "label", default="command line", show_default=True, help="What the token is for.")
@click.option(
    "--days",
    type=click.IntRange(1, service_tokens.MAX_DAYS),
    default=service_tokens.DEFAULT_DAYS,
    show_default=True,
    help="How long it lasts.",
)
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    default=service_tokens.DEFAULT_SCOPES,
    show_default=True,
    help="What it may do; again for more.",
)
@json_option
def token(name: str, *, label: str, days: int, scopes: tuple[Scope, ...], as_json: bool) -> None:
    """Make an API token for NAME and print it, this once."""

    async def make(db: Database) -> NewToken:
        account = await service.get_account(db, name)
        return await service_tokens.make_token(db, account.viewer, label, scopes=scopes, days=days)

    made = _with_database(start(), make)
    fields = {
        "token": made.secret,
        "name": made.token.name,
        "scopes": list(made.token.scopes),
        "expires_at": made.token.expires_at.isoformat(),
    }
    _print(fields, made.secret, as_json)


def _with_database(settings: Settings, work: Callable[[Database], Awaitable[Result]]) -> Result:
    async def inside() -> Result:
        async with cli_database(settings) as db:
            return await work(db)

    return run(inside())


def _read_password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise click.UsageError("there is no terminal to ask for a password: use --password-stdin")
    return click.prompt("Password", hide_input=True, confirmation_prompt=True)


def _fields(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "name": account.name,
        "is_admin": account.is_admin,
        "state": _state(account),
        "created_at": account.created_at.isoformat(),
    }


def _state(account: Account) -> str:
    if account.disabled_at is not None:
        return "disabled"
    return "active" if account.password_hash is not None else "unclaimed"


def _print(value: Any, text: str, as_json: bool) -> None:
    if as_json:
        print_json(value)
    else:
        click.echo(text)
