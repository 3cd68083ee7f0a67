"""A model as the command line shows it: in a line, in full, as JSON."""

from collections.abc import Sequence
from typing import Any

from app.embedding.records import Choice
from app.embedding.service_models import Described, Listed, Removal


def row_of(one: Listed) -> dict[str, Any]:
    """A listed model for programs; what a model that cannot be read does not tell is null."""
    spec = one.found.spec if one.found is not None else None
    return {
        "name": one.name,
        "title": spec and spec.title,
        "hub_id": spec and spec.hub_id,
        "dim": spec and spec.dim,
        "size_bytes": spec and spec.size_bytes,
        "licence": spec and spec.licence,
        "at_hand": one.at_hand,
        "folder": one.found and one.found.folder,
        "active": one.active,
        "wanted": one.wanted,
        "problem": one.problem or None,
    }


def line_of(one: Listed, width: int) -> str:
    """A listed model for people, its name `width` wide."""
    mark = "*" if one.active else "+" if one.wanted else " "
    name = f"{mark} {one.name:<{width}}"
    if one.found is None or one.problem:
        return f"{name}  cannot be used: {one.problem}"
    spec = one.found.spec
    size = megabytes(spec.size_bytes) if spec.size_bytes else "-"
    state = "at hand" if one.at_hand else "to fetch"
    return f"{name}  {spec.dim:>5} dimensions  {size:>8}  {state:<8}  {spec.licence}"


def in_force(listed: Sequence[Listed], wanted: Choice | None) -> str:
    """Which model is in force, which is to be, and why."""
    if wanted is None:
        return "None is in force yet: the first start chooses one (LIKENESS_MODEL=auto)."
    if any(one.active and one.wanted for one in listed):
        return f"* in force: {wanted.name} ({wanted.reason})."
    if any(one.active for one in listed):
        return f"* in force until + {wanted.name} has embedded every picture ({wanted.reason})."
    return f"+ will be in force when the gallery has started: {wanted.name} ({wanted.reason})."


def facts_of(one: Described) -> dict[str, Any]:
    """All about one model; null where it has none, or where its weights are not at hand."""
    spec, found = one.found.spec, one.found
    return {
        "name": one.name,
        "title": spec.title,
        "hub_id": found.network.hub_id,
        "licence": spec.licence,
        "dim": spec.dim,
        "patch": spec.patch,
        "input_size": spec.input_size,
        "pooling": spec.pooling,
        "transform": spec.transform,
        "registers": spec.registers,
        "size_bytes": spec.size_bytes,
        "at_hand": found.at_hand,
        "folder": found.folder,
        "adapter": found.adapter,
        "identity": one.identity,
        "runs_on": one.runs_on,
        "embedded": one.progress.embedded,
        "waiting": one.progress.waiting,
        "failed": one.progress.failed,
    }


def words_of(one: Described) -> list[str]:
    """All about one model, for people: a line for each fact that there is."""
    spec, found, progress = one.found.spec, one.found, one.progress
    where = found.folder or ("needs no files" if found.at_hand else f"not here: likeness models fetch {one.name}")
    facts = {
        "title": spec.title,
        "on the hub": found.network.hub_id,
        "licence": spec.licence,
        "dimensions": spec.dim,
        "input": f"{spec.input_size} px" + (f", patches of {spec.patch}" if spec.patch else ""),
        "pooling": spec.pooling,
        "transform": spec.transform,
        "registers": spec.registers or None,
        "size": megabytes(spec.size_bytes) if spec.size_bytes else None,
        "files": where,
        "adapter": found.adapter,
        "identity": one.identity,
        "runs as": one.runs_on,
        "pictures": f"{progress.embedded} embedded, {progress.waiting} waiting, {progress.failed} failed",
    }
    return [one.name, *(f"  {key:<10}  {value}" for key, value in facts.items() if value is not None)]


def what_goes(one: Removal) -> str:
    """What a removal takes away."""
    parts: list[str] = []
    if one.folder is not None:
        parts.append(f"{one.folder} ({megabytes(one.size_bytes)})")
    if one.rows:
        parts.append(f"{one.vectors} vectors of {one.name}, with their indexes")
    return " and ".join(parts)


def megabytes(size_bytes: int) -> str:
    """Bytes as people read them."""
    return f"{size_bytes / 1e6:,.{1 if size_bytes < 10e6 else 0}f} MB"
