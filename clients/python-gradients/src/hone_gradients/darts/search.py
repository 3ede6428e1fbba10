"""The bilevel search: weights by the training loss, the mixture by the validation loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from hone_gradients.darts.choice import choices
from hone_gradients.trees import Tensors, dot, gradient

Loss = Callable[[nn.Module, Any], Tensor]
"""Of a model on a batch, a scalar."""


@dataclass
class Search:
    """Alternates steps of the mixture and of the weights. The two optimisers are the user's, over `parts(model)`.

    `order` 1 takes the gradient of the validation loss at the current weights. `order` 2 takes it after a virtual step
    of training, with the optimiser's learning rate, momentum and decay (SGD), and adds how that step depends on the
    mixture, by a difference: equations 7 and 8 of the paper.
    """

    model: nn.Module
    loss: Loss
    weights: torch.optim.Optimizer
    mixture: torch.optim.Optimizer
    order: Literal[1, 2] = 1
    clip: float | None = 5.0
    """The most that the norm of the weights' gradient may be."""

    def step(self, train: Any, val: Any) -> tuple[float, float]:
        """One step of each. @returns the training and the validation loss before it."""
        alphas, weights = parts(self.model)
        slopes, val_loss = (self._first if self.order == 1 else self._second)(train, val)
        for alpha, slope in zip(alphas, slopes, strict=True):
            alpha.grad = slope.clone()
        self.mixture.step()
        loss = self.loss(self.model, train)
        for weight, slope in zip(weights, gradient(loss, tuple(weights)), strict=True):
            weight.grad = slope.clone()
        if self.clip is not None:
            nn.utils.clip_grad_norm_(weights, self.clip)
        self.weights.step()
        return float(loss.detach()), val_loss

    def _first(self, _: Any, val: Any) -> tuple[Tensors, float]:
        loss = self.loss(self.model, val)
        return gradient(loss, tuple(parts(self.model)[0])), float(loss.detach())

    def _second(self, train: Any, val: Any) -> tuple[Tensors, float]:
        alphas, weights = (tuple(part) for part in parts(self.model))
        before = tuple(weight.detach().clone() for weight in weights)
        rates = [float(rate) for rate in self._rates(weights)]
        moves = self._moves(gradient(self.loss(self.model, train), weights), weights)
        _assign(weights, tuple(w - rate * move for w, rate, move in zip(before, rates, moves, strict=True)))
        loss = self.loss(self.model, val)
        slopes = gradient(loss, (*alphas, *weights))
        direct, by_weights = slopes[: len(alphas)], slopes[len(alphas) :]
        size = 0.01 / float(dot(by_weights, by_weights).sqrt().clamp(min=1e-12))
        ends = []
        for sign in (1.0, -1.0):
            _assign(weights, tuple(w + sign * size * v for w, v in zip(before, by_weights, strict=True)))
            ends.append(gradient(self.loss(self.model, train), alphas))
        _assign(weights, before)
        mixed = tuple((up - down) / (2 * size) for up, down in zip(*ends, strict=True))
        # One learning rate for all weights, as in the paper.
        return tuple(d - rates[0] * m for d, m in zip(direct, mixed, strict=True)), float(loss.detach())

    def _rates(self, weights: Tensors) -> list[float]:
        groups = {id(p): group["lr"] for group in self.weights.param_groups for p in group["params"]}
        return [groups[id(weight)] for weight in weights]

    def _moves(self, slopes: Tensors, weights: Tensors) -> list[Tensor]:
        """What SGD subtracts, before the learning rate."""
        groups = {id(p): group for group in self.weights.param_groups for p in group["params"]}
        moves = []
        for weight, slope in zip(weights, slopes, strict=True):
            group, buffer = groups[id(weight)], self.weights.state[weight].get("momentum_buffer")
            move = slope + group["weight_decay"] * weight.detach()
            moves.append(move if buffer is None else move + group["momentum"] * buffer)
        return moves


def parts(model: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """The parameters of a model that are mixtures, and the others, its weights."""
    alphas = [choice.alpha for choice in choices(model).values()]
    known = {id(alpha) for alpha in alphas}
    return alphas, [p for p in model.parameters() if id(p) not in known]


def _assign(weights: Tensors, values: Tensors) -> None:
    with torch.no_grad():
        for weight, value in zip(weights, values, strict=True):
            weight.copy_(value)
