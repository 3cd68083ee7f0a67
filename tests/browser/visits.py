"""Visits: browser contexts in which people look at the gallery, and every complaint of the browser's is kept."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, StorageState

from tests.browser.site import Site

AXE = (Path(__file__).parents[1] / "vendor" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
WIDE, PHONE = 1280, 375
# What a page shows late (fonts, a slow machine) is waited for as long as this.
PATIENCE_MS = 15_000
# As the browser tells it, and htmx beside it.
REFUSED = re.compile(
    r"(?:Failed to load resource: the server responded with a status of|Response Status Error Code) (\d+)"
)

# A violated policy becomes an error in the console; `shifted` is the page's cumulative layout shift.
OBSERVE = """
document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
  console.error("the content security policy was violated:", violatedDirective, blockedURI));
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""


@dataclass
class Visits:
    """Opens pages for people, by name; `states` holds the cookies of those who are signed in."""

    browser: Browser
    site: Site
    states: dict[str, StorageState] = field(default_factory=dict[str, StorageState])
    complaints: list[str] = field(default_factory=list[str])
    _contexts: list[BrowserContext] = field(default_factory=list[BrowserContext])

    def open(
        self,
        who: str | None = None,
        *,
        scripts: bool = True,
        width: int = WIDE,
        scheme: Literal["light", "dark"] = "light",
        refusals: Collection[int] = (),
    ) -> Page:
        """A page in a fresh context, with nothing loaded yet.

        `who` is signed in, nobody without it; `refusals` are the HTTP statuses that the visit will meet.
        """
        context = self.browser.new_context(
            base_url=self.site.url,
            storage_state=self.states[who] if who else None,
            java_script_enabled=scripts,
            viewport={"width": width, "height": 900},
            has_touch=width == PHONE,
            color_scheme=scheme,
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(OBSERVE)
        context.on("console", lambda message: self._hear(message, refusals))
        context.on("weberror", lambda error: self.complaints.append(f"uncaught: {error.error}"))
        self._contexts.append(context)
        page = context.new_page()
        # Choosers of files are caught from now on: caught only when one is expected, it may be open already.
        page.on("filechooser", lambda _: None)
        return page

    def keep(self, who: str, page: Page) -> None:
        """Remember who is signed in on the page, for later visits."""
        self.states[who] = page.context.storage_state()

    def end(self) -> None:
        """Close all, and fail if a browser complained of anything."""
        for context in self._contexts:
            context.close()
        assert self.complaints == [], "\n".join(self.complaints)

    def _hear(self, message: ConsoleMessage, refusals: Collection[int]) -> None:
        if message.type not in ("error", "warning"):
            return
        refused = REFUSED.match(message.text)
        if refused is None or int(refused.group(1)) not in refusals:
            where = message.page.url if message.page else ""
            self.complaints.append(f"{message.type} at {where}: {message.text}")


def axe(page: Page) -> list[str]:
    """What axe-core finds wrong with the page as it stands: each rule with the elements that break it."""
    # Through the debugger's door: as a script of the page, its policy would forbid it.
    session = page.context.new_cdp_session(page)
    session.send("Runtime.evaluate", {"expression": f"window.axe || ({{}}, () => {{{AXE}}})()"})
    answer: dict[str, Any] = session.send(
        "Runtime.evaluate",
        {"expression": "axe.run({ resultTypes: ['violations'] })", "awaitPromise": True, "returnByValue": True},
    )
    session.detach()
    violations = answer["result"]["value"]["violations"]
    return [f"{one['id']}: {[node['target'] for node in one['nodes'][:3]]} {one['help']}" for one in violations]


def tile_urls(page: Page, within: str = "#grid") -> list[str]:
    """The addresses of the pictures in a grid, in order."""
    links = page.locator(f"{within} .tile__link").all()
    return [str(link.get_attribute("href")) for link in links]


def follow(link: Locator) -> None:
    """Click, and wait for the page that it leads to."""
    with link.page.expect_navigation():
        link.click()
