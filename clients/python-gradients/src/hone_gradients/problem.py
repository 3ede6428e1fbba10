"""What all methods work on: training by steps, and a loss at its end, in flat tuples of tensors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from hone_gradients.steps import Step
from hone_gradients.trees import Tensors, detached, gradient, leaves


@dataclass(frozen=True)
class Problem:
    """Weights are trained by `steps` steps on `train`, whose last argument is the number of the step; `val` judges
    them."""

    train: Callable[[Tensors, Tensors, int], Tensor]
    val: Callable[[Tensors, Tensors], Tensor]
    step: Step | None
    steps: int
    tree: Callable[[Tensors], Any]
    """Gives hyperparameters the shape that the user's functions take."""

    def stepper(self) -> Step:
        """The step. Raises ValueError when the problem has none."""
        if self.step is None or self.steps < 1:
            raise ValueError("This method goes through the steps of training. Give `step` and `steps`, at least 1.")
        return self.step

    def advance(self, t: int, weights: Tensors, state: Tensors, hyper: Tensors) -> tuple[Tensors, Tensors]:
        """One step of training, differentiable in all its arguments."""
        slope = gradient(self.train(weights, hyper, t), weights, graph=True)
        return self.stepper()(t, weights, state, slope, self.tree(hyper))

    def train_from(self, weights: Tensors, state: Tensors, hyper: Tensors, until: int) -> tuple[Tensors, Tensors]:
        """Steps 0 to `until`, without a graph."""
        for t in range(until):
            weights = leaves(weights)
            slope = gradient(self.train(weights, hyper, t), weights)
            with torch.no_grad():
                weights, state = self.stepper()(t, detached(weights), state, slope, self.tree(hyper))
        return weights, state


@dataclass(frozen=True)
class Outcome:
    """What a method finds: the validation loss, its gradient by the hyperparameters, the trained weights."""

    value: Tensor
    gradients: Tensors
    weights: Tensors


class Method(Protocol):
    """A way to compute a hypergradient."""

    def __call__(self, problem: Problem, weights: Tensors, hyper: Tensors) -> Outcome:
        """Trains from `weights` and differentiates the validation loss by `hyper`."""
