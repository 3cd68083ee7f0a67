"""Embeddings as points in the plane, so that a person sees what lies together: t-SNE, the same for the same seed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

SAMPLE = 2000
"""Points at most: 2,000 took 11 s on one core, and more are no easier to read."""
COMPONENTS = 50
"""What van der Maaten and Hinton (2008) reduce to beforehand: it takes noise away and time."""
PERPLEXITY = 30.0
FEWEST = 5  # of fewer, neighbourhoods mean nothing

Points = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Projection:
    """`rows` `[m]`: which embeddings were drawn, ascending; `points` float32 `[m, 2]`: theirs, from -1 to 1."""

    rows: NDArray[np.intp]
    points: Points


def project(embeddings: NDArray[np.float32], seed: int = 0, sample: int = SAMPLE) -> Projection:
    """`embeddings` `[n, d]` in the plane, or `sample` of them where there are more.

    Distances between far points and the sizes of groups mean nothing in t-SNE; that two are neighbours does.
    With fewer than five different embeddings it is the two main axes. Raises ValueError without any.
    """
    if not len(embeddings):
        raise ValueError("there is no picture to be drawn")
    rows = np.arange(len(embeddings))
    if len(rows) > sample:
        rows = np.sort(np.random.default_rng(seed).choice(rows, sample, replace=False))
    reduced = _reduce(embeddings[rows], seed)
    if len(np.unique(reduced, axis=0)) >= FEWEST:
        reduced = _embed(reduced, seed)
    return Projection(rows, _fitted(reduced[:, :2]))


def _reduce(embeddings: Points, seed: int) -> Points:
    """The main axes, `[m, 2 to COMPONENTS]`; zeros where there are fewer than two."""
    axes = min(COMPONENTS, *embeddings.shape)
    if len(embeddings) < 2 or np.ptp(embeddings, axis=0).max() == 0:
        return np.zeros((len(embeddings), 2), np.float32)
    reduced = PCA(axes, svd_solver="randomized", random_state=seed).fit_transform(embeddings)
    return np.pad(reduced, ((0, 0), (0, max(0, 2 - axes)))).astype(np.float32)


def _embed(reduced: Points, seed: int) -> Points:
    start = reduced[:, :2] / max(float(reduced[:, 0].std()), 1e-12) * 1e-4  # scikit-learn's own, from axes at hand
    perplexity = min(PERPLEXITY, (len(reduced) - 1) / 3)
    tsne: Any = TSNE  # whose hints leave out that `init` may be points
    return tsne(2, perplexity=perplexity, init=start, random_state=seed).fit_transform(reduced)


def _fitted(points: Points) -> Points:
    """Moved and scaled, both axes alike, into the square from -1 to 1."""
    middle = (points.max(axis=0) + points.min(axis=0)) / 2
    reach = float(np.abs(points - middle).max())
    return ((points - middle) / (reach or 1.0)).astype(np.float32)
