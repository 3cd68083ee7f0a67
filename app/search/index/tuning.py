"""The rules by which an index is sized and searched, each with the measurement behind it.

Measured with faiss-cpu 1.15 on clustered 384-d vectors (local intrinsic dimension 15 to 17), one thread.
"""

import math

EXACT_BELOW = 20_000
"""Up to so many vectors the index is one cell, scanned whole: 2.3 ms at 20,000, and nothing to train."""

TRAINING_ROWS_PER_CELL = 64
"""At 1M vectors and 4,096 cells 64 rows train in 50 s, 128 in 119 s, for .005 more recall."""

SUPER_KMEANS_FROM_DIM = 32
"""FAISS refuses it for shorter vectors; for others it trains in two thirds of the time, as well."""

TARGET_RECALL = 0.95
"""The mean ann_recall_at_10 that nprobe is chosen for at each build (seeds alone move it by .01)."""

CALIBRATION_QUERIES = 500
CALIBRATION_K = 10

SEED = 20_240_607
"""Of the training sample and k-means: the same vectors in the same order give the same index."""

WIDE_SHARE = 0.8
"""From this share of allowed vectors on, the calibrated nprobe serves as it is."""

BUDGET_EXPONENT = 0.3
"""Below it the scan stops after calibrated scan x share^0.3 *allowed* vectors: recall .97 to .99 at shares of
50 to 10%, random or along the clusters, for at most twice the time of no filter (100k and 1M vectors)."""

K_EXPONENT = 0.4
"""nprobe is calibrated for 10 results; the same recall of k takes k^0.36 as many (100k vectors)."""

LEAST_SCAN = 500
LEAST_SCAN_PER_RESULT = 10
"""Floors of the scan, where calibration is content with a few hundred vectors: on well-parted clusters a
filter that follows the clusters lost up to 7 points of recall without."""

_MIN_ROWS_PER_CELL = 39  # below it FAISS warns that a centroid is poorly placed


def nlist_for(n: int) -> int:
    """The number of cells for `n` vectors: the power of two nearest to 4·sqrt(n).

    16·sqrt(n) scans half as many vectors for the same recall, but pays only with an HNSW coarse quantizer.
    """
    if n < 2 * _MIN_ROWS_PER_CELL:
        return 1
    return 2 ** min(round(math.log2(4 * math.sqrt(n))), int(math.log2(n / _MIN_ROWS_PER_CELL)))


def scan_for(k: int, calibrated: float) -> float:
    """How many vectors to scan for `k` results, when `calibrated` were enough for CALIBRATION_K."""
    grown = calibrated * max(1.0, k / CALIBRATION_K) ** K_EXPONENT
    return max(grown, LEAST_SCAN, LEAST_SCAN_PER_RESULT * k)


def nprobe_ladder(nlist: int) -> list[int]:
    """The values of nprobe tried at calibration: 1, 2, 3, 4, 6, 8, 12, … and nlist itself, which is exact."""
    steps = (step for power in range(nlist.bit_length()) for step in (2**power, 3 * 2**power // 2))
    return sorted({step for step in steps if 1 <= step < nlist} | {nlist})
