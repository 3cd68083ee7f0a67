"""The number format: bfloat16 where the machine has it and the network bears it, else float32, the same as ever."""

from pathlib import Path

import pytest
import torch

from ml.models import formats, fused
from ml.models.checkpoint import read_network
from ml.models.choice import Machine
from ml.models.formats import Running
from tests.ml.checkpoints import make_network
from tests.ml.conftest import UseFormat

SIDE, PATCH = 56, 14
PIXELS = torch.randn(3, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


def prepare(folder: Path) -> Running:
    return formats.prepare(read_network(folder, 0), SIDE, PATCH)


def tokens(running: Running) -> torch.Tensor:
    with torch.inference_mode():
        return running.encode(PIXELS.to(running.dtype)).float()


@pytest.fixture(scope="module")
def wild(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network in which rounding errors grow beyond MIN_COSINE."""
    return make_network(tmp_path_factory.mktemp("wild") / "wild", gain=4)


@pytest.mark.parametrize("number_format", ["float32", "bfloat16"])
def test_the_format_is_the_machines(checkpoint: Path, use_format: UseFormat, number_format: str) -> None:
    use_format(number_format)
    running = prepare(checkpoint)
    assert str(running) == f"{number_format} on cpu"
    assert running.dtype == getattr(torch, number_format)
    assert running.batch_size == 8
    assert torch.nn.functional.cosine_similarity(
        tokens(running), read_network(checkpoint, 0)(PIXELS).last_hidden_state, dim=-1
    ).min() > (0.99999 if number_format == "float32" else 0.998)


def test_a_network_that_strays_stays_in_float32(wild: Path, use_format: UseFormat) -> None:
    use_format("float32")
    exact = tokens(prepare(wild))
    use_format("bfloat16")
    strayed = prepare(wild)
    assert strayed.dtype == torch.float32
    assert torch.equal(tokens(strayed), exact)


def test_a_network_that_strays_in_every_fast_form_runs_as_it_is(
    checkpoint: Path, use_format: UseFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_format("bfloat16")
    monkeypatch.setattr(formats, "MIN_COSINE", 1.1)
    plain = prepare(checkpoint)
    assert plain.dtype == torch.float32
    with torch.inference_mode():
        assert torch.equal(tokens(plain), read_network(checkpoint, 0)(PIXELS).last_hidden_state)


def test_a_network_of_another_make_runs_as_it_is(checkpoint: Path, tmp_path: Path, use_format: UseFormat) -> None:
    use_format("bfloat16")
    folder = make_network(tmp_path / "relu", hidden_act="relu")
    running = prepare(folder)
    assert running.dtype == torch.float32
    with torch.inference_mode():
        assert torch.equal(tokens(running), read_network(folder, 0)(PIXELS).last_hidden_state)
    assert not torch.allclose(tokens(running), tokens(prepare(checkpoint)), atol=0.1)


def test_embeddings_that_are_no_numbers_are_never_taken_for_right() -> None:
    exact = torch.ones(2, 4)
    assert formats._agrees(exact.bfloat16(), exact)
    assert not formats._agrees(torch.full((2, 4), torch.nan), exact)
    one_astray = torch.stack([exact[0], torch.tensor([1.0, 1, 1, 0])])
    assert not formats._agrees(one_astray, exact)


@pytest.mark.parametrize(
    ("machine", "tried"),
    [
        (Machine("cpu", 1, has_bfloat16=False), [torch.float32]),
        (Machine("cpu", 1, has_bfloat16=True), [torch.bfloat16, torch.float32]),
        (Machine("cuda", 1, has_bfloat16=True), [torch.bfloat16, torch.float32]),
        (Machine("cuda", 1, has_bfloat16=False), [torch.float16, torch.float32]),
        (Machine("mps", 1, has_bfloat16=False), [torch.float16, torch.float32]),
    ],
)
def test_formats_are_tried_from_the_fastest(machine: Machine, tried: list[torch.dtype]) -> None:
    assert list(formats._formats(machine.kind, has_bfloat16=machine.has_bfloat16)) == tried


def test_the_fast_form_is_what_runs(checkpoint: Path, use_format: UseFormat, monkeypatch: pytest.MonkeyPatch) -> None:
    use_format("float32")
    assert isinstance(prepare(checkpoint).encode, fused.FusedEncoder)


@pytest.mark.parametrize("side", [28, 56, 70, 224, 518])
def test_samples_are_pictures_of_the_usual_size(side: int) -> None:
    samples = formats._samples(side, torch.device("cpu"))
    assert samples.shape == (2, 3, side, side)
    assert samples.dtype == torch.float32
    assert samples.std(dim=(1, 2, 3)).min() > 0.5
