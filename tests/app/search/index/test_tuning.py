"""The rules by which an index is sized."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.search.index import tuning


@pytest.mark.parametrize(
    ("n", "nlist"), [(0, 1), (50, 1), (20_001, 512), (100_000, 1_024), (1_000_000, 4_096), (4_000_000, 8_192)]
)
def test_cells_follow_the_square_root(n: int, nlist: int):
    assert tuning.nlist_for(n) == nlist


@given(st.integers(78, 10_000_000))
def test_every_cell_has_rows_to_be_trained_on(n: int):
    assert n / tuning.nlist_for(n) >= 39


@given(st.integers(0, 14))
def test_the_ladder_ends_where_search_is_exact(power: int):
    ladder = tuning.nprobe_ladder(2**power)
    assert ladder == sorted(set(ladder))
    assert (ladder[0], ladder[-1]) == (1, 2**power)


@given(st.integers(1, 100_000), st.floats(1, 1e6))
def test_more_results_never_scan_less(k: int, calibrated: float):
    assert tuning.scan_for(k + 1, calibrated) >= tuning.scan_for(k, calibrated) >= max(calibrated, k)
