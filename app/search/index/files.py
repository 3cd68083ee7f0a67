"""Index files: published whole or not at all, verified before they are opened, never written again."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np

from app.search.index.calibration import CurvePoint
from app.search.index.ivf import BuiltIndex
from app.search.index.layout import Layout, LayoutName
from app.search.index.main import MainIndex
from app.search.index.rotation import Rotation
from app.search.index.rules import WHOLE, Rules
from app.search.index.swig import faiss

INDEX_FILE = "index.faiss"
POSITIONS_FILE = "positions.npy"
SPREADS_FILE = "spreads.npy"
ROTATION_FILE = "rotation.npy"
MANIFEST_FILE = "manifest.json"

_FORMAT = 3
_PARTIAL = ".partial"


class IndexDamaged(Exception):
    """A published index cannot be trusted; the message says why. It is to be built again."""


@dataclass(frozen=True, slots=True)
class FileSum:
    """A published file's size and SHA-256."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a published index holds, as of which entry of the log, and how it was measured.

    `recall` is ann_recall_at_10 against exact search, `nprobe` the cells compared for it on average and `p50_ms`
    what that takes on one thread; `curve` has the same three for other settings. `constants` are the planner's rules.
    """

    model_identity: str
    seq: int
    dim: int
    count: int
    nlist: int
    nprobe: int
    recall: float
    target_recall: float
    p50_ms: float
    curve: tuple[CurvePoint, ...]
    layout: LayoutName | Literal["exact"]
    levels: int
    storage: Literal["float32", "float16"]
    constants: dict[str, float]
    built_at: datetime
    build_s: float
    files: dict[str, FileSum]

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files.values())


def publish(built: BuiltIndex, directory: Path, *, seq: int, model_identity: str) -> Manifest:
    """Writes `built` as the version `directory` (`<root>/<version>`), which appears complete or not at all.

    Everything goes to a hidden sibling first, is written through to the disk, and is renamed in one step.
    One builder at a time for a root: what an earlier one left behind half done is cleared away.
    Raises FileExistsError when the version is there already, OSError when the disk is full or fails; the versions
    that were there are untouched.
    """
    if directory.exists():
        raise FileExistsError(f"The index version {directory} is published already.")
    root = directory.parent
    root.mkdir(parents=True, exist_ok=True)
    for leftover in root.glob(f".*{_PARTIAL}"):
        shutil.rmtree(leftover)
    partial = _partial(directory)
    partial.mkdir()
    layout = built.shape.layout
    try:
        files = {
            INDEX_FILE: _write(partial / INDEX_FILE, lambda file: _write_index(built.faiss_index, file)),
            POSITIONS_FILE: _write(partial / POSITIONS_FILE, lambda file: np.save(file, built.positions)),
            SPREADS_FILE: _write(partial / SPREADS_FILE, lambda file: np.save(file, built.spreads)),
        }
        rotation = built.shape.rotation
        if rotation is not None:
            files[ROTATION_FILE] = _write(partial / ROTATION_FILE, lambda file: np.save(file, rotation.factors))
        manifest = Manifest(
            model_identity=model_identity,
            seq=seq,
            dim=built.dim,
            count=built.count,
            nlist=built.nlist,
            nprobe=built.setting.nprobe,
            recall=built.setting.recall,
            target_recall=built.target_recall,
            p50_ms=built.setting.p50_ms,
            curve=built.curve,
            layout="exact" if built.nlist == 1 else layout.name,
            levels=layout.levels,
            storage=layout.storage,
            constants=built.rules.constants() if built.nlist > 1 else {},
            built_at=datetime.now(UTC),
            build_s=round(built.build_s, 2),
            files=files,
        )
        encoded = _encode(manifest)
        _write(partial / MANIFEST_FILE, lambda file: file.write(encoded))
        _sync_folder(partial)
        partial.rename(directory)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    _sync_folder(root)
    return manifest


def open_published(directory: Path) -> tuple[MainIndex, Manifest]:
    """Verifies the version in `directory` byte for byte, and only then opens it, mapped.

    Reading it for its SHA-256 (1.4 GB/s) also brings its pages into memory. Raises IndexDamaged when a file
    is missing, cut, changed, or does not fit the manifest: FAISS loads most damaged files without a word.
    """
    manifest = read_manifest(directory)
    for name, expected in manifest.files.items():
        _verify(directory / name, expected)
    try:
        main = MainIndex.open(
            directory / INDEX_FILE,
            np.load(directory / POSITIONS_FILE, mmap_mode="r"),
            np.load(directory / SPREADS_FILE),
            _layout(manifest),
            Rotation(np.load(directory / ROTATION_FILE)) if ROTATION_FILE in manifest.files else None,
            Rules.from_constants(manifest.constants) if manifest.constants else WHOLE,
        )
    except (RuntimeError, OSError, ValueError, TypeError) as error:
        raise IndexDamaged(f"{directory.name}: the index cannot be opened: {error}") from error
    if (main.dim, main.count, main.nlist) != (manifest.dim, manifest.count, manifest.nlist):
        raise IndexDamaged(f"{directory.name}: the index holds something else than its manifest says.")
    return main, manifest


def read_manifest(directory: Path) -> Manifest:
    """The manifest of the version in `directory`, its own checksum verified. Raises IndexDamaged."""
    try:
        return _decode((directory / MANIFEST_FILE).read_bytes())
    except OSError as error:
        raise IndexDamaged(f"{directory.name}: the manifest cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise IndexDamaged(f"{directory.name}: the manifest is damaged ({error}).") from error


def remove_version(directory: Path) -> None:
    """Removes a version as a whole; a process that has it open keeps it.

    Raises FileNotFoundError when there is none.
    """
    partial = _partial(directory)
    directory.rename(partial)
    _sync_folder(directory.parent)
    shutil.rmtree(partial)


def _partial(directory: Path) -> Path:
    return directory.with_name(f".{directory.name}{_PARTIAL}")


def _write(path: Path, write: Callable[[BinaryIO], object]) -> FileSum:
    """Writes a new file through to the disk; its sum is taken from what can be read back."""
    with path.open("xb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    with path.open("rb") as file:
        return FileSum(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def _write_index(index: Any, file: BinaryIO) -> None:
    # Through Python's file, not by name: a full disk then raises OSError, not a RuntimeError to be parsed.
    faiss.write_index(index, faiss.PyCallbackIOWriter(file.write))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _verify(path: Path, expected: FileSum) -> None:
    try:
        size = path.stat().st_size
        if size != expected.size_bytes:
            raise IndexDamaged(f"{path}: {size} bytes, {expected.size_bytes} were published.")
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise IndexDamaged(f"{path}: cannot be read: {error.strerror}.") from error
    if digest != expected.sha256:
        raise IndexDamaged(f"{path}: its contents have changed since it was published (SHA-256).")


def _layout(manifest: Manifest) -> Layout:
    if manifest.layout == "exact":
        return Layout("float16" if manifest.storage == "float16" else "plain", manifest.dim)
    return Layout(manifest.layout, manifest.dim)


def _encode(manifest: Manifest) -> bytes:
    fields = asdict(manifest) | {"format": _FORMAT, "built_at": manifest.built_at.isoformat()}
    return json.dumps({"sha256": _digest(fields), "manifest": fields}, indent=2).encode()


def _decode(encoded: bytes) -> Manifest:
    document = json.loads(encoded)
    fields = document["manifest"]
    if document["sha256"] != _digest(fields):
        raise ValueError("its checksum does not fit")
    if fields.pop("format") != _FORMAT:
        raise ValueError("it is of another format")
    fields["built_at"] = datetime.fromisoformat(fields["built_at"])
    fields["curve"] = tuple(CurvePoint(*point) for point in fields["curve"])
    fields["files"] = {name: FileSum(**file) for name, file in fields["files"].items()}
    if set(fields["files"]) - {ROTATION_FILE} != {INDEX_FILE, POSITIONS_FILE, SPREADS_FILE}:
        raise ValueError("it names other files")
    return Manifest(**fields)


def _digest(fields: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
