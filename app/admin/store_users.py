"""SQL of the admin's list of users."""

from typing import LiteralString

from psycopg.rows import class_row

from app.admin.records import User
from app.core.database import Connection
from app.core.errors import NotFound

_USER: LiteralString = """
    SELECT account.id, account.name, account.is_admin, account.disabled_at IS NOT NULL AS disabled,
        account.password_hash IS NULL AS unclaimed,
        EXISTS (
            SELECT FROM claim WHERE claim.account_id = account.id
            AND claim.created_at > now() - make_interval(secs => %(link_age)s)) AS invited,
        greatest(
            (SELECT max(seen_at) FROM session WHERE session.account_id = account.id),
            (SELECT max(used_at) FROM api_token WHERE api_token.account_id = account.id),
            (SELECT max(at) FROM security_event AS event
             WHERE event.account_id = account.id AND event.kind IN ('signed_in', 'signed_out'))) AS seen_at,
        coalesce(usage.files, 0) AS files, coalesce(usage.bytes, 0) AS bytes, usage.max_files, usage.max_bytes
    FROM account LEFT JOIN usage ON usage.account_id = account.id
"""


async def list_users(conn: Connection, link_age_s: int) -> list[User]:
    """Every account by name: when it was last seen, what it keeps and may keep, its trash included.

    `link_age_s` is how long an invitation's link is good.
    """
    async with conn.cursor(row_factory=class_row(User)) as cursor:
        await cursor.execute(_USER + " ORDER BY lower(account.name)", {"link_age": link_age_s})
        return await cursor.fetchall()


async def get_user(conn: Connection, account_id: int, link_age_s: int) -> User:
    """One of them. Raises NotFound."""
    async with conn.cursor(row_factory=class_row(User)) as cursor:
        await cursor.execute(_USER + " WHERE account.id = %(id)s", {"id": account_id, "link_age": link_age_s})
        user = await cursor.fetchone()
    if user is None:
        raise NotFound("no such account")
    return user
