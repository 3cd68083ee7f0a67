"""Balanced sampling: so many pictures of each category, the rare ones first."""

import numpy as np
from numpy.typing import NDArray


def sample_balanced(
    pictures: NDArray[np.int64], categories: NDArray[np.int64], per_category: int, seed: int
) -> NDArray[np.int64]:
    """The pictures, ascending, that together show each category `per_category` times, or all there are of it.

    `pictures` and `categories` [n] say which picture shows which category; a pair may stand there twice. Categories
    take their turn from the rarest on, and of those as rare, from the lowest number on. Each draws what it still
    lacks from the pictures not drawn yet, and a drawn picture counts for every category that it shows: a frequent one
    (people are in half of COCO) may so come to more than `per_category`.
    """
    if per_category < 1:
        raise ValueError("per_category is at least 1")
    count = int(pictures.max(initial=-1)) + 1
    pairs = np.unique(categories * count + pictures)
    first_of_each = np.flatnonzero(np.diff(pairs // max(count, 1), prepend=-1))
    by_category = [part % count for part in np.split(pairs, first_of_each[1:])] if count else []
    chosen = np.zeros(count, np.bool_)
    random = np.random.RandomState(seed % 2**32)  # its stream is frozen for good, unlike that of default_rng
    for showing in sorted(by_category, key=len):
        drawn = chosen[showing]
        lacking = per_category - int(drawn.sum())
        if lacking > 0:
            chosen[random.permutation(showing[~drawn])[:lacking]] = True
    return np.flatnonzero(chosen)
