"""Layers whose weights respond to hyperparameters, and what hyperparameters do to a batch.

With r the raw hyperparameters of an example, a layer of weights W and b gives W x + b + (U r) * (V x) + (C r) * c:
weights that depend linearly on r, at rank one a unit (MacKay et al. 2019, equation 12, without its constant term).

Delta-STN linearises a model in r at r = 0. Its layers then give pairs, which PyTorch's forward mode takes through what
lies between them: the output at 0 and its derivative along r, which is W dx + (U r) * (V x) + (C r) * c. Forward mode
alone would go through V dx and products with 0 as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn import functional as F


Kind = TypeVar("Kind", nn.Linear, nn.Conv2d, nn.Embedding)


@dataclass(frozen=True)
class Tuning:
    """What a model is told with a batch of B examples: `response`, (B, n), which its layers respond to, or none at its
    centre, and the hyperparameters by name, (B,) each, or none where nothing is to be dropped or disturbed, as on
    validation data. `linear`: to the first order only, see `linearised`."""

    response: Tensor | None
    values: dict[str, Tensor] | None
    linear: bool = False

    def value(self, name: str) -> Tensor | None:
        """A hyperparameter of each example, or None."""
        return None if self.values is None else self.values[name]


def linearised(model: nn.Module, batch: Any, response: Tensor, values: dict[str, Tensor] | None) -> Tensor:
    """A model's outputs to the first order in `response`, at none."""
    with forward_ad.dual_level():
        outputs, change = forward_ad.unpack_dual(model(batch, Tuning(response, values, linear=True)))
        result: Tensor = outputs if change is None else outputs + change
        return result


class _Response(nn.Module):
    """What the layers have in common: how far units respond, (B, out)."""

    def __init__(self, units: int, knobs: int) -> None:
        super().__init__()
        self.scale = nn.Linear(knobs, units, bias=False)
        self.shift = nn.Linear(knobs, units, bias=False)
        nn.init.zeros_(self.scale.weight)
        nn.init.zeros_(self.shift.weight)


class _Layer(nn.Module, Generic[Kind]):
    """A layer: `general`, its response, and `slope`, whose weights are V and c."""

    general: Kind
    slope: Kind
    response: _Response

    def change(self, x: Tensor, response: Tensor) -> Tensor:
        """(U r) * (V x) + (C r) * c."""
        raise NotImplementedError

    def moved(self, dx: Tensor) -> Tensor:
        """W dx."""
        raise NotImplementedError

    def rows(self, layer: Kind) -> Tensor:
        """The weights of `general` or of `slope`, a row for each unit that responds."""
        raise NotImplementedError

    def squares(self, response: Tensor | None) -> Tensor:
        """The squared norm of the weights of each example, (B,); of W alone without a response, a scalar."""
        general, slope = self.rows(self.general), self.rows(self.slope)
        norm = (general * general).sum()
        if response is not None:
            # Of W + diag(s) V, row by row, for each s = U r.
            scale: Tensor = self.response.scale(response)
            norm = norm + scale @ (2 * (general * slope).sum(1)) + (scale * scale) @ (slope * slope).sum(1)
        return norm

    def forward(self, x: Tensor, tuning: Tuning) -> Tensor:
        at, dx = forward_ad.unpack_dual(x) if tuning.linear else (x, None)
        out: Tensor = self.general(at)
        if tuning.response is None:
            return out
        change = self.change(at, tuning.response)
        if tuning.linear:
            pair: Tensor = forward_ad.make_dual(out, change if dx is None else self.moved(dx) + change)
            return pair
        return out + change


class ResponseLinear(_Layer[nn.Linear]):
    """A linear layer. x is (B, ..., in)."""

    def __init__(self, inputs: int, outputs: int, knobs: int) -> None:
        super().__init__()
        self.general = nn.Linear(inputs, outputs)
        self.response = _Response(outputs, knobs)
        self.slope = nn.Linear(inputs, outputs)

    def change(self, x: Tensor, response: Tensor) -> Tensor:
        shape = (len(x), *[1] * (x.ndim - 2), -1)
        scale, shift = self.response.scale(response).reshape(shape), self.response.shift(response).reshape(shape)
        out: Tensor = scale * F.linear(x, self.slope.weight) + shift * self.slope.bias
        return out

    def moved(self, dx: Tensor) -> Tensor:
        return F.linear(dx, self.general.weight)

    def rows(self, layer: nn.Linear) -> Tensor:
        return layer.weight


class ResponseConv2d(_Layer[nn.Conv2d]):
    """A convolution, whose channels respond. x is (B, in, height, width)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, knobs: int, stride: int = 1, padding: int = 0) -> None:
        super().__init__()
        self.general = nn.Conv2d(inputs, outputs, kernel, stride, padding)
        self.response = _Response(outputs, knobs)
        self.slope = nn.Conv2d(inputs, outputs, kernel, stride, padding)

    def change(self, x: Tensor, response: Tensor) -> Tensor:
        scale, shift = self.response.scale(response), self.response.shift(response)
        sloped = F.conv2d(x, self.slope.weight, None, self.slope.stride, self.slope.padding)
        bias = self.slope.bias
        assert bias is not None
        out: Tensor = scale[:, :, None, None] * sloped + (shift * bias)[:, :, None, None]
        return out

    def moved(self, dx: Tensor) -> Tensor:
        return F.conv2d(dx, self.general.weight, None, self.general.stride, self.general.padding)

    def rows(self, layer: nn.Conv2d) -> Tensor:
        return layer.weight.flatten(1)


class ResponseEmbedding(_Layer[nn.Embedding]):
    """An embedding, whose dimensions respond. x is (B, T), whole numbers."""

    def __init__(self, symbols: int, outputs: int, knobs: int) -> None:
        super().__init__()
        self.general = nn.Embedding(symbols, outputs)
        self.response = _Response(outputs, knobs)
        self.slope = nn.Embedding(symbols, outputs)

    def change(self, x: Tensor, response: Tensor) -> Tensor:
        out: Tensor = self.response.scale(response)[:, None] * self.slope(x)
        return out

    def rows(self, layer: nn.Embedding) -> Tensor:
        return layer.weight.T


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


def squares(model: nn.Module, response: Tensor | None) -> Tensor:
    """The squared norm of all weights that respond, for each example, (B,): times a decay it is a penalty. Without a
    response a scalar."""
    return torch.stack([m.squares(response) for m in model.modules() if isinstance(m, _Layer)]).sum(0)


def response_parameters(model: nn.Module) -> Iterator[nn.Parameter]:
    """The parameters of the responses: U, V, C and c of each layer."""
    for module in model.modules():
        if isinstance(module, _Layer):
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
