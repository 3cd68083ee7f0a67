"""Rules: the constants of the planner, measured on this machine and these vectors when an index is built."""

import math
from dataclasses import asdict, dataclass
from typing import Self

import numpy as np

DENSITIES = (0.01, 0.1, 0.5, 1.0)
"""Shares of allowed vectors that the reach of filtered searches is measured at."""

NARROW_AT_MOST = 200_000
"""A narrow filter keeps 16 bytes for each of its ids while it lives."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a search of the main index goes by.

    `reach`: how far the vectors of a cell may lie from their centroid towards the query, in spreads of the cell
    (`planner`): cells that cannot reach the k-th best found so far are left out. `reach_at_…`: the same under a
    filter, by the share in per cent of allowed vectors in the cells near the query.
    `rows`: how many vectors that compares, on average, for 10 results.
    `gather_us`: the cost of comparing one vector fetched by itself; `scan_us`: of passing one in a cell's scan under
    a filter. Where so few are allowed that fetching is cheaper, cells are not scanned.
    """

    reach: float
    reach_at_1: float
    reach_at_50: float
    reach_at_10: float
    reach_at_100: float
    rows: float
    gather_us: float
    scan_us: float

    @classmethod
    def from_constants(cls, constants: dict[str, float]) -> Self:
        """The inverse of `constants`. Raises TypeError for other names."""
        return cls(**constants)

    def constants(self) -> dict[str, float]:
        return asdict(self)

    @property
    def narrow_share(self) -> float:
        """Up to this share of the index, allowed vectors are fetched one by one from the nearest cells."""
        return min(0.2, self.scan_us / self.gather_us)

    def narrow_count(self, total: int) -> int:
        """The same in ids, of an index of `total`."""
        return min(NARROW_AT_MOST, math.ceil(self.narrow_share * total))

    def filtered_reach(self, density: float) -> float:
        """The reach where `density` of the vectors in the nearest cells are allowed."""
        reaches = (self.reach_at_1, self.reach_at_10, self.reach_at_50, self.reach_at_100)
        return float(np.interp(math.log(max(density, 1e-9)), [math.log(one) for one in DENSITIES], reaches))


WHOLE = Rules(
    reach=99, reach_at_1=99, reach_at_10=99, reach_at_50=99, reach_at_100=99, rows=math.inf, gather_us=1, scan_us=0.05
)
"""Compares everything: no cell is out of reach."""
