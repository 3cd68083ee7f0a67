"""What changes from step to step, at the steps where it matters."""

from dataclasses import replace

import pytest

from ml.training.config import TrainingConfig
from ml.training.schedule import Schedule

CONFIG = TrainingConfig(epochs=20, warmup_epochs=5, teacher_warmup_epochs=10)


def test_the_learning_rate_rises_from_nothing_and_falls_to_the_least() -> None:
    schedule = Schedule(CONFIG, 10)
    assert schedule.learning_rate(0) == 0
    assert schedule.learning_rate(25) == pytest.approx(3e-4)
    assert schedule.learning_rate(50) == pytest.approx(6e-4)
    assert schedule.learning_rate(199) == pytest.approx(1e-6)
    rates = [schedule.learning_rate(step) for step in range(200)]
    assert rates[:51] == sorted(rates[:51])
    assert rates[50:] == sorted(rates[50:], reverse=True)
    # Half a cosine: half of the way down in its middle.
    assert schedule.learning_rate(50 + 149 // 2) == pytest.approx(3e-4, rel=0.02)


def test_a_short_run_warms_up_over_its_half() -> None:
    schedule = Schedule(replace(CONFIG, epochs=2), 10)
    assert schedule.learning_rate(10) == pytest.approx(6e-4)
    assert schedule.learning_rate(19) == pytest.approx(1e-6)
    assert Schedule(replace(CONFIG, epochs=1), 1).learning_rate(0) == pytest.approx(6e-4)


def test_the_momentum_rises_by_half_a_cosine() -> None:
    schedule = Schedule(CONFIG, 10)
    assert schedule.momentum(0) == pytest.approx(0.996)
    assert schedule.momentum(199) == pytest.approx(0.9995)
    assert (schedule.momentum(99) + schedule.momentum(100)) / 2 == pytest.approx((0.996 + 0.9995) / 2, abs=1e-6)


def test_the_teachers_temperature_rises_by_epochs() -> None:
    schedule = Schedule(CONFIG, 10)
    assert schedule.teacher_temperature(9) == pytest.approx(0.04)
    assert schedule.teacher_temperature(50) == pytest.approx(0.055)
    assert schedule.teacher_temperature(150) == pytest.approx(0.07)
    assert Schedule(replace(CONFIG, teacher_warmup_epochs=0), 10).teacher_temperature(0) == 0.07


def test_the_last_layer_is_held_still_for_an_epoch() -> None:
    schedule = Schedule(CONFIG, 10)
    assert [schedule.freezes_last_layer(step) for step in (0, 9, 10)] == [True, True, False]
