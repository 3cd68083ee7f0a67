"""The settings of a training: what is not named fits the network."""

from dataclasses import fields
from typing import Any

import msgspec

from app.core.errors import Invalid
from ml.training.config import BadConfig, TrainingConfig

MOST_EPOCHS = 10_000
LEAST_CROP = 8

_USUAL = TrainingConfig()


def check_config(stated: dict[str, Any], network_size: int | None = None) -> TrainingConfig:
    """Settings by name, what is not named as usual. Raises Invalid for odd names, kinds and values.

    `network_size` are the pixels that the network's own preprocessing keeps, where it is known: large crops are no
    larger unless they are named, and small ones keep their share of them.
    """
    names = {field.name for field in fields(TrainingConfig)}
    if odd := sorted(stated.keys() - names):
        raise Invalid(f"there is no setting {odd[0]!r}")
    try:
        config = msgspec.convert({**_crops(stated, network_size), **stated}, TrainingConfig)
    except (BadConfig, msgspec.ValidationError) as error:
        raise Invalid(str(error)) from error
    if config.epochs > MOST_EPOCHS or not 0 <= config.seed < 2**31:
        raise Invalid(f"a training has at most {MOST_EPOCHS:,} epochs, and a seed from 0 to {2**31 - 1}")
    return config


def _crops(stated: dict[str, Any], network_size: int | None) -> dict[str, int]:
    large = stated.get("global_size", min(network_size or _USUAL.global_size, _USUAL.global_size))
    if not isinstance(large, int) or large >= _USUAL.global_size:
        return {}
    return {"global_size": large, "local_size": max(LEAST_CROP, round(_USUAL.local_size * large / _USUAL.global_size))}
