"""The style guide shows all that there is, and adds nothing of its own."""

import re

from app.core.settings import ROOT
from tests.conftest import Client

CSS = ROOT / "static" / "css"


async def test_every_token_is_shown(client: Client) -> None:
    page = (await client.get("/styleguide")).text
    tokens = set(re.findall(r"--([a-z0-9-]+):", (CSS / "tokens.css").read_text(encoding="utf-8")))
    assert set(re.findall(r'data-token="([a-z0-9-]+)"', page)) == tokens


async def test_every_icon_is_shown_and_every_icon_in_use_is_there(client: Client) -> None:
    page = (await client.get("/styleguide")).text
    icons = set(re.findall(r'<symbol id="([a-z0-9-]+)"', (ROOT / "static" / "icons.svg").read_text(encoding="utf-8")))
    assert set(re.findall(r'data-icon="([a-z0-9-]+)"', page)) == icons
    templates = "".join(one.read_text(encoding="utf-8") for one in (ROOT / "templates").rglob("*.html"))
    assert set(re.findall(r'icon\("([a-z0-9-]+)"', templates)) <= icons


async def test_every_macro_and_kind_of_component_is_shown(client: Client) -> None:
    page = (await client.get("/styleguide")).text
    shown = set(re.findall(r'class="([^"]*)"', page))
    classes = {one for names in shown for one in names.split()}
    kinds = re.findall(r"^\.((?:button|badge|notice|panel)(?:--[a-z]+)?) [{,]", components(), re.MULTILINE)
    assert set(kinds) <= classes
    assert {"field", "empty", "card", "tile", "sheet", "toast__body", "curve", "table", "facts", "skeleton"} <= classes


async def test_it_holds_nobodys_data_and_its_sheet_only_places_things(client: Client) -> None:
    page = (await client.get("/styleguide")).text
    assert "/thumbnails/" not in page
    rules = (CSS / "styleguide.css").read_text(encoding="utf-8")
    assert set(re.findall(r"^\.([a-z]+)", rules, re.MULTILINE)) == {"guide"}
    assert not re.search(r"#[0-9a-f]{3,8}\b|oklch|rgb|hsl|font-weight|transition|animation", rules)


def components() -> str:
    return (CSS / "components.css").read_text(encoding="utf-8")
