"""DINOv2's blocks for inference: the same weights and results, in fewer and larger operations.

What is saved, against transformers' own forward pass, on one core of a processor with AVX512-BF16
(base, 224 px, batch 8; docs/benchmarks.md has the tables):

- query, key and value are one product, the layer scales and the attention's scale stand in the weights;
- weights are packed once for oneDNN, and GELU is done on the product's way out: 5% faster;
- attention is two products and a softmax for each picture, which stay in the cache: three times faster than
  the fused kernel of torch where that has no AMX to run on, another 20%.
"""

import platform
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

SCORES = 32 * 1024**2
"""Attention scores held at once, in numbers: 64 MB in bfloat16; large pictures are done a few heads at a time."""


class Linear:
    """A linear layer of constant weights, packed for oneDNN on x86 processors."""

    def __init__(self, weight: Tensor, bias: Tensor, dtype: torch.dtype, rows: int) -> None:
        self._packed = weight.device.type == "cpu" and _can_pack()
        self._weight = weight.to(dtype).contiguous()
        self._bias = bias.to(dtype)
        if self._packed:
            self._weight = torch.ops.mkldnn._reorder_linear_weight(self._weight, rows)

    def __call__(self, x: Tensor, *, gelu: bool = False) -> Tensor:
        if self._packed:
            name, algorithm = ("gelu", "none") if gelu else ("none", "")
            return torch.ops.mkldnn._linear_pointwise(x, self._weight, self._bias, name, [], algorithm)
        y = functional.linear(x, self._weight, self._bias)
        return functional.gelu(y) if gelu else y


@dataclass(frozen=True, slots=True)
class Norm:
    """A layer norm of constant weights."""

    weight: Tensor
    bias: Tensor
    eps: float

    def __call__(self, x: Tensor) -> Tensor:
        return functional.layer_norm(x, x.shape[-1:], self.weight, self.bias, self.eps)


@dataclass(frozen=True, slots=True)
class Block:
    """One layer of the encoder. `gate` is there for SwiGLU networks (giant), where `up` is the value."""

    norm1: Norm
    qkv: Linear
    out: Linear
    norm2: Norm
    up: Linear
    gate: Linear | None
    down: Linear


class FusedEncoder:
    """Pixels `[n, 3, h, w]` of its dtype to all tokens after the last norm, `[n, 1 + registers + patches, width]`."""

    def __init__(self, network: nn.Module, dtype: torch.dtype, tokens: int) -> None:
        """From a loaded float32 network, which is left as it was; `tokens` a batch are what to pack for.

        Raises ValueError for a network whose activation is none of DINOv2's.
        """
        config: Any = network.config
        encoder: Any = network.encoder
        if not config.use_swiglu_ffn and config.hidden_act != "gelu":
            raise ValueError(f"an activation of {config.hidden_act} is none of DINOv2's")
        self._heads: int = config.num_attention_heads
        self._embeddings = _converted(network.embeddings, dtype)
        self._by_product = not _has_amx() and next(network.parameters()).device.type == "cpu"
        self._blocks = [_block(layer, dtype, tokens) for layer in encoder.layer]
        self._norm = _norm(network.layernorm, dtype)

    def __call__(self, pixels: Tensor) -> Tensor:
        x = self._embeddings(pixels)
        for block in self._blocks:
            x = x + block.out(self._attend(block.qkv(block.norm1(x))))
            y = block.norm2(x)
            hidden = block.up(y, gelu=True) if block.gate is None else functional.silu(block.gate(y)) * block.up(y)
            x = x + block.down(hidden)
        return self._norm(x)

    def _attend(self, qkv: Tensor) -> Tensor:
        n, tokens, three_widths = qkv.shape
        width = three_widths // 3
        split = qkv.view(n, tokens, 3, self._heads, width // self._heads)
        if not self._by_product:
            q, k, v = split.permute(2, 0, 3, 1, 4).unbind(0)
            attended = functional.scaled_dot_product_attention(q, k, v, scale=1.0)
            return attended.transpose(1, 2).reshape(n, tokens, width)
        attended = qkv.new_empty(n, tokens, width)
        heads = max(1, SCORES // tokens**2)
        for picture in range(n):
            q, k, v = split[picture].permute(1, 2, 0, 3).contiguous().unbind(0)
            into = attended[picture].view(tokens, self._heads, -1).transpose(0, 1)
            for start in range(0, self._heads, heads):
                part = slice(start, start + heads)
                shares = torch.bmm(q[part], k[part].transpose(1, 2)).softmax(-1)
                into[part].copy_(torch.bmm(shares, v[part]))
        return attended


def _block(layer: Any, dtype: torch.dtype, tokens: int) -> Block:
    attention, mlp = layer.attention, layer.mlp
    after_attention, after_mlp = layer.layer_scale1.lambda1, layer.layer_scale2.lambda1
    scale = attention.head_dim**-0.5
    projections = (attention.q_proj, attention.k_proj, attention.v_proj)
    biases = [one.bias if one.bias is not None else one.weight.new_zeros(one.weight.shape[0]) for one in projections]

    def linear(weight: Tensor, bias: Tensor) -> Linear:
        return Linear(weight, bias, dtype, tokens)

    swiglu = hasattr(mlp, "gate_proj")
    up, down = (mlp.up_proj, mlp.down_proj) if swiglu else (mlp.fc1, mlp.fc2)
    return Block(
        norm1=_norm(layer.norm1, dtype),
        qkv=linear(
            torch.cat([projections[0].weight * scale, projections[1].weight, projections[2].weight]),
            torch.cat([biases[0] * scale, biases[1], biases[2]]),
        ),
        out=linear(attention.o_proj.weight * after_attention[:, None], attention.o_proj.bias * after_attention),
        norm2=_norm(layer.norm2, dtype),
        up=linear(up.weight, up.bias),
        gate=linear(mlp.gate_proj.weight, mlp.gate_proj.bias) if swiglu else None,
        down=linear(down.weight * after_mlp[:, None], down.bias * after_mlp),
    )


def _norm(norm: Any, dtype: torch.dtype) -> Norm:
    return Norm(norm.weight.to(dtype), norm.bias.to(dtype), norm.eps)


def _converted(module: Any, dtype: torch.dtype) -> Any:
    """A copy of a module in another number format."""
    return deepcopy(module).to(dtype)


def _can_pack() -> bool:
    return (
        torch.backends.mkldnn.is_available()
        and platform.machine() in ("x86_64", "AMD64")
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )


def _has_amx() -> bool:
    return bool(torch.cpu.get_capabilities().get("amx_bf16"))
