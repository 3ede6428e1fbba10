"""Hypergradients through the steps of training: reverse mode and forward mode (Franceschi et al. 2017).

Memory: reverse mode keeps every step, `steps` times that of one; truncated to the last K steps, K times. Forward mode
keeps a copy of weights and state for each hyperparameter, whatever the number of steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import grad, jvp, vmap

from hone_gradients.problem import Outcome, Problem
from hone_gradients.steps import Step
from hone_gradients.trees import Tensors, detached, gradient, leaves, plus


@dataclass(frozen=True)
class Reverse:
    """Back-propagation through the steps.

    `last`: only through so many at the end (Shaban et al. 2019); the steps before them count as constant, so the
    result is the exact gradient only when what happened before them is forgotten.
    """

    last: int | None = None

    def __call__(self, problem: Problem, weights: Tensors, hyper: Tensors) -> Outcome:
        step = problem.stepper()
        if self.last is not None and self.last < 1:
            raise ValueError(f"`last` is {self.last}. Give at least 1 step, or None for all.")
        first = 0 if self.last is None else max(0, problem.steps - self.last)
        state = step.start(weights)
        weights, state = problem.train_from(weights, state, hyper, first)
        hyper, weights = leaves(hyper), leaves(weights)
        for t in range(first, problem.steps):
            weights, state = problem.advance(t, weights, state, hyper)
        value = problem.val(weights, hyper)
        return Outcome(value.detach(), gradient(value, hyper), detached(weights))


@dataclass(frozen=True)
class Forward:
    """The derivative of weights and state by each hyperparameter, carried along with training.

    `chunk`: so many hyperparameters are carried at once, all by default. The losses must have forward-mode derivatives
    in PyTorch and be free of `torch.autograd.grad`.
    """

    chunk: int | None = None

    def __call__(self, problem: Problem, weights: Tensors, hyper: Tensors) -> Outcome:
        step = problem.stepper()
        state = step.start(weights)
        directions = _basis(hyper)
        count = directions[0].shape[0]
        by_weights, by_state = _zeros(weights, count), _zeros(state, count)
        for t in range(problem.steps):
            at, after = (weights, state, hyper), _after(problem, step, t)
            push = vmap(_push(after, at), chunk_size=self.chunk, randomness="same")
            by_weights, by_state = push(by_weights, by_state, directions)
            weights, state = after(*at)
        weights, hyper = leaves(weights), leaves(hyper)
        value = problem.val(weights, hyper)
        parts = gradient(value, (*weights, *hyper))
        through = sum(
            (torch.tensordot(d.flatten(1), g.flatten(), 1) for d, g in zip(by_weights, parts, strict=False)),
            torch.zeros(count, dtype=hyper[0].dtype, device=hyper[0].device),
        )
        return Outcome(value.detach(), plus(parts[len(weights) :], _split(through, hyper)), detached(weights))


Advance = Callable[[Tensors, Tensors, Tensors], tuple[Tensors, Tensors]]


def _after(problem: Problem, step: Step, t: int) -> Advance:
    """Step `t`, as a function of weights, state and hyperparameters that PyTorch's function transforms take."""

    def after(weights: Tensors, state: Tensors, hyper: Tensors) -> tuple[Tensors, Tensors]:
        slope = grad(lambda at: problem.train(at, hyper, t))(weights)
        return step(t, weights, state, slope, problem.tree(hyper))

    return after


def _push(after: Advance, at: tuple[Tensors, Tensors, Tensors]) -> Advance:
    """The derivative of a step in one direction."""

    def push(weights: Tensors, state: Tensors, hyper: Tensors) -> tuple[Tensors, Tensors]:
        tangent: tuple[Tensors, Tensors] = jvp(after, at, (weights, state, hyper))[1]
        return tangent

    return push


def _zeros(tensors: Tensors, count: int) -> Tensors:
    return tuple(x.new_zeros((count, *x.shape)) for x in tensors)


def _basis(hyper: Tensors) -> Tensors:
    """The unit directions of all hyperparameters, one a row of each leaf."""
    count = sum(h.numel() for h in hyper)
    unit = torch.eye(count, dtype=hyper[0].dtype, device=hyper[0].device)
    parts = torch.split(unit, [h.numel() for h in hyper], dim=1)
    return tuple(part.reshape(count, *h.shape).to(h) for part, h in zip(parts, hyper, strict=True))


def _split(flat: Tensor, like: Tensors) -> Tensors:
    parts = torch.split(flat, [x.numel() for x in like])
    return tuple(part.reshape(x.shape).to(x) for part, x in zip(parts, like, strict=True))
