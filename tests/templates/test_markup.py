"""What the strict content security policy asks of the markup, and what the markup asks of static files."""

import gzip
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SPRITE = (ROOT / "static" / "icons.svg").read_text(encoding="utf-8")

FORBIDDEN = {
    "an inline style": r"<style|\sstyle\s*=",
    "an inline script": r"<script(?![^>]*\ssrc=)",
    "an event attribute": r"\son[a-z]+\s*=|hx-on",
    "script in an attribute": r"javascript:|\bjs:",
    "unescaped output": r"\|\s*safe|autoescape\s+false",
    "another host": r"(?:src|href|action)=[\"'](?:https?:)?//",
}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.relative_to(ROOT).as_posix())
@pytest.mark.parametrize("what", FORBIDDEN)
def test_a36_no_template_holds(template: Path, what: str) -> None:
    assert not re.search(FORBIDDEN[what], template.read_text(encoding="utf-8"), re.IGNORECASE), what


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_icon_and_static_file_exists(template: Path) -> None:
    text = template.read_text(encoding="utf-8")
    icons = [*re.findall(r'icon\("([\w-]+)"\)', text), *re.findall(r'empty\("([\w-]+)"', text)]
    assert [name for name in icons if f'<symbol id="{name}"' not in SPRITE] == []
    paths = re.findall(r'"/static/([^"{#]+)"', text)
    assert [path for path in paths if not (ROOT / "static" / path).is_file()] == []


def test_c25_a_page_needs_at_most_60_kb_of_script() -> None:
    scripts = [ROOT / "static" / "vendor" / "htmx" / "htmx.min.js", *(ROOT / "static" / "js").glob("*.js")]
    assert sum(len(gzip.compress(script.read_bytes())) for script in scripts) < 60_000
