"""What the admin does with accounts: list, invite, disable, give a quota."""

from app.accounts import service, service_claims, service_usage
from app.accounts.records import Client, Quota, Viewer
from app.admin import store_users
from app.admin.records import User
from app.core.database import Database
from app.core.settings import Settings


async def list_users(db: Database) -> list[User]:
    """Everybody, by name."""
    async with db.transaction() as conn:
        return await store_users.list_users(conn, service_claims.CLAIM_LIFETIME_S)


async def get_user(db: Database, account_id: int) -> User:
    """One of them. Raises NotFound."""
    async with db.transaction() as conn:
        return await store_users.get_user(conn, account_id, service_claims.CLAIM_LIFETIME_S)


async def invite(db: Database, settings: Settings, viewer: Viewer, client: Client, name: str) -> tuple[int, str]:
    """A new account's id and the link, good for 7 days and once, by which its person takes it.

    Raises Invalid, Conflict.
    """
    account, token = await service_claims.add_claimable(db, name, by=viewer, address=client.address)
    return account.id, service_claims.claim_url(settings, token)


async def renew_invitation(db: Database, settings: Settings, account_id: int) -> str:
    """A fresh link for an account that nobody has taken yet; the one before dies. Raises NotFound, Conflict."""
    return service_claims.claim_url(settings, await service_claims.renew_claim(db, account_id))


async def withdraw_invitation(db: Database, viewer: Viewer, client: Client, account_id: int) -> str:
    """Let the link of an account that nobody has taken yet die; returns its name. Raises NotFound, Conflict."""
    return await service_claims.withdraw_claim(db, account_id, by=viewer, address=client.address)


async def set_disabled(db: Database, viewer: Viewer, client: Client, account_id: int, *, disabled: bool) -> str:
    """Switch an account off or on; returns its name. Raises NotFound, Conflict for the last admin."""
    account = await service.get_by_id(db, account_id)
    await service.set_disabled(db, account.name, disabled=disabled, by=viewer, address=client.address)
    return account.name


async def set_quota(db: Database, account_id: int, own: Quota) -> str:
    """Give an account limits of its own, None meaning the gallery's; returns its name. Raises NotFound."""
    account = await service.get_by_id(db, account_id)
    await service_usage.set_quota(db, account.name, own)
    return account.name
