"""What the project says of itself is so: locked versions, documented settings, no word of any other place."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from app.core.settings import BOUNDS, Settings

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DIRECT = [
    Requirement(text)
    for group in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for text in group
]
PINS = [line for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines() if line[0] != "#"]

# Releases below these have published defects that the gallery would be open to.
FLOORS = {"litestar": "2.25", "multipart": "1.3.1", "jinja2": "3.1.6", "pillow": "12.3", "torch": "2.11"}
BEFORE = {"litestar": "2.24", "multipart": "1.3.0", "jinja2": "3.1.5", "pillow": "12.2", "torch": "2.10"}

FOLDERS = (".ci", "app", "docs", "migrations", "ml", "scripts", "static", "templates", "tests")
# Put together here, so that this file does not hold them.
ELSEWHERE = (
    *(".".join(host) for host in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("pytorch", "org"))),
    *(".".join(host) for host in (("docker", "io"), ("ghcr", "io"), ("quay", "io"))),
    *("/".join(path) for path in (("", "work", ""), ("tmp", "scratch"), ("shared", "design"))),
    *("".join(name) for name in (("anth", "ropic"), ("clau", "de"), ("chat", "gpt"), ("co", "pilot"))),
)


def pinned() -> dict[str, str]:
    """Version by normalised name."""
    return dict(pin.split("==") for pin in PINS)


def project_files() -> Iterator[Path]:
    """Every text file of ours; what is vendored speaks for others."""
    yield from (path for path in ROOT.iterdir() if path.is_file())
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and not {"vendor", "__pycache__"} & set(path.parts):
                yield path


def test_a2_the_lock_holds_versions_alone() -> None:
    assert [pin for pin in PINS if not re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", pin)] == []
    assert [pin for pin in PINS if pin.startswith(("nvidia-", "cuda-", "triton"))] == []


@pytest.mark.parametrize("requirement", DIRECT, ids=lambda requirement: requirement.name)
def test_a2_every_dependency_is_locked_within_its_range(requirement: Requirement) -> None:
    assert pinned()[canonicalize_name(requirement.name)] in requirement.specifier


@pytest.mark.parametrize("name", FLOORS)
def test_a1_floors(name: str) -> None:
    requirement = next(one for one in DIRECT if one.name == name)
    assert BEFORE[name] not in requirement.specifier
    assert pinned()[name] in requirement.specifier & Requirement(f"{name}>={FLOORS[name]}").specifier


def test_a1_torch_has_a_cap() -> None:
    torch = next(one for one in DIRECT if one.name == "torch")
    assert "2.14" not in torch.specifier


def test_every_setting_is_documented_as_it_is() -> None:
    rows = {
        cells[0].strip("`"): cells[1:]
        for line in (ROOT / "docs" / "settings.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| `LIKENESS_")
        for cells in [[cell.strip() for cell in line.strip("|").split("|")]]
    }
    assert list(rows) == [f"LIKENESS_{field.name.upper()}" for field in fields(Settings)]
    for field in fields(Settings):
        default, _, values = rows[f"LIKENESS_{field.name.upper()}"]
        if field.name != "data_dir":
            assert default == ("" if field.default is None else f"`{field.default}`"), field.name
        if field.name in BOUNDS:
            low, high = BOUNDS[field.name]
            assert values == f"{low} to {high}", field.name


def test_the_project_speaks_of_itself_alone() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in project_files()
        for text in [path.read_bytes().decode("utf-8", errors="ignore").lower()]
        for word in ELSEWHERE
        if word in text
    ]
    assert found == []
