"""Layers whose weights respond to hyperparameters, and what hyperparameters do to a batch.

With r the raw hyperparameters of an example, a layer of weights W and b gives W x + b + (U r) * (V x) + (C r) * c:
weights that depend linearly on r, at rank one a unit (MacKay et al. 2019, equation 12, without its constant term).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Tuning:
    """What a model is told with a batch of B examples: `response`, (B, n), which its layers respond to, and the
    hyperparameters by name, (B,) each, or none where nothing is to be dropped or disturbed, as on validation data."""

    response: Tensor
    values: dict[str, Tensor] | None

    def value(self, name: str) -> Tensor | None:
        """A hyperparameter of each example, or None."""
        return None if self.values is None else self.values[name]


class _Response(nn.Module):
    """What the layers have in common: how far units respond, (B, out)."""

    def __init__(self, units: int, knobs: int) -> None:
        super().__init__()
        self.scale = nn.Linear(knobs, units, bias=False)
        self.shift = nn.Linear(knobs, units, bias=False)
        nn.init.zeros_(self.scale.weight)
        nn.init.zeros_(self.shift.weight)


class ResponseLinear(nn.Module):
    """A linear layer. x is (B, ..., in)."""

    def __init__(self, inputs: int, outputs: int, knobs: int) -> None:
        super().__init__()
        self.general = nn.Linear(inputs, outputs)
        self.response = _Response(outputs, knobs)
        self.slope = nn.Linear(inputs, outputs)

    def forward(self, x: Tensor, tuning: Tuning) -> Tensor:
        r = tuning.response
        shape = (len(x), *[1] * (x.ndim - 2), -1)
        scale, shift = self.response.scale(r).reshape(shape), self.response.shift(r).reshape(shape)
        out: Tensor = self.general(x) + scale * F.linear(x, self.slope.weight) + shift * self.slope.bias
        return out

    def squares(self, response: Tensor) -> Tensor:
        """The squared norm of the weights of each example, (B,)."""
        return _squares(self.general.weight, self.slope.weight, self.response.scale(response))


class ResponseConv2d(nn.Module):
    """A convolution, whose channels respond. x is (B, in, height, width)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, knobs: int, stride: int = 1, padding: int = 0) -> None:
        super().__init__()
        self.general = nn.Conv2d(inputs, outputs, kernel, stride, padding)
        self.response = _Response(outputs, knobs)
        self.slope = nn.Conv2d(inputs, outputs, kernel, stride, padding)

    def forward(self, x: Tensor, tuning: Tuning) -> Tensor:
        scale, shift = self.response.scale(tuning.response), self.response.shift(tuning.response)
        sloped = F.conv2d(x, self.slope.weight, None, self.slope.stride, self.slope.padding)
        bias = self.slope.bias
        assert bias is not None
        out: Tensor = self.general(x) + scale[:, :, None, None] * sloped + (shift * bias)[:, :, None, None]
        return out

    def squares(self, response: Tensor) -> Tensor:
        """The squared norm of the weights of each example, (B,)."""
        general, slope = self.general.weight.flatten(1), self.slope.weight.flatten(1)
        return _squares(general, slope, self.response.scale(response))


class ResponseEmbedding(nn.Module):
    """An embedding, whose dimensions respond. x is (B, T), whole numbers."""

    def __init__(self, symbols: int, outputs: int, knobs: int) -> None:
        super().__init__()
        self.general = nn.Embedding(symbols, outputs)
        self.response = _Response(outputs, knobs)
        self.slope = nn.Embedding(symbols, outputs)

    def forward(self, x: Tensor, tuning: Tuning) -> Tensor:
        out: Tensor = self.general(x) + self.response.scale(tuning.response)[:, None] * self.slope(x)
        return out

    def squares(self, response: Tensor) -> Tensor:
        """The squared norm of the weights of each example, (B,)."""
        return _squares(self.general.weight.T, self.slope.weight.T, self.response.scale(response))


class ResponseLSTM(nn.Module):
    """One layer of an LSTM, whose gates respond. x is (B, T, in); the output is (B, T, units), and the state at its
    end."""

    def __init__(self, inputs: int, units: int, knobs: int) -> None:
        super().__init__()
        self.units = units
        self.of_input = ResponseLinear(inputs, 4 * units, knobs)
        self.of_state = ResponseLinear(units, 4 * units, knobs)

    def forward(self, x: Tensor, tuning: Tuning, state: Any = None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        hidden, cell = state if state is not None else (x.new_zeros(len(x), self.units),) * 2
        given, outputs = self.of_input(x, tuning), []
        for t in range(x.shape[1]):
            i, f, g, o = (given[:, t] + self.of_state(hidden, tuning)).chunk(4, dim=1)
            cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
            hidden = o.sigmoid() * cell.tanh()
            outputs.append(hidden)
        return torch.stack(outputs, dim=1), (hidden, cell)


def squares(model: nn.Module, response: Tensor) -> Tensor:
    """The squared norm of all weights that respond, for each example, (B,): times a decay it is a penalty."""
    layers = (ResponseLinear, ResponseConv2d, ResponseEmbedding)
    return torch.stack([m.squares(response) for m in model.modules() if isinstance(m, layers)]).sum(0)


def response_parameters(model: nn.Module) -> Iterator[nn.Parameter]:
    """The parameters of the responses: U, V, C and c of each layer."""
    for module in model.modules():
        if isinstance(module, (ResponseLinear, ResponseConv2d, ResponseEmbedding)):
            yield from module.response.parameters()
            yield from module.slope.parameters()


def dropout(x: Tensor, rate: Tensor | None) -> Tensor:
    """Drops with a rate for each example, (B,); whole channels of an image, the same units at all times of a
    sequence."""
    if rate is None:
        return x
    rate = rate.detach()
    kept = (torch.rand(x.shape[:2] if x.ndim == 4 else (len(x), x.shape[-1])).to(x) >= rate[:, None]).to(x.dtype)
    mask = kept / (1 - rate[:, None])
    return x * (mask[:, :, None, None] if x.ndim == 4 else mask.reshape(len(x), *[1] * (x.ndim - 2), -1))


def noise(x: Tensor, scale: Tensor | None) -> Tensor:
    """Adds normal noise with a standard deviation for each example, (B,)."""
    if scale is None:
        return x
    return x + torch.randn(x.shape).to(x) * scale.detach().reshape(-1, *[1] * (x.ndim - 1))


def _squares(general: Tensor, slope: Tensor, scale: Tensor) -> Tensor:
    """Of W + diag(s) V, row by row, for each s: |W|^2 + 2 s W.V + s^2 |V|^2."""
    cross, own = (general * slope).sum(1), (slope * slope).sum(1)
    return (general * general).sum() + scale @ (2 * cross) + (scale * scale) @ own
