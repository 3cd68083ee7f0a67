"""Near-duplicate groups as a groups.json lists them: an original, its altered copies, and pictures of no group."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GROUPS = "groups.json"
KINDS = {
    "crops": ("crop",),
    "borders": ("letterbox", "screenshot", "collage"),
    "aspect": ("aspect", "square", "resize"),
    "turns": ("rotat", "flip"),
}
"""What was done to a copy, by words in the name of its alteration; what has none of them is `other`."""


@dataclass(frozen=True, slots=True)
class Copy:
    """An altered copy, and the kind of its alteration."""

    file: Path
    kind: str


@dataclass(frozen=True, slots=True)
class Group:
    """An original with its copies."""

    original: Path
    copies: tuple[Copy, ...]


@dataclass(frozen=True, slots=True)
class Groups:
    """All groups of a folder; `others` are its pictures without a copy, also other views of one thing."""

    groups: tuple[Group, ...]
    others: tuple[Path, ...]


def read_groups(folder: Path) -> Groups:
    """What `folder`/groups.json lists; its files are named from the folder.

    It holds `{"groups": [{"kind": "copy", "files": [{"file": …, "transform": …}]}]}`: in a group of the kind `copy`
    one transform begins with "original"; groups of any other kind are pictures of no group. Raises ValueError.
    """
    try:
        listed = [_read_group(folder, group) for group in json.loads((folder / GROUPS).read_text())["groups"]]
    except (KeyError, TypeError, StopIteration, AttributeError, json.JSONDecodeError) as error:
        raise ValueError(f"{folder / GROUPS} does not list groups, each with its original: {error!r}") from error
    groups = [one for one in listed if isinstance(one, Group)]
    return Groups(tuple(groups), tuple(file for one in listed if not isinstance(one, Group) for file in one))


def kind_of(alteration: str) -> str:
    """The kind of an alteration: `crop_30pct` is one of `crops`."""
    return next((kind for kind, words in KINDS.items() if any(word in alteration for word in words)), "other")


def _read_group(folder: Path, group: dict[str, Any]) -> Group | list[Path]:
    files = [((folder / entry["file"]).resolve(), str(entry["transform"])) for entry in group["files"]]
    if group["kind"] != "copy":
        return [file for file, _ in files]
    original = next(file for file, alteration in files if alteration.startswith("original"))
    return Group(original, tuple(Copy(file, kind_of(alteration)) for file, alteration in files if file != original))
