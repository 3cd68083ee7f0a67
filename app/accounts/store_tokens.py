"""SQL of API tokens."""

from collections.abc import Sequence

from psycopg.rows import class_row

from app.accounts.records import ApiToken, Scope, Viewer
from app.core.database import Connection
from app.core.errors import NotFound


async def insert_token(
    conn: Connection,
    account_id: int,
    name: str,
    *,
    prefix: str,
    token_hash: bytes,
    scopes: Sequence[Scope],
    days: int,
) -> ApiToken:
    """The new token, which expires in so many days. Raises NotFound when the account is not there."""
    async with conn.cursor(row_factory=class_row(ApiToken)) as cursor:
        await cursor.execute(
            """
            INSERT INTO api_token (account_id, name, prefix, token_hash, scopes, expires_at)
            SELECT id, %(name)s, %(prefix)s, %(hash)s, %(scopes)s, now() + make_interval(days => %(days)s)
            FROM account WHERE id = %(account)s
            RETURNING id, account_id, name, prefix, scopes, created_at, expires_at, used_at
            """,
            {
                "account": account_id,
                "name": name,
                "prefix": prefix,
                "hash": token_hash,
                "scopes": list(scopes),
                "days": days,
            },
        )
        token = await cursor.fetchone()
    if token is None:
        raise NotFound("no such account")
    return token


async def find_viewer(conn: Connection, token_hash: bytes) -> Viewer | None:
    """Whose live token this is. Notes at most once a minute that it is in use."""
    async with conn.cursor(row_factory=class_row(Viewer)) as cursor:
        await cursor.execute(
            """
            WITH touched AS (
                UPDATE api_token SET used_at = now()
                WHERE token_hash = %(hash)s AND expires_at > now()
                    AND (used_at IS NULL OR used_at < now() - interval '1 minute')
            )
            SELECT account.id AS account_id, account.name, account.is_admin, api_token.scopes
            FROM api_token JOIN account ON account.id = api_token.account_id
            WHERE api_token.token_hash = %(hash)s AND api_token.expires_at > now()
                AND account.disabled_at IS NULL
            """,
            {"hash": token_hash},
        )
        return await cursor.fetchone()


async def list_tokens(conn: Connection, account_id: int) -> list[ApiToken]:
    """The account's tokens, newest first, the expired ones too."""
    async with conn.cursor(row_factory=class_row(ApiToken)) as cursor:
        await cursor.execute(
            """
            SELECT id, account_id, name, prefix, scopes, created_at, expires_at, used_at
            FROM api_token WHERE account_id = %s ORDER BY id DESC
            """,
            (account_id,),
        )
        return await cursor.fetchall()


async def delete_token(conn: Connection, account_id: int, token_id: int) -> bool:
    """False when the account has no such token."""
    cursor = await conn.execute(
        "DELETE FROM api_token WHERE id = %(id)s AND account_id = %(account)s",
        {"id": token_id, "account": account_id},
    )
    return cursor.rowcount == 1
