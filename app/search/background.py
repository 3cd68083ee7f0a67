"""What a score means in a gallery: how often a picture there would score as high by chance."""

import math

import numpy as np

from app.search.draw import SAMPLE
from app.search.finders import Sample
from app.search.records import Background
from app.search.spread import spread

LEAST_SIZE = 20
"""Fewer pictures than these say nothing of chance: there is no reading then."""

NORMAL_MAD = 1.4826  # standard deviations in one median absolute deviation of a normal distribution

LEAST_SPACE = 1e-4
"""No score counts as nearer to 1: cosines of vectors that were stored as float16 are not known better."""

LEAST_SCALE = 1e-3  # in a gallery of nothing but copies chance has no width to measure by

ALIKE = 0.5
WORDS = ((0.9, "very alike"), (ALIKE, "alike"), (0.1, "loosely alike"))
"""Least likenesses, and what people are told: chance brings 0.1, 1 and 9 pictures of the gallery so near.

The share of the same label at each, by model and data set: docs/scores.md.
"""

CHANCE = "no more alike than chance"
SAME_SCORE, SAME = 0.999, "same picture"
COPY_SCORE, COPY = 0.98, "near copy"


def measure(sample: Sample, left_out: int = 0) -> Background | None:
    """The background that a sample shows, from which `left_out` pictures may be missing; None below LEAST_SIZE.

    Its centre and scale are from medians: the few drawn pictures that are truly alike do not move these.
    """
    size = len(sample.scores)
    if size < LEAST_SIZE:
        return None
    transformed = np.arctanh(np.clip(sample.scores.astype(np.float64), LEAST_SPACE - 1, 1 - LEAST_SPACE))
    centre = float(np.median(transformed))
    scale = max(LEAST_SCALE, NORMAL_MAD * float(np.median(np.abs(transformed - centre))))
    total = size if size + left_out < SAMPLE else _estimate_total(sample)
    return Background(size, total, float(sample.scores.mean()), float(sample.scores.std()), centre, scale)


def likeness(background: Background, score: float) -> float:
    """1 / (1 + the number of pictures here that would score as high by chance): 0.5 where chance brings one."""
    transformed = math.atanh(min(max(score, LEAST_SPACE - 1), 1 - LEAST_SPACE))
    deviations = (transformed - background.centre) / background.scale
    by_chance = background.total * math.erfc(deviations / math.sqrt(2)) / 2
    return 1 / (1 + by_chance)


def words_for(score: float, likeness: float | None) -> str | None:
    """What a score means, in words; None where that cannot be told."""
    if likeness is None or likeness >= ALIKE:  # where unlike pictures score 0.98, too, that proves nothing
        if score >= SAME_SCORE:
            return SAME
        if score >= COPY_SCORE:
            return COPY
    if likeness is None:
        return None
    return next((words for least, words in WORDS if likeness >= least), CHANCE)


def _estimate_total(sample: Sample) -> int:
    """Of how many pictures these have the least spread, within some 5 %.

    Spread is as good as random: the denser its least values, the more pictures there are (the k minimum values of
    Bar-Yossef et al., 2002). Every engine comes to the same number, and none has to count.
    """
    return int((len(sample.ids) - 1) * 2**32 / (int(spread(sample.ids).max()) + 1))
