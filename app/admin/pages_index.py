"""The admin's buttons on the index: rebuild, activate, roll back, delete."""

from litestar import Router, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from app.accounts.guards import require_admin
from app.core.database import Database
from app.core.pages import Notice, redirect
from app.core.settings import Settings
from app.search import builds, lifecycle

ASKED = "asked for by an admin"


@post("/rebuild")
async def rebuild(db: NamedDependency[Database]) -> Redirect:
    """Queue a build of the index; search goes on meanwhile."""
    await builds.request_build(db, ASKED)
    return redirect("/admin", Notice("info", "The index is being rebuilt. Search goes on meanwhile."))


@post("/versions/{version_id:int}/activate")
async def activate(
    db: NamedDependency[Database],
    settings: NamedDependency[Settings],
    version_id: FromPath[int],
    below_target: FromQuery[bool] = False,
) -> Redirect:
    """Put a version in force; with `below_target` even one that finds less than it should."""
    version = await lifecycle.activate(db, settings, version_id, below_target=below_target)
    return redirect("/admin", Notice("success", f"{version.label} is in force."))


@post("/rollback")
async def rollback(db: NamedDependency[Database], settings: NamedDependency[Settings]) -> Redirect:
    """Put the version before the active one in force."""
    version = await lifecycle.rollback(db, settings)
    return redirect("/admin", Notice("success", f"{version.label} is in force again."))


@post("/versions/{version_id:int}/delete")
async def delete(
    db: NamedDependency[Database], settings: NamedDependency[Settings], version_id: FromPath[int]
) -> Redirect:
    """Delete a version that is not in force."""
    version = await lifecycle.delete(db, settings, version_id)
    return redirect("/admin", Notice("success", f"{version.label} is deleted."))


router = Router(
    "/admin/index",
    route_handlers=[rebuild, activate, rollback, delete],
    guards=[require_admin],
    include_in_schema=False,
)
