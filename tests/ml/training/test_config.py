"""Settings: what is out of range is refused in words, and they survive JSON."""

import json
from dataclasses import replace
from typing import Any

import pytest

from ml.training.config import BadConfig, TrainingConfig


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"epochs": 0}, "epochs is 0"),
        ({"batch_size": 1}, "at least 2 pictures"),
        ({"rank": 0}, "rank and alpha"),
        ({"last_blocks": 0}, "at least one block"),
        ({"local_size": 256}, "local ones no more than global"),
        ({"local_crops": 33}, "0 to 32"),
        ({"global_scale": (0.5, 0.2)}, "shares of a picture"),
        ({"local_scale": (0.0, 0.2)}, "shares of a picture"),
        ({"prototypes": 1}, "at least 2 units"),
        ({"teacher_temperature": 0.0}, "temperatures are above 0"),
        ({"centring": "batch"}, "centre or sinkhorn"),
        ({"learning_rate": 0.0}, "above 0"),
        ({"least_learning_rate": 1.0}, "at most the highest"),
        ({"koleo": -0.1}, "at least 0"),
        ({"warmup_epochs": -1}, "at least 0"),
        ({"momentum_start": 1.0}, "momentum rises"),
        ({"probe_every": 0}, "every 1 or more"),
    ],
)
def test_what_is_out_of_range_is_named(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(BadConfig, match=words):
        TrainingConfig(**wrong)


def test_the_defaults_are_those_that_the_docs_state() -> None:
    config = TrainingConfig()
    assert (config.rank, config.alpha, config.hidden, config.bottleneck, config.prototypes) == (4, 4, 2048, 256, 1024)
    assert (config.learning_rate, config.least_learning_rate, config.weight_decay, config.clip) == (6e-4, 1e-6, 0.04, 3)
    assert (config.momentum_start, config.momentum, config.warmup_epochs) == (0.996, 0.9995, 5)
    assert (config.student_temperature, config.teacher_temperature_start) == (0.1, 0.04)


def test_json_there_and_back() -> None:
    config = TrainingConfig(epochs=3, last_blocks=4, local_scale=(0.1, 0.3), centring="sinkhorn")
    assert TrainingConfig.from_json(json.loads(json.dumps(config.to_json()))) == config
    with pytest.raises(BadConfig, match="no setting 'colour'"):
        TrainingConfig.from_json({"colour": 1})


def test_differences_are_named() -> None:
    config = TrainingConfig()
    assert config.differences(config) == []
    assert config.differences(replace(config, rank=8, seed=2)) == ["seed: 0, 2", "rank: 4, 8"]
