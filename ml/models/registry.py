"""The models by name: where their weights are, how to fetch them, which one to take."""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.models.model import Model, ModelSpec, ModelUnavailable, UnknownModel

FILES = ("config.json", "preprocessor_config.json", "model.safetensors")
LICENCE = "Apache-2.0"
AUTOMATIC = "dinov2-small"


def _dinov2(size: str, dim: int, size_bytes: int) -> ModelSpec:
    return ModelSpec(
        name=f"dinov2-{size}",
        title=f"DINOv2 ViT-{size[0].upper()}/14",
        hub_id=f"facebook/dinov2-{size}",
        dim=dim,
        patch=14,
        input_size=224,
        pooling="cls",
        licence=LICENCE,
        size_bytes=size_bytes,
    )


BASELINE = ModelSpec(
    name="baseline",
    title="Shape and colour descriptor",
    hub_id=None,
    dim=1464,
    patch=None,
    input_size=96,
    pooling="concatenated",
    licence="MIT",
    size_bytes=0,
)

REGISTRY: dict[str, ModelSpec] = {
    spec.name: spec
    for spec in (
        BASELINE,
        _dinov2("small", 384, 88_000_000),
        _dinov2("base", 768, 346_000_000),
        _dinov2("large", 1024, 1_217_000_000),
    )
}


@dataclass(frozen=True, slots=True)
class Choice:
    """A model chosen by itself, with one plain line that says why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """A model's card and the folder of its weights: None where there are none, or they are not at hand."""

    spec: ModelSpec
    folder: Path | None


def resolve(name: str, *, cache_dir: Path) -> Resolved:
    """A registry name, or the path of a local folder in the hub's format.

    Raises UnknownModel, and WrongCheckpoint for a folder that holds another kind of model.
    """
    if name in REGISTRY:
        return Resolved(REGISTRY[name], find_weights(name, cache_dir))
    folder = Path(name).expanduser()
    if not (folder / "config.json").is_file():
        raise UnknownModel(
            f"no model named {name!r}; known are {', '.join(REGISTRY)}, and folders that hold a config.json"
        )
    from ml.models.dinov2 import read_spec

    return Resolved(read_spec(folder), folder.resolve())


def load_model(name: str, *, cache_dir: Path, local_only: bool = True) -> Model:
    """The model, ready to run; its weights are fetched first unless `local_only`.

    Raises UnknownModel, ModelUnavailable, WrongCheckpoint.
    """
    resolved = resolve(name, cache_dir=cache_dir)
    if resolved.spec.name == BASELINE.name:
        from ml.models.baseline import Baseline

        return Baseline(BASELINE)
    folder = resolved.folder
    if folder is None:
        if local_only:
            raise ModelUnavailable(
                f"the weights of {name} are not on this machine: fetch them, or put {', '.join(FILES)} "
                f"into {cache_dir / name}"
            )
        folder = fetch_weights(name, cache_dir, lambda _done, _total: None)
    from ml.models.dinov2 import load  # torch is imported only for a model that needs it

    return load(folder, resolved.spec)


def find_weights(name: str, cache_dir: Path) -> Path | None:
    """The folder of a model's weights: a local folder, one in `cache_dir`, or the hub's own cache."""
    if name not in REGISTRY:
        folder = Path(name).expanduser()
        return folder if (folder / "model.safetensors").is_file() else None
    hub_id = REGISTRY[name].hub_id
    if hub_id is None:
        return None
    if all((cache_dir / name / file).is_file() for file in FILES):
        return cache_dir / name
    from huggingface_hub import try_to_load_from_cache

    cached = [try_to_load_from_cache(hub_id, file) for file in FILES]
    if all(isinstance(path, str) for path in cached):
        return Path(str(cached[0])).parent
    return None


def fetch_weights(name: str, cache_dir: Path, progress: Callable[[int, int], None]) -> Path:
    """Fetch a model's three files from the hub into `cache_dir/name`; a broken download is resumed.

    `progress` gets the bytes fetched so far and in all. Raises UnknownModel, ModelUnavailable.
    """
    if name not in REGISTRY:
        raise UnknownModel(f"no model named {name!r}; known are {', '.join(REGISTRY)}")
    spec = REGISTRY[name]
    folder = cache_dir / name
    if spec.hub_id is None:
        return folder
    if _offline():
        raise ModelUnavailable(f"HF_HUB_OFFLINE is set: unset it, or put {', '.join(FILES)} into {folder}")
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    bar = _bar(progress, spec.size_bytes)
    try:
        for file in FILES:
            hf_hub_download(spec.hub_id, file, local_dir=folder, tqdm_class=bar)
    except (OSError, HfHubHTTPError, LocalEntryNotFoundError) as error:
        raise ModelUnavailable(
            f"{spec.hub_id} cannot be fetched: try again, or put {', '.join(FILES)} into {folder} ({error})"
        ) from error
    return folder


def hub_answers(timeout_s: float = 5) -> bool:
    """Whether the model hub answers within `timeout_s`; never when HF_HUB_OFFLINE is set."""
    if _offline():
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


def choose_automatically(cache_dir: Path) -> Choice:
    """DINOv2-small where its weights are at hand or can be fetched, else the baseline."""
    if find_weights(AUTOMATIC, cache_dir) is not None:
        return Choice(AUTOMATIC, "its weights are on this machine")
    if hub_answers():
        return Choice(AUTOMATIC, "its weights can be fetched from the model hub (88 MB)")
    return Choice(BASELINE.name, f"the weights of {AUTOMATIC} are not here and the hub does not answer")


def _offline() -> bool:
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "TRUE", "YES", "ON"}


def _bar(progress: Callable[[int, int], None], total: int) -> type[Any]:
    """A progress bar for the hub's library that reports the sum over all its files instead of drawing."""
    from tqdm import tqdm

    fetched = 0

    def report(count: float) -> None:
        nonlocal fetched
        fetched += int(count)
        progress(fetched, max(fetched, total))

    # Generic in its stubs only; the class itself takes no parameter.
    class Reporting(tqdm):  # pyright: ignore[reportMissingTypeArgument]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **{**kwargs, "disable": True})
            report(kwargs.get("initial") or 0)

        def update(self, n: float | None = 1) -> None:
            report(n or 0)

    return Reporting
