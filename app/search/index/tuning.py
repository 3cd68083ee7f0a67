"""The numbers an index is sized and searched by, each with the measurement behind it.

Measured with faiss-cpu 1.15 on 1M clustered 384-d vectors (local intrinsic dimension 17), one thread; what depends
on the machine and the vectors is measured at each build instead (`rules.py`).
"""

import math

EXACT_BELOW = 20_000
"""Up to so many vectors the index is one cell, scanned whole: 2.3 ms at 20,000, and nothing to train."""

TRAINING_ROWS_PER_CELL = 64
"""At 4,096 cells 64 rows train in 19 s, 128 in more than twice that, for .005 more recall."""

SUPER_KMEANS_FROM_DIM = 32
"""FAISS refuses it for shorter vectors; for others it trains in two thirds of the time, as well."""

TARGET_RECALL = 0.95
"""The mean ann_recall_at_10 that the reach is chosen for at each build (seeds alone move it by .01)."""

CALIBRATION_QUERIES = 500
CALIBRATION_K = 10

SEED = 20_240_607
"""Of the training sample and k-means: the same vectors in the same order give the same index."""

WIDE_SHARE = 0.8
"""From this share of allowed vectors on, the cells are chosen as if all were."""

ONE_BY_ONE = 1_000
"""Up to so many allowed vectors each is compared: 0.2 ms."""

FIRST_CELLS = 8
FIRST_ROWS_PER_RESULT = 4
"""The first look, which tells how good the nearest are: the nearest 8 cells, and enough of them that 4k vectors stand
in them. At the same recall (1M) 4, 6 and 12 cells cost as much in the median and 13% more, 2% more and 3% less on
average, 2 cells 8% more and 20% more."""

LEAST_FILTERED_REACH = 0.25
"""Where clusters lie far apart, a random filter is content with less, and one that follows the clusters is not: with
0.01 recall fell to .81, with 0.25 it kept above .95 (4,000 vectors in 40 clusters)."""

LEAST_DENSITY_CELLS = 4
DENSITY_SHARE = 64
"""A filter's density is taken over a 64th of all cells: the nearest that hold any allowed vector."""

MOST_TIMES_MEAN = 5
"""A search compares at most so many times the vectors of the mean one, which bounds the hardest queries (p99 is 5
times the median); recall with it is that of calibration without (.957 at 1M)."""

K_EXPONENT = 0.4
"""That limit is calibrated for 10 results; the same recall of k takes k^0.36 as many (100k vectors)."""

_MIN_ROWS_PER_CELL = 39  # below it FAISS warns that a centroid is poorly placed


def nlist_for(n: int) -> int:
    """The number of cells for `n` vectors: the power of two nearest to 4·sqrt(n).

    Twice and four times as many compare fewer vectors for the same recall, but answer no faster (0.166 and 0.19
    against 0.162 ms at 1M), and train three times as long.
    """
    if n < 2 * _MIN_ROWS_PER_CELL:
        return 1
    return 2 ** min(round(math.log2(4 * math.sqrt(n))), int(math.log2(n / _MIN_ROWS_PER_CELL)))


def reach_ladder() -> list[float]:
    """The reaches tried at calibration: in steps of 0.01 to 0.8, which embeddings keep to; coarser beyond, for
    vectors in clusters that lie far apart. At 5 every cell is compared.
    """
    return [round(0.01 * step, 2) for step in range(1, 80)] + [round(0.1 * step, 1) for step in range(8, 51)]
