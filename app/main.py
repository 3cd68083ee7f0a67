"""The web application: routes, middleware and what every handler may ask for."""

import asyncio
import importlib.metadata
import os
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import faiss
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Litestar, Request, Response, Router, get
from litestar.datastructures import CacheControlHeader, State
from litestar.di import NamedDependency, Provide
from litestar.exceptions import NotFoundException
from litestar.middleware import DefineMiddleware
from litestar.params import FromPath
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Template
from litestar.static_files import create_static_files_router
from litestar.template import TemplateConfig

from app.accounts import api as accounts_api
from app.accounts import api_tokens, pages_account
from app.accounts import pages as accounts_pages
from app.accounts.guards import require_scope
from app.accounts.identity import Identify, provide_viewer
from app.admin import api as admin_api
from app.admin import (
    api_events,
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
from app.collections.holding import HoldLinks
from app.core.blobs import BlobStore
from app.core.csrf import CrossSiteGuard
from app.core.database import Database
from app.core.headers import security_headers
from app.core.metrics import count_request
from app.core.pages import render
from app.core.problems import exception_handlers
from app.core.runtime import open_blobs
from app.core.settings import ROOT, Settings
from app.embedding import api as embedding_api
from app.embedding.lane import QueryLane
from app.embedding.models import Embedders
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
from app.ingest.pipeline import Intake
from app.openapi import openapi_config
from app.search import api as search_api
from app.search import api_plain as search_api_plain
from app.search import pages as search_pages
from app.search.finders import opened_finder
from app.search.live import Live, stop
from app.search.meter import recall_meter
from app.search.service import Engine
from app.training import api as training_api
from app.training import api_evaluations, pages_evaluations
from app.training import pages as training_pages
from ml.decoder import Decoder
from ml.embedder import Embedder
from ml.images import FORMATS, LIMITS

VERSION = importlib.metadata.version("likeness")
FORM_BYTES = 64 * 1024
UPLOAD_TOTAL_BYTES = 4 * 1024**3
INTAKE_NICENESS = 5
QUERY_DECODERS = 1
"""A child of its own for pictures that are searched with: uploads of many files have the others."""
MULTIPART_SLACK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class AppInfo:
    """What every page's footer tells."""

    version: str
    model_name: str
    model_title: str
    model_reason: str


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


def create_app(settings: Settings, conninfo: str) -> Litestar:
    """The whole gallery on a migrated database."""
    picture_bytes = settings.max_upload_bytes + MULTIPART_SLACK
    app = Litestar(
        route_handlers=[
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
        ],
        dependencies={
            "db": Provide(_provide_db, sync_to_thread=False),
            "blobs": Provide(_provide_blobs, sync_to_thread=False),
            "settings": Provide(lambda: settings, sync_to_thread=False),
            "intake": Provide(_provide_intake, sync_to_thread=False),
            "engine": Provide(_provide_engine, sync_to_thread=False),
            "decoder": Provide(_provide_decoder, sync_to_thread=False),
            "lane": Provide(_provide_lane, sync_to_thread=False),
            "embedder": Provide(_provide_embedder, sync_to_thread=False),
            "live": Provide(_provide_live, sync_to_thread=False),
            "viewer": Provide(provide_viewer),
        },
        middleware=[
            DefineMiddleware(CrossSiteGuard, public_url=settings.public_url),
            DefineMiddleware(Identify),
            DefineMiddleware(HoldLinks),
        ],
        guards=[require_scope],
        before_send=[security_headers(https=settings.secure_cookies), count_request],
        exception_handlers=exception_handlers(),
        lifespan=[_lifespan],
        template_config=TemplateConfig(engine=JinjaTemplateEngine.from_environment(_templates())),
        openapi_config=openapi_config(),
        request_max_body_size=FORM_BYTES,
        multipart_form_part_limit=settings.max_upload_files + 8,
        logging_config=None,
        debug=False,
    )
    app.state.settings = settings
    app.state.conninfo = conninfo
    app.state.app_info = lambda: _app_info(app)
    return app


def _router(handlers: list[Any], max_body_bytes: int) -> Router:
    return Router("/", route_handlers=handlers, request_max_body_size=max_body_bytes)


def _app_info(app: Litestar) -> AppInfo:
    live: Live = app.state.live
    if not live.ready:
        return AppInfo(VERSION, "no model yet", "", "")
    model = live.current()[0].embedder.model.spec
    return AppInfo(VERSION, model.name, model.title, live.reason)


@asynccontextmanager
async def _lifespan(app: Litestar) -> AsyncGenerator[None]:
    settings: Settings = app.state.settings
    faiss.omp_set_num_threads(1)  # one query, one thread: the pool below gives each core its own
    cores = os.cpu_count() or 1
    with (
        Decoder(settings.decoders, niceness=INTAKE_NICENESS) as decoder,
        Decoder(QUERY_DECODERS) as query_decoder,
        ThreadPoolExecutor(cores, "search") as threads,
    ):
        async with Database(app.state.conninfo) as db, recall_meter(db) as meter:
            blobs = await open_blobs(db, settings)
            embedders = Embedders(settings.models_dir)
            live = Live(db, settings, embedders)
            app.state.db, app.state.blobs, app.state.live = db, blobs, live
            app.state.intake = Intake.of(settings, db, blobs, decoder)
            app.state.decoder, app.state.lane = decoder, QueryLane(query_decoder)
            async with opened_finder(settings, live, threads, meter) as finder:
                app.state.engine = Engine(db, blobs, app.state.lane, live, finder, settings.max_upload_bytes)
                background = [
                    asyncio.create_task(live.run()),
                    asyncio.create_task(embedders.tend(settings.model_idle_minutes)),
                ]
                try:
                    yield
                finally:
                    for task in background:
                        await stop(task)


def _provide_db(state: State) -> Database:
    return state.db


def _provide_blobs(state: State) -> BlobStore:
    return state.blobs


def _provide_intake(state: State) -> Intake:
    return state.intake


def _provide_engine(state: State) -> Engine:
    return state.engine


def _provide_decoder(state: State) -> Decoder:
    return state.decoder


def _provide_lane(state: State) -> QueryLane:
    return state.lane


def _provide_embedder(state: State) -> Embedder:
    """The embedder of the model that answers searches now. Raises Unavailable before there is one."""
    return state.live.current()[0].embedder


def _provide_live(state: State) -> Live:
    return state.live


def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(ROOT / "templates"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
