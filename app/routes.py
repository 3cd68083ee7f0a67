"""Every route of the web application, pages and API."""

from dataclasses import dataclass
from typing import Any

from litestar import Request, Response, Router, get
from litestar.datastructures import CacheControlHeader
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Template
from litestar.static_files import create_static_files_router
from litestar.types import ControllerRouterHandler

from app.accounts import api as accounts_api
from app.accounts import api_tokens, pages_account
from app.accounts import pages as accounts_pages
from app.admin import api as admin_api
from app.admin import (
    api_events,
    api_failures,
    api_index,
    api_jobs,
    api_models,
    api_users,
    pages_events,
    pages_failures,
    pages_index,
    pages_models,
    pages_styleguide,
    pages_users,
)
from app.admin import pages as admin_pages
from app.admin.metrics import metrics
from app.collections import api as collections_api
from app.collections import api_links, pages_links
from app.collections import pages as collections_pages
from app.core.pages import render
from app.core.settings import ROOT, Settings
from app.embedding import api as embedding_api
from app.explore import api as explore_api
from app.explore import pages as explore_pages
from app.images import api as images_api
from app.images import (
    api_batch,
    api_changes,
    api_collections,
    api_labels,
    pages_batch,
    pages_collections,
    pages_gallery,
)
from app.images import pages as images_pages
from app.ingest import api as ingest_api
from app.ingest import api_imports, api_uploads, pages_imports
from app.ingest import pages as ingest_pages
from app.search import api as search_api
from app.search import api_plain as search_api_plain
from app.search import pages as search_pages
from app.training import api as training_api
from app.training import api_evaluations, pages_evaluations
from app.training import pages as training_pages
from ml.images import FORMATS, LIMITS

FORM_BYTES = 64 * 1024
UPLOAD_TOTAL_BYTES = 4 * 1024**3
MULTIPART_SLACK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class LimitsText:
    """What this gallery takes, in words."""

    formats: str
    max_file_text: str
    max_pixels_text: str
    trash_days: int


@dataclass(frozen=True, slots=True)
class HelpPage:
    limits: LimitsText


@dataclass(frozen=True, slots=True)
class Empty:
    """The context of a page that needs none."""


@get("/help", include_in_schema=False)
async def help_page(request: Request[Any, Any, Any], settings: NamedDependency[Settings]) -> Template:
    """Keys, how search works, which model is in force, what is taken."""
    limits = LimitsText(
        formats=", ".join(FORMATS),
        max_file_text=f"{settings.max_upload_mb} MiB",
        max_pixels_text=f"{LIMITS.max_pixels // 1_000_000} megapixels",
        trash_days=settings.trash_days,
    )
    return render(request, "help/index.html", HelpPage(limits), title="Help")


@get("/api/docs", include_in_schema=False)
async def api_docs(request: Request[Any, Any, Any]) -> Template:
    """The API's documentation, with local assets."""
    return render(request, "api/docs.html", Empty(), title="API")


@get("/{path:path}", include_in_schema=False)
async def nothing(path: FromPath[str]) -> Response[Any]:
    """Every other address: inside the middleware, so that the page knows who asks."""
    raise NotFoundException(f"nothing at {path}")


def route_handlers(settings: Settings) -> list[ControllerRouterHandler]:
    """All handlers, with the bytes that each may be sent."""
    picture_bytes = settings.max_upload_bytes + MULTIPART_SLACK
    return [
        accounts_pages.router,
        pages_account.router,
        accounts_api.router,
        api_tokens.router,
        collections_pages.router,
        pages_links.router,
        api_links.router,
        pages_gallery.router,
        images_pages.router,
        pages_collections.router,
        pages_batch.router,
        # A form may hold an archive.
        ingest_pages.make_router(max(UPLOAD_TOTAL_BYTES, settings.max_archive_bytes + MULTIPART_SLACK)),
        *api_uploads.make_routers(settings.max_archive_bytes),
        pages_imports.router,
        api_imports.router,
        # Pages and API share paths here, which only handlers of one router may.
        _router([*images_api.handlers, *api_changes.handlers, *ingest_api.handlers], UPLOAD_TOTAL_BYTES),
        _router(
            [*collections_api.handlers, *api_collections.handlers, *api_labels.handlers, *api_batch.handlers],
            FORM_BYTES,
        ),
        _router(embedding_api.handlers, UPLOAD_TOTAL_BYTES),
        _router([*search_pages.handlers, *search_api.handlers, *search_api_plain.handlers], picture_bytes),
        explore_pages.router,
        explore_api.router,
        training_pages.router,
        pages_evaluations.router,
        training_api.router,
        api_evaluations.router,
        admin_pages.router,
        pages_index.router,
        pages_users.router,
        pages_events.router,
        pages_failures.router,
        pages_models.router,
        pages_styleguide.styleguide,
        api_events.router,
        api_failures.router,
        api_users.router,
        admin_api.router,
        api_index.router,
        api_jobs.router,
        api_models.router,
        metrics,
        help_page,
        api_docs,
        nothing,
        create_static_files_router(
            path="/static",
            directories=[ROOT / "static"],
            include_in_schema=False,
            cache_control=CacheControlHeader(no_cache=True),
        ),
    ]


def _router(handlers: list[Any], max_body_bytes: int) -> Router:
    return Router("/", route_handlers=handlers, request_max_body_size=max_body_bytes)
