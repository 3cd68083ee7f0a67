"""An evaluation from the first picture to the last figure: sets x models x protocols."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml import images
from ml.clustering import cluster
from ml.datasets.items import Flaw, Item
from ml.decoder import Decoder
from ml.embedder import Embedder
from ml.evaluation import clusters, copies, findings, knn, original, retrieval
from ml.evaluation.results import Findings, Scores
from ml.evaluation.sets import EvaluationError, PictureSet, read_set
from ml.models.model import Model
from ml.models.registry import load_model
from ml.pipeline import Content, embed_files

PROTOCOLS = (retrieval.PROTOCOL, original.PROTOCOL, knn.PROTOCOL, clusters.PROTOCOL, copies.PROTOCOL)
NEED_LABELS = {retrieval.PROTOCOL, knn.PROTOCOL}
CLUSTERS = 10
"""Of pictures without labels; with labels there are as many clusters as labels, where a cluster has PER_CLUSTER."""
PER_CLUSTER = 5
FEWEST = 3

Array = NDArray[np.float32]
Progress = Callable[[str, int, int], None]
"""What is done, how far it is, and of how many."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be evaluated. The same, on the same pictures and models, gives the same figures.

    `models` are names as everywhere (`ml.models.registry.resolve`), their weights in `models_dir`.
    """

    data: Sequence[Path]
    models: Sequence[str]
    models_dir: Path
    protocols: Sequence[str] = PROTOCOLS
    limit: int | None = None
    seed: int = 0
    workers: int = 1


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A model that was evaluated, and how fast it took all pictures in, decoding included."""

    name: str
    title: str
    identity: str
    dim: int
    runs_on: str
    pictures_per_s: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one model reaches on one set."""

    model: str
    scores: Mapping[str, Scores]
    findings: Findings


@dataclass(frozen=True, slots=True)
class SetOutcomes:
    """A set, and what each model reaches on it, in the order asked for: all on the same pictures."""

    pictures: PictureSet
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All that was found. `seconds` is what it took."""

    asked: Asked
    models: tuple[ModelCard, ...]
    sets: tuple[SetOutcomes, ...]
    seconds: float


def evaluate(
    asked: Asked,
    progress: Progress = lambda _what, _done, _total: None,
    given: Sequence[PictureSet] | None = None,
) -> Evaluation:
    """Embed each picture once by each model, then apply every protocol that fits the set.

    `given` are sets that were read already, in place of what lies at `asked.data`.

    Models and sets are looked at before anything is computed. Raises EvaluationError, DataSetError, ModelError,
    ValueError and OSError, each with a sentence for the person who asked.
    """
    started = time.monotonic()
    models = [load_model(name, cache_dir=asked.models_dir) for name in asked.models]
    names = [model.spec.name for model in models]
    if twice := {name for name in names if names.count(name) > 1}:
        raise EvaluationError(f"{twice.pop()} is named twice: give each model once")
    sets = given or [read_set(path, asked.limit, asked.seed) for path in asked.data]
    plans = [plan(one, asked.protocols) for one in sets]
    with Decoder(asked.workers) as decoder:
        embedded = [_embed_all(model, decoder, sets, progress) for model in models]
    found: list[SetOutcomes] = []
    for place, (one, protocols) in enumerate(zip(sets, plans, strict=True)):
        vectors = [of_model.vectors[place] for of_model in embedded]
        # What one model cannot take is left out for all: they are compared on the same pictures.
        refused = {row: reason for of_model in embedded for row, reason in of_model.refused[place].items()}
        rows = np.array([row for row in range(len(one.items)) if row not in refused], np.intp)
        if len(rows) < FEWEST:
            reason = next(iter(refused.values()), "")
            raise EvaluationError(f"{one.path} has {len(rows)} pictures that can be used: {reason}".rstrip(": "))
        kept = one.keep(rows, [Flaw(one.items[row].source, reason) for row, reason in sorted(refused.items())])
        outcomes = _apply(kept, names, [of_model[rows] for of_model in vectors], protocols, asked.seed, progress)
        found.append(SetOutcomes(kept, tuple(outcomes)))
    cards = tuple(of_model.card for of_model in embedded)
    return Evaluation(asked, cards, tuple(found), time.monotonic() - started)


def plan(pictures: PictureSet, protocols: Sequence[str]) -> list[str]:
    """Those of the protocols that fit a set. Raises EvaluationError where none does, naming what is missing."""
    if pictures.copied is not None:
        if copies.PROTOCOL not in protocols:
            raise EvaluationError(f"{pictures.path} holds groups of copies: ask for the protocol copies")
        return [copies.PROTOCOL]
    fitting = [one for one in PROTOCOLS if one in protocols and one != copies.PROTOCOL]
    if not fitting:
        raise EvaluationError(f"{pictures.path} has no groups.json: the protocol copies cannot be asked of it")
    if not pictures.labelled and (lacking := sorted(NEED_LABELS & set(fitting))):
        raise EvaluationError(
            f"{pictures.path} has no labels, which {' and '.join(lacking)} need: put the pictures into a folder for "
            f"each label, or ask for --protocols original,clusters only"
        )
    return fitting


def _apply(
    pictures: PictureSet,
    names: Sequence[str],
    vectors: Sequence[Array],
    protocols: Sequence[str],
    seed: int,
    progress: Progress,
) -> Iterator[Outcome]:
    first: Mapping[str, Scores] = {}
    for number, (name, embeddings) in enumerate(zip(names, vectors, strict=True)):
        progress(f"{pictures.name}: scoring", number, len(names))
        if pictures.copied is not None:
            scores = {copies.PROTOCOL: copies.score(embeddings, pictures.copied, seed)}
            shown = findings.of_copies(embeddings, pictures.copied)
        else:
            scores, shown = _score_labelled(embeddings, pictures, protocols, seed)
        if first:
            scores = {protocol: one.compared_with(first[protocol], seed) for protocol, one in scores.items()}
        first = first or scores
        yield Outcome(name, scores, shown)
    progress(f"{pictures.name}: scoring", len(names), len(names))


def _score_labelled(
    embeddings: Array, pictures: PictureSet, protocols: Sequence[str], seed: int
) -> tuple[dict[str, Scores], Findings]:
    relevance = pictures.relevance if pictures.labelled else None
    count = len(np.unique(relevance.first)) if relevance is not None else CLUSTERS
    # COCO's slices have about as many first labels as pictures: clusters of one tell nothing.
    count = min(count, max(2, len(embeddings) // PER_CLUSTER))
    grouped = cluster(embeddings, count, seed).clusters
    scores: dict[str, Scores] = {}
    confusion = None
    for protocol in protocols:
        if protocol == original.PROTOCOL:
            scores[protocol] = original.score(embeddings, grouped, relevance, seed)
        elif protocol == clusters.PROTOCOL:
            scores[protocol] = clusters.score(embeddings, grouped, relevance, seed)
        elif relevance is not None and protocol == retrieval.PROTOCOL:
            scores[protocol] = retrieval.score(embeddings, relevance, seed)
        elif relevance is not None:
            by_neighbours = knn.score(embeddings, relevance, pictures.asked, seed)
            scores[protocol], confusion = by_neighbours.scores, by_neighbours.confusion
    return scores, findings.of_labelled(embeddings, grouped, relevance, scores.get(retrieval.PROTOCOL), confusion, seed)


@dataclass(frozen=True, slots=True)
class _Embedded:
    """By one model: of each set the embeddings, and the reasons of the pictures that were refused, by row."""

    card: ModelCard
    vectors: Sequence[Array]
    refused: Sequence[Mapping[int, str]]


def _embed_all(model: Model, decoder: Decoder, sets: Sequence[PictureSet], progress: Progress) -> _Embedded:
    """Its memory is given back afterwards."""
    began, spec = time.monotonic(), model.spec
    parts = [
        _embed(model, decoder, one.items, _telling(progress, f"{one.name}, {spec.name}", len(one.items)))
        for one in sets
    ]
    speed = sum(len(one.items) for one in sets) / max(time.monotonic() - began, 1e-9)
    card = ModelCard(spec.name, spec.title, model.identity, model.dim, model.runs_on, speed)
    model.unload()
    return _Embedded(card, [vectors for vectors, _ in parts], [refused for _, refused in parts])


def _embed(
    model: Model, decoder: Decoder, items: Sequence[Item], progress: Callable[[int], None]
) -> tuple[Array, dict[int, str]]:
    """Embeddings `[n, d]`, zeros in the rows of those that were refused, and the reasons of these by row."""
    vectors = np.zeros((len(items), model.dim), np.float32)
    refused: dict[int, str] = {}
    contents = ((row, _content(item)) for row, item in enumerate(items))
    for row, found in embed_files(Embedder(model), decoder, contents):
        if isinstance(found, str):
            refused[row] = found
        else:
            vectors[row] = found
        progress(row + 1)
    return vectors, refused


def _content(item: Item) -> Content:
    """What the decoder takes: bare pixels as a PNG."""
    content = item.content
    if isinstance(content, (Path, bytes)):
        return content
    return images.encode_png(content) if isinstance(content, np.ndarray) else content()


def _telling(progress: Progress, what: str, total: int) -> Callable[[int], None]:
    return lambda done: progress(what, done, total)
