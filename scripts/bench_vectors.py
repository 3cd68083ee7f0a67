"""Vectors that behave like image embeddings, with their exact neighbours, kept from run to run."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

CLASSES = 5_000
SUPER_CLASSES = 250
ROTATIONS = 64
HIDDEN = 128
CHUNK = 50_000
K = 10

_faiss: Any = faiss


@dataclass(frozen=True, slots=True)
class Generated:
    """`vectors` float32 [n, dim] and `queries` [q, dim], L2-normalised; `classes` int [n], of each vector."""

    vectors: Floats
    queries: Floats
    classes: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Kind:
    """A distribution: latent dimensions, spread within a class, how fast its spectrum falls, noise."""

    latent: int
    within: float
    power: float
    noise: float


MAIN = Kind(32, 1.0, -0.5, 0.4)
HARD = Kind(48, 1.2, -0.4, 0.5)


def generate(n: int, dim: int, queries: int, seed: int = 1, kind: Kind = MAIN) -> Generated:
    """Classes of Zipf-distributed sizes in a latent space, bent into `dim` dimensions, with noise.

    Local intrinsic dimension (maximum likelihood, 100 neighbours): 17 for MAIN, as for embeddings of photos; uniform
    random vectors have none, and recall on them says nothing. The same arguments give the same vectors.
    """
    world = _World(dim, np.random.default_rng(seed), kind)
    vectors, classes = np.empty((n, dim), np.float32), np.empty(n, np.int64)
    for start in range(0, n, CHUNK):
        end = min(n, start + CHUNK)
        vectors[start:end], classes[start:end] = world.draw(end - start)
    return Generated(vectors, world.draw(queries)[0], classes)


def exact_neighbours(vectors: Floats, queries: Floats) -> NDArray[np.int64]:
    """The K nearest of each query: int64 [q, K]."""
    return _faiss.knn(queries, vectors, K, metric=_faiss.METRIC_INNER_PRODUCT)[1]


def cached(folder: Path, name: str, **arguments: Any) -> Path:
    """Where what is made of these arguments is kept: named by their hash and by this generator's own source."""
    told = json.dumps([Path(__file__).read_text(), arguments], sort_keys=True, default=str)
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}-{hashlib.sha256(told.encode()).hexdigest()[:16]}"


class _World:
    def __init__(self, dim: int, rng: np.random.Generator, kind: Kind) -> None:
        latent = kind.latent
        supers = 0.8 * rng.normal(size=(SUPER_CLASSES, latent))
        self.rng, self.dim, self.noise = rng, dim, kind.noise
        self.centres = supers[rng.integers(SUPER_CLASSES, size=CLASSES)] + 0.6 * rng.normal(size=(CLASSES, latent))
        self.scales = kind.within * rng.lognormal(0, 0.3, CLASSES)
        spectrum = np.arange(1, latent + 1) ** kind.power
        spectrum /= np.sqrt((spectrum**2).mean())
        turns = [np.linalg.qr(rng.normal(size=(latent, latent)))[0] * spectrum for _ in range(ROTATIONS)]
        self.turns = np.stack(turns)
        self.turn_of = rng.integers(ROTATIONS, size=CLASSES)
        weights = np.arange(1, CLASSES + 1) ** -0.7
        self.weights = weights / weights.sum()
        self.bend = (rng.normal(size=(latent, HIDDEN)) / np.sqrt(latent)).astype(np.float32)
        self.out = (rng.normal(size=(HIDDEN, dim)) / np.sqrt(dim)).astype(np.float32)
        self.straight = (0.5 * rng.normal(size=(latent, dim)) / np.sqrt(dim)).astype(np.float32)

    def draw(self, count: int) -> tuple[Floats, NDArray[np.int64]]:
        classes = self.rng.choice(CLASSES, count, p=self.weights)
        latent = self.rng.normal(size=(count, self.centres.shape[1])) * self.scales[classes][:, None]
        for turn in range(ROTATIONS):
            rows = self.turn_of[classes] == turn
            latent[rows] = latent[rows] @ self.turns[turn].T
        point = (latent + self.centres[classes]).astype(np.float32)
        noise = self.rng.normal(size=(count, self.dim), scale=self.noise / np.sqrt(self.dim))
        vectors = np.tanh(point @ self.bend) @ self.out + point @ self.straight + noise.astype(np.float32)
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), classes
