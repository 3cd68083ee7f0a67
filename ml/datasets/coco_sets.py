"""The sets in a folder of COCO: which annotation files belong together, and where their pictures lie."""

from dataclasses import dataclass, replace
from pathlib import Path

from ml.datasets.items import DataSetError

INSTANCES, CAPTIONS, KEYPOINTS = "instances_", "captions_", "person_keypoints_"
FOLDER = "annotations"


@dataclass(frozen=True, slots=True)
class CocoSet:
    """The files of one set ("val2017"); what there is none of is None."""

    name: str
    instances: Path | None
    captions: Path | None
    pictures: Path | None = None


def find_sets(
    path: Path, annotations: Path | None, captions: Path | None, images: Path | None
) -> tuple[list[CocoSet], tuple[str, ...]]:
    """The sets with pictures, by name, and a line for each file that is left out. Raises DataSetError.

    `path` is a folder that holds the files, or `annotations/` with them, or one annotation file.
    """
    if path.is_file():
        annotations = annotations or path
        path = path.parent.parent if path.parent.name == FOLDER else path.parent
    elif path.name == FOLDER:
        path = path.parent
    if not path.is_dir():
        raise DataSetError(f"there is no folder or file {path}")
    for named in (annotations, captions):
        if named is not None and not named.is_file():
            raise DataSetError(f"there is no file {named}")
    if images is not None and not images.is_dir():
        raise DataSetError(f"{images} is not a folder of pictures")
    sets = [_with_pictures(one, path, images) for one in _choose(path, annotations, captions, images)]
    complete = [one for one in sets if one.pictures is not None]
    if not complete:
        name = sets[0].name
        raise DataSetError(
            f"{path} has no pictures of {name}: looked for the folders {name}, images/{name} and images; "
            "name another one by --images"
        )
    left_out = [f"{_file(one).name}: left out, its pictures are not there" for one in sets if one.pictures is None]
    names = {one.name for one in complete}
    keypoints = (file.name for file in _list(path, KEYPOINTS) if _set_name(file) in names)
    left_out += [f"{name}: left out, keypoints are not kept" for name in keypoints]
    return complete, tuple(left_out)


def _choose(path: Path, annotations: Path | None, captions: Path | None, images: Path | None) -> list[CocoSet]:
    """All sets in a folder, or the one that is named."""
    found = {name: _set(path, name) for name in sorted({*map(_set_name, _list(path, INSTANCES, CAPTIONS))})}
    if annotations is not None:
        chosen = _named(path, annotations)
        return [replace(chosen, captions=captions or chosen.captions)]
    if not found:
        raise DataSetError(
            f"{path} has no {INSTANCES}*.json, nor has {path / FOLDER}: name the annotation file by --annotations"
        )
    named = (_set_name(captions) if captions else None, images.name if images else None)
    sets = [one for one in found.values() if one.name in named] or list(found.values())
    if captions is None:
        return sets
    if len(sets) > 1:
        raise DataSetError(f"{path} holds {', '.join(found)}: name the one of {captions.name} by --annotations")
    return [replace(sets[0], captions=captions)]


def _named(path: Path, file: Path) -> CocoSet:
    """The set that a file is of, which need not be called as COCO's are."""
    if file.name.startswith(KEYPOINTS):
        raise DataSetError(f"{file} tells of keypoints, which are not kept: name the {INSTANCES}*.json beside it")
    name = _set_name(file)
    if file.name.startswith(CAPTIONS):
        return CocoSet(name, None, file)
    beside = file.with_name(f"{CAPTIONS}{name}.json")
    return CocoSet(name, file, beside if beside.is_file() else _set(path, name).captions)


def _set(path: Path, name: str) -> CocoSet:
    instances, captions = (
        next((file for file in _list(path, prefix) if _set_name(file) == name), None)
        for prefix in (INSTANCES, CAPTIONS)
    )
    return CocoSet(name, instances, captions)


def _with_pictures(one: CocoSet, path: Path, images: Path | None) -> CocoSet:
    candidates = [images] if images else [path / one.name, path / "images" / one.name, path / "images"]
    beside = _file(one).parent
    if images is None and beside.name != FOLDER:
        candidates.append(beside)  # a file of its own, with its pictures around it
    return replace(one, pictures=next((folder for folder in candidates if folder.is_dir()), None))


def _file(one: CocoSet) -> Path:
    file = one.instances or one.captions
    if file is None:
        raise ValueError("a set has a file")
    return file


def _list(path: Path, *prefixes: str) -> list[Path]:
    """The annotation files of these kinds, those in `annotations/` first."""
    return [
        file
        for folder in (path / FOLDER, path)
        for file in sorted(folder.glob("*.json"))
        if file.name.startswith(prefixes)
    ]


def _set_name(file: Path) -> str:
    stem = file.stem
    for prefix in (INSTANCES, CAPTIONS, KEYPOINTS):
        stem = stem.removeprefix(prefix)
    return stem
