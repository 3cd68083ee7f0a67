"""The verbs of quotas: what an account keeps, and what it may."""

from app.accounts import service, store_usage
from app.accounts.records import Quota, Usage
from app.core.database import Connection, Database
from app.core.settings import Settings

NOTHING = Usage(0, 0, None, None)


def gallery_quota(settings: Settings) -> Quota:
    """What each account may keep that has no limits of its own."""
    return Quota(settings.quota_files or None, settings.quota_mb * 1024**2 or None)


async def get_usage(db: Database, account_id: int, quota: Quota) -> Usage:
    """What an account keeps, with the limits that hold for it: its own, or else the gallery's."""
    async with db.transaction() as conn:
        return _limited(await store_usage.find(conn, account_id) or NOTHING, quota)


async def lock_usage(conn: Connection, account_id: int, quota: Quota) -> Usage:
    """As `get_usage`; nobody else adds to it until the end of the transaction."""
    return _limited(await store_usage.lock(conn, account_id), quota)


async def set_quota(db: Database, name: str, own: Quota) -> None:
    """Give an account limits of its own; None in one of them means the gallery's. Raises NotFound."""
    account = await service.get_account(db, name)
    async with db.transaction() as conn:
        await store_usage.set_limits(conn, account.id, own.max_files, own.max_bytes)


def _limited(usage: Usage, quota: Quota) -> Usage:
    return Usage(
        usage.files,
        usage.bytes,
        quota.max_files if usage.max_files is None else usage.max_files,
        quota.max_bytes if usage.max_bytes is None else usage.max_bytes,
    )
