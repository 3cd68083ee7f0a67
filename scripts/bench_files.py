"""Files to vectors: ours against a DataLoader with transformers' own processor, and the mean of a float32 network."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from ml.decoder import Decoder, prepare
from ml.embedder import Embedder
from ml.models.registry import load_model
from ml.pipeline import embed_files
from scripts.bench_inputs import Pictures
from scripts.bench_machine import Times, take_turns

BATCH = 8  # the reference's: in float32 on a processor larger batches are slower


@dataclass(frozen=True, slots=True)
class FilesRow:
    """Pictures a second, the best of the rounds, all cores at work.

    `ours` crops as the reference does; `fit` sees the whole picture, as models do by default; `network_per_s` is
    ours without any file.
    """

    size: str
    pictures: str
    count: int
    runs_on: str
    ours_per_s: float
    reference_per_s: float
    ratio: float
    fit_per_s: float
    network_per_s: float
    ours: Times
    fit: Times
    reference: Times


class Processed:
    """Files as the hub's processor for this checkpoint prepares them: a data set for a DataLoader."""

    def __init__(self, checkpoint: Path, files: list[Path]) -> None:
        from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil

        self._processor: Any = BitImageProcessorPil.from_pretrained(checkpoint)
        self._files = files

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, position: int) -> Any:
        with Image.open(self._files[position]) as picture:
            return self._processor(images=picture.convert("RGB"), return_tensors="pt")["pixel_values"][0]


def compare_files(checkpoint: Path, pictures: Pictures, rounds: int) -> FilesRow:
    """From the first file to the last vector; our children run already, the reference's start with each round."""
    import torch

    cores = os.cpu_count() or 1
    torch.set_num_threads(cores)
    embedder, fitting = (
        Embedder(load_model(f"{checkpoint}:{transform}", cache_dir=checkpoint)) for transform in ("reference", "fit")
    )
    model = embedder.model
    inputs = [prepare(file.read_bytes(), model.preprocess) for file in pictures.files[: 4 * model.batch_size]]
    with Decoder(cores) as decoder:

        def ours(embedder: Embedder, files: Sequence[Path] = pictures.files) -> None:
            for file, found in embed_files(embedder, decoder, ((file, file) for file in files)):
                assert not isinstance(found, str), f"{file}: {found}"

        for each in (embedder, fitting):
            ours(each, pictures.files[: 2 * cores])
        contenders: dict[str, Callable[[], object]] = {
            "ours": lambda: ours(embedder),
            "reference": reference_pipeline(checkpoint, pictures.files, cores),
            "fit": lambda: ours(fitting),
            "network": lambda: embedder.embed(inputs),
        }
        times = take_turns(contenders, rounds)
    best = {name: min(taken.wall_s) for name, taken in times.items()}
    return FilesRow(
        size=checkpoint.name,
        pictures=pictures.title,
        count=len(pictures.files),
        runs_on=model.runs_on,
        ours_per_s=len(pictures.files) / best["ours"],
        reference_per_s=len(pictures.files) / best["reference"],
        ratio=best["reference"] / best["ours"],
        fit_per_s=len(pictures.files) / best["fit"],
        network_per_s=len(inputs) / best["network"],
        ours=times["ours"],
        fit=times["fit"],
        reference=times["reference"],
    )


def reference_pipeline(checkpoint: Path, files: list[Path], workers: int) -> Callable[[], None]:
    """What embeds all files once: decoded in full, processed by the hub's processor, the mean of all tokens."""
    import torch
    from transformers import Dinov2Model

    network: Any = Dinov2Model.from_pretrained(checkpoint, attn_implementation="sdpa").eval()
    # Forked children start at once; they are the fastest that a DataLoader has.
    loader: Any = torch.utils.data.DataLoader(
        Processed(checkpoint, files),  # pyright: ignore[reportArgumentType]  # all of a Dataset that is needed
        batch_size=BATCH,
        num_workers=workers,
        multiprocessing_context="fork",
    )

    def embed() -> None:
        with torch.inference_mode():
            for pixels in loader:
                network(pixel_values=pixels).last_hidden_state.mean(dim=1).numpy()

    return embed
