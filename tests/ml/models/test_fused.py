"""The fused encoder gives what transformers' forward pass gives, by every path that a machine may take."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn.functional import cosine_similarity

from ml.models import fused
from ml.models.checkpoint import read_network
from ml.models.fused import FusedEncoder
from tests.ml.checkpoints import KINDS, make_network

SHAPES = ((56, 56), (70, 70), (28, 140), (14, 14))


def network(folder: Path) -> nn.Module:
    stated = json.loads((folder / "config.json").read_text())
    return read_network(folder, stated.get("num_register_tokens", 0))


def encode(network: nn.Module, dtype: torch.dtype, height: int, width: int) -> torch.Tensor:
    with torch.inference_mode():
        return FusedEncoder(network, dtype, 64)(pixels(height, width).to(dtype)).float()


def plain(network: nn.Module, height: int, width: int) -> torch.Tensor:
    with torch.inference_mode():
        return network(pixel_values=pixels(height, width)).last_hidden_state


def pixels(height: int, width: int) -> torch.Tensor:
    return torch.randn(3, 3, height, width, generator=torch.Generator().manual_seed(height + width))


@pytest.fixture(params=KINDS)
def each(request: pytest.FixtureRequest, networks: dict[str, Path]) -> nn.Module:
    """Networks of all makes."""
    return network(networks[request.param])


@pytest.mark.parametrize("shape", SHAPES)
def test_all_tokens_equal_the_plain_networks(each: nn.Module, shape: tuple[int, int]) -> None:
    ours, theirs = encode(each, torch.float32, *shape), plain(each, *shape)
    assert cosine_similarity(ours, theirs, dim=-1).min() > 0.99999
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


def test_the_network_is_left_as_it_was(each: nn.Module) -> None:
    before = {name: weight.clone() for name, weight in each.state_dict().items()}
    encode(each, torch.float32, 56, 56)
    assert all(torch.equal(weight, before[name]) for name, weight in each.state_dict().items())


def test_without_the_packing_operation_it_is_the_same(each: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = encode(each, torch.float32, 56, 56)
    monkeypatch.setattr(torch.ops, "mkldnn", SimpleNamespace())
    encoder = FusedEncoder(each, torch.float32, 64)
    assert not encoder._blocks[0].qkv._packed
    torch.testing.assert_close(encode(each, torch.float32, 56, 56), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("scores", [1, 2 * 17**2, 3 * 17**2 + 5])
def test_attention_a_few_heads_at_a_time_is_the_same(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch, scores: int
) -> None:
    monkeypatch.setattr(fused, "_has_amx", lambda: False)
    expected = encode(network(checkpoint), torch.float32, 56, 56)
    products: list[int] = []
    multiply = torch.bmm
    monkeypatch.setattr(torch, "bmm", lambda a, b: (products.append(len(a)), multiply(a, b))[1])
    monkeypatch.setattr(fused, "SCORES", scores)
    torch.testing.assert_close(encode(network(checkpoint), torch.float32, 56, 56), expected, atol=1e-5, rtol=1e-5)
    # Of four heads at 17 tokens: one by one, two and two, three and one; each twice, for scores and for values.
    groups = {1: [1, 1, 1, 1], 2 * 17**2: [2, 2], 3 * 17**2 + 5: [3, 1]}[scores]
    assert products[: 2 * len(groups)] == [heads for heads in groups for _ in range(2)]


def test_attention_by_torchs_kernel_equals_that_by_products(each: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    results: dict[bool, torch.Tensor] = {}
    for has_amx in (False, True):
        monkeypatch.setattr(fused, "_has_amx", lambda has_amx=has_amx: has_amx)
        assert FusedEncoder(each, torch.float32, 64)._by_product != has_amx
        results[has_amx] = encode(each, torch.float32, 56, 56)
    torch.testing.assert_close(results[True], results[False], atol=1e-4, rtol=1e-4)


def test_a_network_without_biases_of_the_attention(tmp_path: Path) -> None:
    unbiased = network(make_network(tmp_path / "unbiased", qkv_bias=False))
    torch.testing.assert_close(encode(unbiased, torch.float32, 56, 56), plain(unbiased, 56, 56), atol=1e-4, rtol=1e-4)


def test_another_activation_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="an activation of relu"):
        FusedEncoder(network(make_network(tmp_path / "relu", hidden_act="relu")), torch.float32, 64)
