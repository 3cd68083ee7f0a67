"""The files of models: where they are, how they are fetched, checked and removed."""

import errno
import json
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ml.models.download import fetch_file
from ml.models.model import ModelSpec, ModelUnavailable, WrongCheckpoint
from ml.models.names import DEFAULT_TRANSFORM
from ml.models.preprocess import PROCESSOR, read_processor

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
FILES = (CONFIG, PROCESSOR, WEIGHTS)
ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
ARCHITECTURES = {"dinov2": 0, "dinov2_with_registers": 4}
"""What can be run, by the hub's name of the architecture, with its registers where the file does not say."""

Progress = Callable[[int, int], None]


def find(spec: ModelSpec, cache_dir: Path) -> Path | None:
    """The folder of a registry model's files: in `cache_dir`, or in the hub's own cache; None when not at hand."""
    if spec.hub_id is None:
        return None
    if all((cache_dir / spec.name / file).is_file() for file in FILES):
        return cache_dir / spec.name
    from huggingface_hub import try_to_load_from_cache

    cached = [try_to_load_from_cache(spec.hub_id, file) for file in FILES]
    if all(isinstance(path, str) for path in cached):
        return Path(str(cached[0])).parent
    return None


def read_card(folder: Path) -> ModelSpec:
    """The card of a network in a folder, from its configuration. Raises WrongCheckpoint."""
    stated = _read_json(folder / CONFIG)
    try:
        kind = stated["model_type"]
        if kind not in ARCHITECTURES:
            known = " or ".join(ARCHITECTURES)
            raise WrongCheckpoint(f"{folder} holds a {kind} model; {known} is needed: choose another folder")
        width, patch = int(stated["hidden_size"]), int(stated["patch_size"])
        registers = int(stated.get("num_register_tokens", ARCHITECTURES[kind]))
    except (ValueError, KeyError, TypeError) as error:
        raise WrongCheckpoint(f"{folder / CONFIG} cannot be read as a model's: {error!r}") from error
    return ModelSpec(
        name=folder.name,
        title=f"DINOv2 in {folder.name}",
        hub_id=None,
        width=width,
        patch=patch,
        input_size=read_processor(folder)[0].crop,
        pooling="cls",
        licence="as stated by its authors",
        size_bytes=size_of(folder / WEIGHTS),
        registers=registers,
        transform=DEFAULT_TRANSFORM,
    )


def check_card(folder: Path, spec: ModelSpec) -> None:
    """Raises WrongCheckpoint when the network in a folder is not the one that a card tells of."""
    stated = read_card(folder)
    if (stated.width, stated.registers, stated.patch) != (spec.width, spec.registers, spec.patch):
        raise WrongCheckpoint(
            f"{folder} holds tokens of {stated.width} numbers, {stated.registers} registers and patches of "
            f"{stated.patch}; {spec.name} has {spec.width}, {spec.registers} and {spec.patch}"
        )


def read_adapter_base(folder: Path) -> str:
    """The network that a peft adapter was made for, as the adapter states it. Raises WrongCheckpoint."""
    stated = _read_json(folder / ADAPTER_CONFIG)
    base = stated.get("base_model_name_or_path")
    if stated.get("peft_type") != "LORA" or not isinstance(base, str) or not base:
        raise WrongCheckpoint(f"{folder / ADAPTER_CONFIG} is not that of a LoRA adapter with a base model")
    if not (folder / ADAPTER_WEIGHTS).is_file():
        raise WrongCheckpoint(f"{folder} has no {ADAPTER_WEIGHTS}: no other format is read")
    return base


def check_whole(file: Path) -> None:
    """Compare a safetensors file's length with what its own header states: a cheap look before it is read.

    Raises WrongCheckpoint that names the file and what is missing.
    """
    if not file.is_file():
        raise WrongCheckpoint(f"{file.parent} has no {file.name}: no other format is read")
    size = file.stat().st_size
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if size < 8 or length > min(size - 8, 100_000_000):
            raise WrongCheckpoint(f"{file} is damaged or cut short: it has no header of safetensors; fetch it again")
        try:
            header: dict[str, Any] = json.loads(opened.read(length))
            ends = [int(entry["data_offsets"][1]) for name, entry in header.items() if name != "__metadata__"]
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise WrongCheckpoint(f"{file} is damaged: its header cannot be read; fetch it again") from error
    stated = 8 + length + max(ends, default=0)
    if size != stated:
        raise WrongCheckpoint(f"{file} is damaged or cut short: {size:,} of {stated:,} bytes; fetch it again")


def fetch(spec: ModelSpec, cache_dir: Path, progress: Progress) -> Path:
    """Fetch a model's files from the hub into `cache_dir/name`; a download that broke off is gone on with.

    `progress` gets the bytes at hand so far and in all. Raises ModelUnavailable with the remedy: no hub, no
    such model there, no room on the disk.
    """
    folder = cache_dir / spec.name
    if spec.hub_id is None:
        return folder
    if is_offline():
        raise ModelUnavailable(f"HF_HUB_OFFLINE is set: unset it, or put {', '.join(FILES)} into {folder}")
    from huggingface_hub.utils import WeakFileLock, httpx

    at_hand = 0

    def report(count: int) -> None:
        nonlocal at_hand
        at_hand += count
        progress(at_hand, max(at_hand, spec.size_bytes))

    try:
        folder.mkdir(parents=True, exist_ok=True)
        _check_room(spec, folder)
        with WeakFileLock(folder / ".lock"):
            for file in FILES:
                fetch_file(spec.hub_id, folder / file, report)
    except (OSError, httpx.HTTPError) as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _no_room(spec, folder) from error
        raise ModelUnavailable(
            f"{spec.hub_id} cannot be fetched: try again, which goes on where it broke off, "
            f"or put {', '.join(FILES)} into {folder} ({error})"
        ) from error
    return folder


def remove(name: str, cache_dir: Path) -> int:
    """Delete a model's folder below `cache_dir`. Returns the bytes set free; 0 when there is no such folder."""
    folder = cache_dir / name
    if folder.resolve().parent != cache_dir.resolve() or not folder.is_dir():
        return 0
    freed = sum(size_of(file) for file in folder.rglob("*"))
    shutil.rmtree(folder)
    return freed


def list_folders(cache_dir: Path) -> list[str]:
    """Names of the networks and adapters that lie in `cache_dir`."""
    if not cache_dir.is_dir():
        return []
    return sorted(
        folder.name
        for folder in cache_dir.iterdir()
        if (folder / CONFIG).is_file() or (folder / ADAPTER_CONFIG).is_file()
    )


def size_of(file: Path) -> int:
    """Bytes of a file; 0 when there is none."""
    return file.stat().st_size if file.is_file() else 0


def is_offline() -> bool:
    """Whether the environment forbids asking the hub."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "TRUE", "YES", "ON"}


def hub_answers(timeout_s: float = 5) -> bool:
    """Whether the model hub answers within `timeout_s`; never when HF_HUB_OFFLINE is set."""
    if is_offline():
        return False
    answers: list[bool] = []

    def ask() -> None:
        import httpx
        from huggingface_hub import constants

        try:
            answers.append(httpx.head(constants.ENDPOINT, timeout=timeout_s).status_code < 500)
        except httpx.HTTPError:
            answers.append(False)

    # In a thread: looking up a name without a network can take longer than any timeout of a request.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(timeout_s)
    return answers == [True]


def _read_json(file: Path) -> dict[str, Any]:
    try:
        stated = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise WrongCheckpoint(f"{file} cannot be read as a model's: {error!r}") from error
    if not isinstance(stated, dict):
        raise WrongCheckpoint(f"{file} cannot be read as a model's: it is no JSON object")
    return stated


def _check_room(spec: ModelSpec, folder: Path) -> None:
    here = sum(size_of(file) for file in folder.rglob("*"))
    if shutil.disk_usage(folder).free + here < spec.size_bytes:
        raise _no_room(spec, folder)


def _no_room(spec: ModelSpec, folder: Path) -> ModelUnavailable:
    # A full disk may have had no room even for the folder.
    free = shutil.disk_usage(next(place for place in (folder, *folder.parents) if place.is_dir())).free
    return ModelUnavailable(
        f"the disk is full: {spec.name} needs {spec.size_bytes / 1e6:,.0f} MB in {folder}, {free / 1e6:,.0f} MB are "
        "free; make room and fetch it again, which goes on where it broke off"
    )
