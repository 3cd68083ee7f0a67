"""The admin's buttons on pictures that failed: try one again, or all."""

from litestar import Router, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from app.accounts.guards import require_admin
from app.accounts.records import Viewer
from app.admin import service_failures
from app.core.database import Database
from app.core.pages import Notice, redirect
from app.core.words import counted
from app.embedding import service as embedding
from app.ingest import service as ingest

HERE = "/admin#failures"


@post("/failures/retry")
async def retry(db: NamedDependency[Database]) -> Redirect:
    """Try again what could not be embedded."""
    count = await embedding.retry_failed(db)
    words = f"{counted(count, 'picture is', 'pictures are')} tried again." if count else "No picture has failed."
    return redirect("/admin", Notice("info", words))


@post("/failures/{image_id:int}/retry")
async def retry_one(db: NamedDependency[Database], image_id: FromPath[int]) -> Redirect:
    """Try again to embed one picture."""
    await service_failures.retry_embedding(db, image_id)
    return redirect(HERE, Notice("info", "The picture is tried again."))


@post("/quarantine/retry")
async def retry_refused(db: NamedDependency[Database], viewer: NamedDependency[Viewer]) -> Redirect:
    """Try again what imports refused."""
    count = await service_failures.retry_refused(db, viewer)
    words = f"{counted(count, 'import tries', 'imports try')} again what was refused." if count else "Nothing to try."
    return redirect("/admin", Notice("info", words))


@post("/quarantine/{import_id:int}/{position:int}/retry")
async def retry_refused_one(
    db: NamedDependency[Database], viewer: NamedDependency[Viewer], import_id: FromPath[int], position: FromPath[int]
) -> Redirect:
    """Try one refused file again."""
    await ingest.go_on(db, viewer, import_id, again=True, position=position)
    return redirect("/admin", Notice("info", "The file is tried again."))


router = Router(
    "/admin",
    route_handlers=[retry, retry_one, retry_refused, retry_refused_one],
    guards=[require_admin],
    include_in_schema=False,
)
