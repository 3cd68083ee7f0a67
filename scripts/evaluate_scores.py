"""What the words of a search are worth: the share of the same label at each of them, by model and folder.

A folder is labelled by the folders in it, and is a gallery of its own; with more than one, all of them together are
another one. The 24 nearest of every picture are read. The area under the ROC curve of a reading, pooled over all
queries, is 1 when every true match of any query has a higher reading than every false one of any.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.search.background import ALIKE, CHANCE, WORDS, likeness, measure, words_for
from app.search.draw import SAMPLE
from app.search.finders import Sample
from app.search.spread import spread
from ml.datasets.folder import read_folder
from ml.datasets.items import Item
from ml.decoder import Decoder
from ml.embedder import Embedder
from ml.models.model import ModelError
from ml.models.registry import load_model
from ml.pipeline import embed_files

NEAREST = 24
LADDER = ("same picture", "near copy", *(words for _, words in WORDS), CHANCE)


@dataclass(frozen=True, slots=True)
class Readings:
    """Of each of the nearest of each query, [n]: cosine, likeness, words (their place in LADDER), same label or not.

    `by_chance` is how many pictures of other labels are alike, or more, to a query: one, if the name is right.
    """

    gallery: str
    cosines: NDArray[np.float64]
    likenesses: NDArray[np.float64]
    words: NDArray[np.intp]
    same: NDArray[np.bool_]
    by_chance: float


def read(gallery: str, vectors: NDArray[np.float32], labels: Sequence[str]) -> Readings:
    """Every picture asks, itself left out, as in a search by a stored picture."""
    names = np.array(labels)
    ids = np.arange(1, len(names) + 1)
    order = np.argsort(spread(ids))
    scores = np.clip(vectors @ vectors.T, -1, 1)
    rows: list[tuple[float, float, int, bool]] = []
    others: list[int] = []
    for query, mine in enumerate(scores):
        drawn = order[: SAMPLE + 1]
        drawn = drawn[drawn != query][:SAMPLE]
        background = measure(Sample(ids[drawn], mine[drawn]))
        if background is None:
            raise ValueError(f"{gallery} is too small for readings")
        nearest = [place for place in np.argsort(-mine)[: NEAREST + 1].tolist() if place != query]
        for place in nearest[:NEAREST]:
            reading = likeness(background, float(mine[place]))
            words = words_for(float(mine[place]), reading)
            rows.append(
                (float(mine[place]), reading, LADDER.index(words or CHANCE), bool(names[place] == names[query]))
            )
        unlike = mine[names != names[query]]
        others.append(sum(likeness(background, float(score)) >= ALIKE for score in unlike))
    cosines, readings, words, same = zip(*rows, strict=True)
    return Readings(
        gallery, np.array(cosines), np.array(readings), np.array(words), np.array(same), float(np.mean(others))
    )


def area(values: NDArray[np.float64], same: NDArray[np.bool_]) -> float:
    """The area under the ROC curve; ties count half."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    true, false = int(same.sum()), int((~same).sum())
    return float((ranks[same].sum() - true * (true + 1) / 2) / (true * false))


def table(model: str, galleries: Sequence[Readings]) -> Iterator[str]:
    """The lines of one model's table, in Markdown; in brackets how many were read so."""
    yield f"\n{model}\n\n| gallery | {' | '.join(LADDER)} | of other labels, a query | ROC cosine | ROC likeness |"
    yield "|---|" + "--:|" * (len(LADDER) + 3)
    for one in galleries:
        shares = " | ".join(_share(one.same[one.words == place]) for place in range(len(LADDER)))
        areas = f"{area(one.cosines, one.same):.3f} | {area(one.likenesses, one.same):.3f}"
        yield f"| {one.gallery} | {shares} | {one.by_chance:.2f} | {areas} |"
    yield f"| pooled | {' | ' * len(LADDER)} | {pooled(galleries)} |"


def pooled(galleries: Sequence[Readings]) -> str:
    """Both areas over all queries of all galleries."""
    same = np.concatenate([one.same for one in galleries])
    cosine = area(np.concatenate([one.cosines for one in galleries]), same)
    reading = area(np.concatenate([one.likenesses for one in galleries]), same)
    return f"{cosine:.3f} | {reading:.3f}"


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when all was measured, 1 when a model or a folder cannot be used."""
    asked = _parser().parse_args(arguments)
    every: list[Readings] = []
    try:
        with Decoder(1) as decoder:
            for name in asked.models.split(","):
                galleries = list(_galleries(decoder, name, asked.folders, asked.models_dir))
                print("\n".join(table(name, galleries)))
                every += galleries
    except (ModelError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"\nPooled over all models, ROC cosine | likeness: {pooled(every)}")
    return 0


def _galleries(decoder: Decoder, model: str, folders: Sequence[Path], models_dir: Path) -> Iterator[Readings]:
    embedder = Embedder(load_model(model, cache_dir=models_dir))
    vectors: list[NDArray[np.float32]] = []
    labels: list[str] = []
    for folder in folders:
        items = [one for one in read_folder(folder, labels_from="folder").items if isinstance(one, Item) and one.labels]
        files = [(item.labels[0], item.content) for item in items if isinstance(item.content, Path)]
        found = [(label, row) for label, row in embed_files(embedder, decoder, files) if not isinstance(row, str)]
        mine, names = np.stack([row for _, row in found]), [f"{folder}/{label}" for label, _ in found]
        vectors.append(mine)
        labels += names
        yield read(folder.name, mine, names)
    if len(folders) > 1:
        yield read("all together", np.concatenate(vectors), labels)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--models", default="baseline", help="names, with commas between")
    parser.add_argument("--models-dir", type=Path, default=Path(".likeness/models"))
    return parser


def _share(same: NDArray[np.bool_]) -> str:
    return f"{same.mean():.2f} ({len(same)})" if len(same) else "-"


if __name__ == "__main__":
    sys.exit(main())
