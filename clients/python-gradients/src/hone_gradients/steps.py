"""Optimiser steps as functions, through which hypergradients pass. Any callable of the form of `Step` will do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from hone_gradients.trees import Tensors

Rate = float | Callable[[Any], Tensor]
"""A number, or a function of the hyperparameters, so that it can be tuned itself."""


class Step(Protocol):
    """One update of the weights. It must be differentiable in everything but `t`, and change nothing in place."""

    def start(self, weights: Tensors) -> Tensors:
        """The optimiser's state before the first step."""

    def __call__(
        self, t: int, weights: Tensors, state: Tensors, gradient: Tensors, hyper: Any
    ) -> tuple[Tensors, Tensors]:
        """The weights and the state after step `t`, counted from 0.

        `weights` and `gradient` are the leaves of the weights in one order; `hyper` is the tree that the user gave.
        """


def of(rate: Rate, hyper: Any) -> float | Tensor:
    """A rate as a number."""
    return rate(hyper) if callable(rate) else rate


@dataclass(frozen=True)
class SGD:
    """Gradient descent with heavy-ball momentum, as in PyTorch: v = momentum v + g, then w = w - rate v.

    `rate` and `momentum` may be functions of the hyperparameters.
    """

    rate: Rate
    momentum: Rate = 0.0

    def start(self, weights: Tensors) -> Tensors:
        return tuple(torch.zeros_like(w) for w in weights)

    def __call__(
        self, t: int, weights: Tensors, state: Tensors, gradient: Tensors, hyper: Any
    ) -> tuple[Tensors, Tensors]:
        momentum, rate = of(self.momentum, hyper), of(self.rate, hyper)
        velocity = tuple(momentum * v + g for v, g in zip(state, gradient, strict=True))
        return tuple(w - rate * v for w, v in zip(weights, velocity, strict=True)), velocity


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma and Ba 2015). `epsilon` is under the root, squared, so that a zero gradient has a derivative."""

    rate: Rate
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8

    def start(self, weights: Tensors) -> Tensors:
        return tuple(torch.zeros_like(w) for w in (*weights, *weights))

    def __call__(
        self, t: int, weights: Tensors, state: Tensors, gradient: Tensors, hyper: Any
    ) -> tuple[Tensors, Tensors]:
        (b1, b2), count = self.betas, len(weights)
        first = tuple(b1 * m + (1 - b1) * g for m, g in zip(state[:count], gradient, strict=True))
        second = tuple(b2 * v + (1 - b2) * g * g for v, g in zip(state[count:], gradient, strict=True))
        c1, c2, rate = 1 - b1 ** (t + 1), 1 - b2 ** (t + 1), of(self.rate, hyper)
        moved = tuple(
            w - rate * (m / c1) / torch.sqrt(v / c2 + self.epsilon**2)
            for w, m, v in zip(weights, first, second, strict=True)
        )
        return moved, (*first, *second)
