"""A small site of this slice alone: its routes, behind the middleware that the whole app has."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.middleware import DefineMiddleware
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.template import TemplateConfig

from app.accounts import api, api_tokens, pages, pages_account
from app.accounts.guards import require_scope
from app.accounts.identity import Identify, provide_viewer
from app.core.csrf import CrossSiteGuard
from app.core.database import Database
from app.core.problems import exception_handlers
from app.core.settings import ROOT, Settings
from app.core.words import capfirst

PASSWORD = "green lamps at noon"

Browser = httpx.AsyncClient


def make_site(db: Database, settings: Settings) -> Litestar:
    environment = Environment(loader=FileSystemLoader(ROOT / "templates"), undefined=StrictUndefined, autoescape=True)
    environment.filters["capfirst"] = capfirst
    templates = JinjaTemplateEngine.from_environment(environment)
    return Litestar(
        [pages.router, pages_account.router, api.router, api_tokens.router],
        dependencies={
            "db": Provide(lambda: db, sync_to_thread=False),
            "settings": Provide(lambda: settings, sync_to_thread=False),
            "viewer": Provide(provide_viewer),
        },
        middleware=[
            DefineMiddleware(CrossSiteGuard, public_url=settings.public_url),
            Identify,
        ],
        guards=[require_scope],
        exception_handlers=exception_handlers(),
        template_config=TemplateConfig(instance=templates),
        state=State(
            {
                "db": db,
                "settings": settings,
                "app_info": lambda: SimpleNamespace(
                    version="0", model_name="baseline", model_title="Shape and colour descriptor", model_reason=""
                ),
            }
        ),
    )


@pytest.fixture
async def open_browser(db: Database, tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[Browser]]]:
    """Opens browsers: each has its own cookies, and says that its requests are same-origin."""
    async with AsyncExitStack() as stack:

        async def open_one(*, public_url: str | None = None, user_agent: str = "a browser") -> Browser:
            site = make_site(db, Settings(data_dir=tmp_path, public_url=public_url))
            headers = {"accept": "text/html", "sec-fetch-site": "same-origin", "user-agent": user_agent}
            # Not litestar's AsyncTestClient: that one runs the site in another thread's loop, one request at a time.
            transport = httpx.ASGITransport(cast("Any", site))  # its type of a scope is narrower than httpx's
            browser = httpx.AsyncClient(
                transport=transport, base_url=public_url or "http://testserver.local", headers=headers
            )
            return await stack.enter_async_context(browser)

        yield open_one


@pytest.fixture
async def browser(open_browser: Callable[..., Awaitable[Browser]]) -> Browser:
    return await open_browser()


@pytest.fixture
def sign_in() -> Callable[..., Awaitable[None]]:
    """Signs a browser in."""

    async def sign_in(browser: Browser, name: str, password: str = PASSWORD) -> None:
        answer = await browser.post("/sign-in", data={"name": name, "password": password})
        assert answer.status_code == 303, answer.text

    return sign_in
