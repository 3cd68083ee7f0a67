"""SQL of sessions: browsers that are signed in."""

from psycopg.rows import class_row, scalar_row

from app.accounts.records import Client, Session, Viewer
from app.core.database import Connection

IDLE_DAYS = 14
LIFETIME_DAYS = 60
_AGES = {"idle": IDLE_DAYS, "lifetime": LIFETIME_DAYS}


async def insert_session(
    conn: Connection, account_id: int, password_hash: str, token_hash: bytes, client: Client
) -> int | None:
    """The new session's id; None when the account is disabled or that is no longer its password.

    The row lock makes this wait for a change of password that is under way, so none slips in behind it.
    """
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            """
            INSERT INTO session (account_id, token_hash, user_agent, address)
            SELECT id, %(token)s, %(user_agent)s, %(address)s FROM account
            WHERE id = %(account)s AND password_hash = %(password)s AND disabled_at IS NULL
            FOR SHARE
            RETURNING id
            """,
            {
                "account": account_id,
                "password": password_hash,
                "token": token_hash,
                "user_agent": client.user_agent,
                "address": client.address,
            },
        )
        return await cursor.fetchone()


async def find_viewer(conn: Connection, token_hash: bytes) -> Viewer | None:
    """Whose live session this is. Notes at most once a minute that it is in use."""
    async with conn.cursor(row_factory=class_row(Viewer)) as cursor:
        await cursor.execute(
            """
            WITH touched AS (
                UPDATE session SET seen_at = now()
                WHERE token_hash = %(token)s AND seen_at < now() - interval '1 minute'
                    AND seen_at > now() - make_interval(days => %(idle)s)
            )
            SELECT account.id AS account_id, account.name, account.is_admin, session.id AS session_id
            FROM session JOIN account ON account.id = session.account_id
            WHERE session.token_hash = %(token)s AND account.disabled_at IS NULL
                AND session.seen_at > now() - make_interval(days => %(idle)s)
                AND session.created_at > now() - make_interval(days => %(lifetime)s)
            """,
            {"token": token_hash, **_AGES},
        )
        return await cursor.fetchone()


async def list_sessions(conn: Connection, account_id: int) -> list[Session]:
    """The account's live sessions, the last used first."""
    async with conn.cursor(row_factory=class_row(Session)) as cursor:
        await cursor.execute(
            """
            SELECT id, account_id, user_agent, address, created_at, seen_at FROM session
            WHERE account_id = %(account)s
                AND seen_at > now() - make_interval(days => %(idle)s)
                AND created_at > now() - make_interval(days => %(lifetime)s)
            ORDER BY seen_at DESC, id DESC
            """,
            {"account": account_id, **_AGES},
        )
        return await cursor.fetchall()


async def delete_session(conn: Connection, account_id: int, session_id: int) -> bool:
    """False when the account has no such session."""
    cursor = await conn.execute(
        "DELETE FROM session WHERE id = %(id)s AND account_id = %(account)s",
        {"id": session_id, "account": account_id},
    )
    return cursor.rowcount == 1


async def delete_sessions(conn: Connection, account_id: int) -> None:
    """Sign an account out everywhere."""
    await conn.execute("DELETE FROM session WHERE account_id = %s", (account_id,))


async def delete_expired(conn: Connection, account_id: int) -> None:
    """Forget the account's sessions that have run out."""
    await conn.execute(
        """
        DELETE FROM session WHERE account_id = %(account)s
            AND (seen_at <= now() - make_interval(days => %(idle)s)
                OR created_at <= now() - make_interval(days => %(lifetime)s))
        """,
        {"account": account_id, **_AGES},
    )
