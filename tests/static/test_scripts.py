"""How much script a page loads."""

import gzip
import re
from pathlib import Path

from tests.conftest import CaughtUp, Client
from tests.factories import Gallery

ROOT = Path(__file__).parents[2]
BYTES = 60_000


def with_imports(script: Path) -> set[Path]:
    """A module and all that it imports, and those import."""
    found = {script}
    for name in re.findall(r'^import .*?"(\..*?)";', script.read_text(encoding="utf-8"), re.MULTILINE):
        found |= with_imports((script.parent / name).resolve())
    return found


async def test_c25_the_grid_page_loads_at_most_60_kb_of_script(
    client: Client, gallery: Gallery, caught_up: CaughtUp
) -> None:
    anna = await gallery.person("anna")
    await gallery.pictures(anna, await gallery.collection(anna, "Open", public=True), range(2))
    page = (await client.get("/")).text
    sources = re.findall(r'<script src="(/static/[^"]+)"', page)
    assert "/static/js/batch.js" in sources
    scripts = {one for source in sources for one in with_imports(ROOT / source.lstrip("/"))}
    assert ROOT / "static/js/live.js" in scripts
    assert sum(len(gzip.compress(one.read_bytes())) for one in scripts) <= BYTES
    assert re.findall(r"<script(?![^>]*src=)", page) == []
