"""Indexes published once for all tests of the engine."""

import numpy as np
import pytest
from hypothesis import settings

from tests.app.search.index.galleries import DEEP, Gallery, clustered, publish_gallery

settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def exact_gallery(tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    """60 vectors in one cell, each of them under two ids: ties everywhere."""
    vectors = np.repeat(clustered(30), 2, axis=0)
    return publish_gallery(tmp_path_factory.mktemp("exact") / "1", np.arange(60) * 2 + 1, vectors, exact_below=100)


@pytest.fixture(scope="session")
def ivf_gallery(tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    """4,000 vectors in 64 cells."""
    vectors = clustered(4_000)
    return publish_gallery(tmp_path_factory.mktemp("ivf") / "1", np.arange(4_000) * 3 + 5, vectors, exact_below=100)


@pytest.fixture(scope="session")
def panorama_gallery(tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    """4,000 longer vectors in 64 cells, stored level by level."""
    directory = tmp_path_factory.mktemp("panorama") / "1"
    vectors = clustered(4_000, dim=DEEP)
    return publish_gallery(directory, np.arange(4_000) * 3 + 5, vectors, exact_below=100, layout="panorama")


@pytest.fixture(scope="session")
def float16_gallery(tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    """4,000 vectors in 64 cells, of half the bytes: as the database keeps them."""
    directory = tmp_path_factory.mktemp("float16") / "1"
    vectors = clustered(4_000).astype(np.float16).astype(np.float32)
    return publish_gallery(directory, np.arange(4_000) * 3 + 5, vectors, exact_below=100, layout="float16")
