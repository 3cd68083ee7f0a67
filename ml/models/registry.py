"""The models by name: their cards, what stands in a folder, and how one is loaded."""

from dataclasses import dataclass, replace
from pathlib import Path

from ml.models import weights
from ml.models.model import Model, ModelSpec, ModelUnavailable, UnknownModel, WrongCheckpoint
from ml.models.names import DEFAULT_TRANSFORM, is_path, parse

LICENCE = "Apache-2.0"
PATCH = 14


def _dinov2(size: str, width: int, size_bytes: int, registers: int = 0) -> ModelSpec:
    name = f"dinov2-with-registers-{size}" if registers else f"dinov2-{size}"
    title = f"DINOv2 ViT-{size[0].upper()}/{PATCH}" + (f", {registers} registers" if registers else "")
    return ModelSpec(
        name=name,
        title=title,
        hub_id=f"facebook/{name}",
        width=width,
        patch=PATCH,
        input_size=224,
        pooling="cls",
        licence=LICENCE,
        size_bytes=size_bytes,
        registers=registers,
        transform=DEFAULT_TRANSFORM,
    )


BASELINE = ModelSpec(
    name="baseline",
    title="Shape and colour descriptor",
    hub_id=None,
    width=2480,
    patch=None,
    input_size=96,
    pooling="parts",
    licence="MIT",
    size_bytes=0,
)

REGISTRY: dict[str, ModelSpec] = {
    spec.name: spec
    for spec in (
        BASELINE,
        # Sizes are those of the float32 files on the hub.
        *(
            _dinov2(size, width, size_bytes, registers)
            for registers in (0, 4)
            for size, width, size_bytes in (
                ("small", 384, 88_000_000),
                ("base", 768, 346_000_000),
                ("large", 1024, 1_217_000_000),
                ("giant", 1536, 4_546_000_000),
            )
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Resolved:
    """A model's card, and where its files are: None where there are none, or they are not at hand.

    `network` is the card of the network alone, `folder` its files; `adapter` the folder of the LoRA weights
    that go on top of it, if any.
    """

    spec: ModelSpec
    network: ModelSpec
    folder: Path | None
    adapter: Path | None = None

    @property
    def at_hand(self) -> bool:
        return self.spec.patch is None or self.folder is not None


def resolve(name: str, *, cache_dir: Path) -> Resolved:
    """A registry name, a folder in the hub's format, or a folder of peft's; with pooling and transform behind it.

    A plain name is also looked for among the folders of `cache_dir`. Raises UnknownModel, and WrongCheckpoint
    for a folder that holds another kind of model.
    """
    asked = parse(name)
    found = _resolve_base(asked.base, cache_dir)
    if found.spec.patch is None:
        if name.strip() != asked.base:
            raise UnknownModel(f"{asked.base} has its own pooling and transform: there is no {name.strip()}")
        return found
    title = found.spec.title + "".join(f", {part}" for part in str(asked).removeprefix(asked.base).split(":")[1:])
    spec = replace(
        found.spec,
        name=str(replace(asked, base=found.spec.name)),
        title=title,
        pooling=asked.pooling,
        transform=asked.transform,
    )
    return replace(found, spec=spec)


def load_model(name: str, *, cache_dir: Path, local_only: bool = True) -> Model:
    """The model, ready to run; its weights are fetched first unless `local_only`.

    Raises UnknownModel, ModelUnavailable, WrongCheckpoint.
    """
    resolved = resolve(name, cache_dir=cache_dir)
    if resolved.spec.patch is None:
        from ml.models.baseline import Baseline

        return Baseline(BASELINE)
    network, folder = resolved.network, resolved.folder
    if folder is None:
        if local_only:
            raise ModelUnavailable(
                f"the weights of {network.name} are not on this machine: fetch them (likeness models fetch "
                f"{network.name}), or put {', '.join(weights.FILES)} into {cache_dir / network.name}"
            )
        folder = weights.fetch(network, cache_dir, lambda _done, _total: None)
    from ml.models.dinov2 import Dinov2, Files  # torch is imported only for a model that needs it

    return Dinov2(Files(resolved.spec, network, folder, resolved.adapter))


def _resolve_base(base: str, cache_dir: Path) -> Resolved:
    folder = _folder_of(base, cache_dir)
    if base not in REGISTRY and (folder / weights.ADAPTER_CONFIG).is_file():
        return _resolve_adapter(folder, cache_dir)
    return _resolve_network(base, cache_dir)


def _resolve_network(base: str, cache_dir: Path) -> Resolved:
    if base in REGISTRY:
        spec = REGISTRY[base]
        return Resolved(spec, spec, weights.find(spec, cache_dir))
    folder = _folder_of(base, cache_dir)
    if (folder / weights.CONFIG).is_file():
        spec = weights.read_card(folder)
        return Resolved(spec, spec, folder)
    here = f" (the folder here is written ./{base})" if not is_path(base) and Path(base).is_dir() else ""
    raise UnknownModel(
        f"no model named {base!r}{here}; known are {', '.join(REGISTRY)}, "
        f"and folders that hold a {weights.CONFIG} or an {weights.ADAPTER_CONFIG}"
    )


def _folder_of(base: str, cache_dir: Path) -> Path:
    """The folder that a name means: a path where it is written as one, else one below `cache_dir`. May be missing."""
    return (Path(base).expanduser() if is_path(base) else cache_dir / base).resolve()


def _resolve_adapter(folder: Path, cache_dir: Path) -> Resolved:
    """The network that an adapter states it was made for, with the adapter on it."""
    stated = weights.read_adapter_base(folder)
    by_hub_id = {spec.hub_id: spec.name for spec in REGISTRY.values() if spec.hub_id}
    local = folder / stated
    base = str(local) if "/" in stated and (local / weights.CONFIG).is_file() else by_hub_id.get(stated, stated)
    try:
        network = _resolve_network(base, cache_dir)
    except UnknownModel as error:
        raise UnknownModel(
            f"the adapter in {folder} is for {stated!r}, which is not known: put that network where its path says"
        ) from error
    if network.spec.patch is None:
        raise WrongCheckpoint(f"the adapter in {folder} is for {stated!r}, which is no DINOv2 network")
    spec = replace(
        network.spec,
        name=folder.name,
        title=f"{network.spec.title} with the adapter {folder.name}",
        adapter=folder.name,
        size_bytes=network.spec.size_bytes + weights.size_of(folder / weights.ADAPTER_WEIGHTS),
    )
    return Resolved(spec, network.spec, network.folder, folder)
