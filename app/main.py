"""The web application: middleware and what every handler may ask for; its routes are in `routes.py`."""

import asyncio
import importlib.metadata
import os
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass

import faiss
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.middleware import DefineMiddleware
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.template import TemplateConfig

from app.accounts.guards import require_scope
from app.accounts.identity import Identify, provide_viewer
from app.collections.holding import HoldLinks
from app.core.blobs import BlobStore
from app.core.csrf import CrossSiteGuard
from app.core.database import Database
from app.core.headers import security_headers
from app.core.metrics import count_request
from app.core.problems import exception_handlers
from app.core.runtime import open_blobs
from app.core.settings import ROOT, Settings
from app.core.words import capfirst
from app.embedding.lane import QueryLane
from app.embedding.models import Embedders
from app.ingest.pipeline import Intake
from app.openapi import openapi_config
from app.routes import FORM_BYTES, route_handlers
from app.search.finders import opened_finder
from app.search.live import Live, stop
from app.search.meter import recall_meter
from app.search.service import Engine
from ml.decoder import Decoder
from ml.embedder import Embedder

VERSION = importlib.metadata.version("likeness")
INTAKE_NICENESS = 5
QUERY_DECODERS = 1
"""A child of its own for pictures that are searched with: uploads of many files have the others."""


@dataclass(frozen=True, slots=True)
class AppInfo:
    """What every page's footer tells."""

    version: str
    model_name: str
    model_title: str
    model_reason: str


def create_app(settings: Settings, conninfo: str) -> Litestar:
    """The whole gallery on a migrated database."""
    app = Litestar(
        route_handlers=route_handlers(settings),
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
    environment = Environment(
        loader=FileSystemLoader(ROOT / "templates"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["capfirst"] = capfirst
    return environment
