"""The flags of a training: one for each setting of `TrainingConfig`, and those of the machine."""

import types
from collections.abc import Callable
from dataclasses import fields
from typing import Any, Literal, TypeVar, get_args, get_origin

import click

from ml.training.config import DeviceKind, Precision, TrainingConfig

Command = TypeVar("Command", bound=Callable[..., Any])

HELP = {
    "epochs": "How often every picture is seen.",
    "batch_size": "Pictures in a step; they are cut into parts that fit into memory.",
    "seed": "The same gives the same run.",
    "from_scratch": "Begin with random weights and train all of them; MODEL names the architecture, or tiny.",
    "rank": "Of the LoRA matrices.",
    "alpha": "What the LoRA matrices weigh, over their rank.",
    "last_blocks": "Adapt only so many blocks, the last ones: faster, and less memory.",
    "global_size": "Pixels of the two large crops, made whole patches.",
    "local_size": "Pixels of the small crops, made whole patches.",
    "local_crops": "Small crops of each picture.",
    "global_scale": "Share of the picture that a large crop covers.",
    "local_scale": "Share of the picture that a small crop covers.",
    "hidden": "Units of the head's hidden layers.",
    "bottleneck": "Units before the head's last layer.",
    "prototypes": "Outputs of the head.",
    "student_temperature": "Of the student's softmax.",
    "teacher_temperature_start": "Of the teacher's softmax at first.",
    "teacher_temperature": "Of the teacher's softmax at last.",
    "teacher_warmup_epochs": "Epochs in which the teacher's temperature rises.",
    "centring": "How the teacher's output is kept from collapse.",
    "centre_momentum": "How slowly the centre moves.",
    "koleo": "Weight of KoLeo's loss, which spreads embeddings; 0 leaves it out.",
    "learning_rate": "The highest, after the warm-up.",
    "least_learning_rate": "The last one.",
    "warmup_epochs": "Epochs in which the learning rate rises from 0.",
    "weight_decay": "AdamW's.",
    "clip": "The longest gradient.",
    "freeze_last_layer_epochs": "Epochs in which the head's last layer stays as it is.",
    "momentum_start": "How slowly the teacher follows the student at first.",
    "momentum": "And at last.",
    "probe_every": "Epochs between two probes on labelled pictures.",
    "probe_limit": "The most pictures of a probe.",
}


def config_options(command: Command) -> Command:
    """A flag for every setting, with its default."""
    for field in reversed(fields(TrainingConfig)):
        command = _option(field.name, field.type, field.default)(command)
    return command


def machine_options(command: Command) -> Command:
    """Where and how a run is computed, which may differ when it is gone on with."""
    for option in (
        click.option("--workers", type=click.IntRange(1), help="Processes that decode pictures; one per core without."),
        click.option(
            "--checkpoint-minutes",
            type=click.FloatRange(0, min_open=True),
            default=10.0,
            show_default=True,
            help="Minutes between two checkpoints.",
        ),
        click.option(
            "--gradient-checkpointing", is_flag=True, help="Compute twice what else is kept: less memory, slower."
        ),
        click.option(
            "--memory",
            type=click.FloatRange(0, min_open=True),
            metavar="GB",
            help="What a part of a batch may take; without it most of what is free, 16 GB at most.",
        ),
        click.option("--precision", type=click.Choice(get_args(Precision)), default="auto", show_default=True),
        click.option("--device", type=click.Choice(get_args(DeviceKind)), default="auto", show_default=True),
    ):
        command = option(command)
    return command


def _option(name: str, kind: Any, default: Any) -> Callable[[Command], Command]:
    flag = f"--{name.replace('_', '-')}"
    if kind is bool:
        return click.option(flag, is_flag=True, help=HELP[name])
    given: dict[str, Any] = {"default": default, "show_default": default is not None, "help": HELP[name]}
    if get_origin(kind) is tuple:
        return click.option(flag, type=float, nargs=2, metavar="LOW HIGH", **given)
    if get_origin(kind) is Literal:
        return click.option(flag, type=click.Choice(get_args(kind)), **given)
    if isinstance(kind, types.UnionType):
        kind = get_args(kind)[0]
    return click.option(flag, type=kind, **given)
