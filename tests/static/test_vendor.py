"""A4: what is vendored is exactly what the manifests name."""

import hashlib
import json
from pathlib import Path
from typing import TypedDict

import pytest

ROOT = Path(__file__).parents[2]


class Package(TypedDict):
    """One entry of a VENDOR.json; `files` maps a path below its folder to its SHA-256."""

    name: str
    version: str
    licence: str
    files: dict[str, str]


@pytest.mark.parametrize("folder", [ROOT / "static" / "vendor", ROOT / "tests" / "vendor"], ids=["static", "tests"])
def test_a4_every_vendored_file_is_the_one_named(folder: Path) -> None:
    packages: list[Package] = json.loads((folder / "VENDOR.json").read_text(encoding="utf-8"))
    named = {name: digest for package in packages for name, digest in package["files"].items()}
    found = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "VENDOR.json"
    }
    assert found == named
    assert all(package["version"] and package["licence"] for package in packages)
