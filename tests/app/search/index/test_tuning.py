"""The rules by which an index is sized and searched."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.search.index import tuning
from app.search.index.rules import WHOLE, Rules

RULES = Rules(
    reach=0.35,
    reach_at_1=0.2,
    reach_at_10=0.25,
    reach_at_50=0.3,
    reach_at_100=0.4,
    rows=9000,
    gather_us=0.2,
    scan_us=0.006,
)


@pytest.mark.parametrize(
    ("n", "nlist"), [(0, 1), (50, 1), (20_001, 512), (100_000, 1_024), (1_000_000, 4_096), (4_000_000, 8_192)]
)
def test_cells_follow_the_square_root(n: int, nlist: int):
    assert tuning.nlist_for(n) == nlist


@given(st.integers(78, 10_000_000))
def test_every_cell_has_rows_to_be_trained_on(n: int):
    assert n / tuning.nlist_for(n) >= 39


def test_the_ladder_rises():
    ladder = tuning.reach_ladder()
    assert ladder == sorted(set(ladder))
    assert ladder[0] > 0


@pytest.mark.parametrize(("density", "reach"), [(1e-6, 0.2), (0.01, 0.2), (0.1, 0.25), (0.5, 0.3), (1, 0.4), (2, 0.4)])
def test_the_reach_follows_the_density_of_the_filter(density: float, reach: float):
    assert RULES.filtered_reach(density) == pytest.approx(reach)


def test_between_what_was_measured_it_is_interpolated():
    assert RULES.filtered_reach(math.sqrt(0.1 * 0.01)) == pytest.approx(0.225)


def test_few_are_fetched_where_that_is_cheaper_than_passing_all():
    assert RULES.narrow_count(1_000_000) == 30_000
    assert RULES.narrow_count(100_000_000) == 200_000, "and no more than memory is worth"


def test_rules_survive_their_manifest():
    assert Rules.from_constants(RULES.constants()) == RULES
    with pytest.raises(TypeError):
        Rules.from_constants(RULES.constants() | {"other": 1.0})
    assert WHOLE.filtered_reach(0.5) > 2
