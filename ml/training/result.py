"""What a run leaves: an adapter as peft saves it, or a whole network, with a card and the curves."""

import copy
import json
import subprocess
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from importlib import metadata
from pathlib import Path
from typing import Any

import peft
import torch
import transformers
from safetensors.torch import save_file

from ml.models.weights import ADAPTER_CONFIG, ADAPTER_WEIGHTS, CONFIG, WEIGHTS
from ml.training.backbone import TEACHER, Backbone
from ml.training.checkpoint import writing
from ml.training.config import TrainingConfig
from ml.training.crops import in_patches
from ml.training.curves import draw_curves
from ml.training.dino import Learner
from ml.training.network import Start, write_processor
from ml.training.probes import Probe

CARD, STORY, CURVES = "README.md", "training.json", "curves.svg"


@dataclass(frozen=True, slots=True)
class Data:
    """What was learnt from: counts of pictures, of those left out, and of labels, which only the probes saw."""

    name: str
    pictures: int
    refused: int
    labels: int


def is_finished(output: Path) -> bool:
    """Whether a folder holds a model already."""
    return any((output / file).is_file() for file in (ADAPTER_CONFIG, CONFIG))


def write_result(
    output: Path, learner: Learner, start: Start, data: Data, history: list[dict[str, Any]], took_s: float
) -> None:
    """The teacher's weights, the card, the story in JSON and the curves, into `output`, the configuration last.

    A folder with a configuration is whole. Raises TrainingError when the disk is full.
    """
    with writing(output / "result") as part:
        if learner.backbone.adapted is not None:
            _save_adapter(learner.backbone, start.base, part)
        else:
            _save_network(learner, start, part)
        story = {
            "data": asdict(data),
            "base": {"name": start.title, "path": start.base, "identity": start.identity},
            "config": learner.config.to_json(),
            "versions": versions(),
            "seconds": round(took_s, 1),
            "history": history,
        }
        (part / STORY).write_text(json.dumps(story, indent=1) + "\n")
        (part / CURVES).write_text(draw_curves(history))
        (part / CARD).write_text(make_card(start, learner.config, data, history))
    made = output / "result"
    # A configuration alone makes the folder a model: it comes last.
    for file in sorted(made.iterdir(), key=lambda file: file.name in (ADAPTER_CONFIG, CONFIG)):
        file.replace(output / file.name)
    made.rmdir()


def versions() -> dict[str, str]:
    """The program's version and commit, where one is known, and its libraries'."""
    try:
        own = metadata.version("likeness")
    except metadata.PackageNotFoundError:
        own = "unknown"
    asked = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        commit = subprocess.run(asked, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        commit = "unknown"  # an installed program has none
    libraries = {"torch": torch.__version__, "transformers": transformers.__version__, "peft": peft.__version__}
    return {"likeness": own, "commit": commit, **libraries}


def make_card(start: Start, config: TrainingConfig, data: Data, history: list[dict[str, Any]]) -> str:
    """A model card in Markdown with the hub's header."""
    probes = [one for one in history if one["kind"] == "probe"]
    rows = [f"| {one['epoch']} | {one['knn']:.3f} | {one['linear']:.3f} | {one['chance']:.3f} |" for one in probes]
    measured = ["| epoch | k-NN | linear, few shots | guessing |", "|--:|--:|--:|--:|", *rows]
    no_labels = ["The pictures had no labels, so that nothing was measured."]
    settings = ", ".join(f"{name} {value}" for name, value in config.to_json().items())
    kind = "A network" if config.from_scratch else f"A LoRA adapter (rank {config.rank}, alpha {config.alpha})"
    header = ["---", *([] if config.from_scratch else [f"base_model: {start.base}", "library_name: peft"])]
    header += ["tags:", "- image-feature-extraction", "- dino", *([] if config.from_scratch else ["- lora"]), "---"]
    made = versions()
    return "\n".join(
        [
            *header,
            f"\n# {start.title}, trained on {data.name}\n",
            (
                f"{kind} trained by self-distillation (DINO, arXiv 2104.14294) on {data.pictures} pictures of "
                f"{data.name} ({data.refused} were left out), on {time.strftime('%Y-%m-%d')}. "
                "Labels were not used to learn.\n"
            ),
            "## Probes\n",
            *(measured if probes else no_labels),
            f"\n## Settings\n\n{settings}\n",
            (
                f"Likeness {made['likeness']}, commit {made['commit']}; torch {made['torch']}, "
                f"transformers {made['transformers']}, peft {made['peft']}.\n"
            ),
        ]
    )


def probe_entry(epoch: int, probe: Probe) -> dict[str, Any]:
    """A probe as the history keeps it."""
    return {"kind": "probe", "epoch": epoch, **asdict(probe)}


def read_probe(entry: dict[str, Any]) -> tuple[int, Probe]:
    """The epochs before a probe, and the probe, from its entry in the history."""
    return entry["epoch"], Probe(**{field.name: entry[field.name] for field in fields(Probe)})


def _save_adapter(backbone: Backbone, base: str, folder: Path) -> None:
    """The teacher's adapter as peft saves one, its versions stamped into the file: names have changed before."""
    adapted: Any = backbone.adapted
    weights: Mapping[str, torch.Tensor] = peft.get_peft_model_state_dict(
        adapted, adapter_name=TEACHER, save_embedding_layers=False
    )
    stamp = {"format": "pt", "tensors": str(len(weights)), **versions()}
    kept = {name: tensor.float().cpu().contiguous() for name, tensor in weights.items()}
    save_file(kept, folder / ADAPTER_WEIGHTS, metadata=stamp)
    config: Any = copy.copy(adapted.peft_config[TEACHER])
    config.inference_mode, config.base_model_name_or_path = True, base
    config.save_pretrained(str(folder))


def _save_network(learner: Learner, start: Start, folder: Path) -> None:
    network = learner.backbone.network
    prefix = "backbone."
    tensors = {
        name.removeprefix(prefix): tensor.float().cpu().contiguous()
        for name, tensor in learner.teacher.tensors().items()
        if name.startswith(prefix)
    }
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt", **versions()})
    network.config.save_pretrained(folder)
    write_processor(folder, in_patches(learner.config.global_size, start.patch), start.normalisation)
