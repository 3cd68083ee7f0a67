"""SQL of accounts."""

from psycopg.rows import class_row

from app.accounts.records import Account
from app.core.database import Connection
from app.core.errors import NotFound

_ADMIN_LOCK_KEY = 0x61646D  # "adm"


async def lock_admins(conn: Connection) -> None:
    """Until the commit nobody else changes who is an admin with a password."""
    await conn.execute("SELECT pg_advisory_xact_lock(%s)", (_ADMIN_LOCK_KEY,))


async def get_account(conn: Connection, account_id: int) -> Account:
    """Raises NotFound."""
    async with conn.cursor(row_factory=class_row(Account)) as cursor:
        await cursor.execute("SELECT * FROM account WHERE id = %s", (account_id,))
        account = await cursor.fetchone()
    if account is None:
        raise NotFound("no such account")
    return account


async def find_named(conn: Connection, name: str) -> Account | None:
    """The account of that name, letter case aside."""
    async with conn.cursor(row_factory=class_row(Account)) as cursor:
        await cursor.execute("SELECT * FROM account WHERE lower(name) = lower(%s)", (name,))
        return await cursor.fetchone()


async def list_accounts(conn: Connection) -> list[Account]:
    """Everybody, by name."""
    async with conn.cursor(row_factory=class_row(Account)) as cursor:
        await cursor.execute("SELECT * FROM account ORDER BY lower(name)")
        return await cursor.fetchall()


async def list_admins(conn: Connection) -> list[Account]:
    """The admins, oldest first."""
    async with conn.cursor(row_factory=class_row(Account)) as cursor:
        await cursor.execute("SELECT * FROM account WHERE is_admin ORDER BY id")
        return await cursor.fetchall()


async def set_shares_metadata(conn: Connection, account_id: int, *, shares: bool) -> None:
    await conn.execute("UPDATE account SET shares_metadata = %s WHERE id = %s", (shares, account_id))


async def insert_account(conn: Connection, name: str, password_hash: str | None, *, is_admin: bool) -> Account | None:
    """The new account, or None when the name is taken."""
    async with conn.cursor(row_factory=class_row(Account)) as cursor:
        await cursor.execute(
            """
            INSERT INTO account (name, password_hash, is_admin) VALUES (%(name)s, %(hash)s, %(admin)s)
            ON CONFLICT (lower(name)) DO NOTHING RETURNING *
            """,
            {"name": name, "hash": password_hash, "admin": is_admin},
        )
        return await cursor.fetchone()


async def update_password(conn: Connection, account_id: int, password_hash: str) -> None:
    """Store a hash in place of the one before, whatever that was."""
    await conn.execute(
        "UPDATE account SET password_hash = %(hash)s WHERE id = %(id)s",
        {"id": account_id, "hash": password_hash},
    )


async def replace_password(conn: Connection, account_id: int, old_hash: str, new_hash: str) -> bool:
    """Store a hash in place of `old_hash`; False when that is no longer the one in force."""
    cursor = await conn.execute(
        "UPDATE account SET password_hash = %(new)s WHERE id = %(id)s AND password_hash = %(old)s",
        {"id": account_id, "old": old_hash, "new": new_hash},
    )
    return cursor.rowcount == 1


async def update_disabled(conn: Connection, account_id: int, *, disabled: bool) -> None:
    """Switch an account off or on; one that is off already keeps its date."""
    await conn.execute(
        """
        UPDATE account SET disabled_at = CASE WHEN %(disabled)s THEN coalesce(disabled_at, now()) END
        WHERE id = %(id)s
        """,
        {"id": account_id, "disabled": disabled},
    )


async def update_claimed(conn: Connection, account_id: int, name: str, password_hash: str) -> None:
    """Name and password of the claimed account. Raises psycopg.errors.UniqueViolation for a name in use."""
    await conn.execute(
        "UPDATE account SET name = %(name)s, password_hash = %(hash)s WHERE id = %(id)s",
        {"id": account_id, "name": name, "hash": password_hash},
    )


async def put_claim(conn: Connection, account_id: int, token_hash: bytes) -> None:
    """Give the account a claim link; the one before dies."""
    await conn.execute(
        """
        INSERT INTO claim (account_id, token_hash) VALUES (%(account)s, %(hash)s)
        ON CONFLICT (account_id) DO UPDATE SET token_hash = excluded.token_hash, created_at = now()
        """,
        {"account": account_id, "hash": token_hash},
    )


async def find_claimed(conn: Connection, token_hash: bytes, max_age_s: int) -> Account | None:
    """The account that this link claims, while it may: an admin's only until some admin has a password."""
    async with conn.cursor(row_factory=class_row(Account)) as cursor:
        await cursor.execute(
            """
            SELECT account.* FROM account JOIN claim ON claim.account_id = account.id
            WHERE claim.token_hash = %(hash)s
                AND claim.created_at > now() - make_interval(secs => %(max_age)s)
                AND account.password_hash IS NULL AND account.disabled_at IS NULL
                AND NOT (account.is_admin AND EXISTS (
                    SELECT FROM account AS other WHERE other.is_admin AND other.password_hash IS NOT NULL
                ))
            """,
            {"hash": token_hash, "max_age": max_age_s},
        )
        return await cursor.fetchone()


async def delete_claim(conn: Connection, account_id: int) -> bool:
    """Let the account's claim link die; False when there was none."""
    cursor = await conn.execute("DELETE FROM claim WHERE account_id = %s", (account_id,))
    return cursor.rowcount == 1
