"""The fixed draw: the same in every engine, for ever, as it is stored in the mirror."""

import numpy as np

from app.search.spread import spread


def test_it_is_what_it_was() -> None:
    assert spread(np.array([0, 1, 2, 3, 2**31 - 1], np.int64)).tolist() == [
        0,
        1364076727,
        821347078,
        2247144487,
        4190899880,
    ]


def test_different_ids_have_different_values_and_no_order_is_left() -> None:
    ids = np.arange(100_000)
    mixed = spread(ids)
    assert len(np.unique(mixed)) == len(ids)
    least = ids[np.argsort(mixed)[:512]]
    assert 0.45 < least.mean() / len(ids) < 0.55
