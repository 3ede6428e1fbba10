"""Reverse mode without keeping the steps: training is run backwards, exactly (Maclaurin, Duvenaud and Adams 2015).

Weights and velocities are integers: multiples of 2^-`bits`. A step adds to them, which subtracting the same undoes, and
multiplies the velocity by a rational momentum n/d; the remainders, log2(d/n) bits a weight and step, are kept in a
buffer. At momentum 0.9 that is 0.15 bits, where reverse mode keeps 128 and its graph.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor

from hone_gradients.problem import Outcome, Problem
from hone_gradients.steps import SGD, of
from hone_gradients.trees import Tensors, detached, dot, gradient, leaves, plus, pull, times

# A buffer that is larger is set aside, so that the next digit fits into 63 bits.
_FULL = 2**52
_MOST_DENOMINATOR = 1000


@dataclass(frozen=True)
class Reversible:
    """For `SGD` with a momentum above 0 and at most 1, which is taken as a fraction with a denominator up to 1,000.

    `bits`: of the fraction of a weight; weights and velocities must stay below 2^(52 - bits), 4,096 by default.
    Training loss and gradient must come out the same when they are computed again; raises ArithmeticError when they do
    not. Its memory beside one step: the buffers, 8 bytes a weight for every 342 steps at momentum 0.9.
    """

    bits: int = 40

    def __call__(self, problem: Problem, weights: Tensors, hyper: Tensors) -> Outcome:
        step = problem.stepper()
        if not isinstance(step, SGD) or callable(step.momentum):
            raise ValueError("`Reversible` needs `step` to be SGD whose momentum is a number.")
        momentum = Fraction(step.momentum).limit_denominator(_MOST_DENOMINATOR)
        if not 0 < momentum <= 1:
            raise ValueError(f"The momentum is {step.momentum}. A step can be undone for one above 0 and at most 1.")
        start = [_Digits.of(w, self.bits) for w in weights]
        runs = [_Run(_Digits.of(w, self.bits), _Digits.of(torch.zeros_like(w), self.bits)) for w in weights]
        for t in range(problem.steps):
            slope, rate = _slope(problem, runs, hyper, t), float(of(step.rate, problem.tree(hyper)))
            for run, g in zip(runs, slope, strict=True):
                run.step(t, g, rate, momentum)
        final = leaves(tuple(run.weight.value() for run in runs))
        leaf_hyper = leaves(hyper)
        value = problem.val(final, leaf_hyper)
        parts = gradient(value, (*final, *leaf_hyper))
        gradients = _back(problem, step, momentum, runs, hyper, parts)
        if any(not torch.equal(run.weight.digits, at.digits) for run, at in zip(runs, start, strict=True)):
            raise ArithmeticError(
                "Training did not come back to its start: the training loss is not the same when it is computed again. "
                "Take chance out of it, or have PyTorch use deterministic algorithms."
            )
        return Outcome(value.detach(), gradients, detached(final))


def _back(problem: Problem, step: SGD, momentum: Fraction, runs: list[_Run], hyper: Tensors, parts: Tensors) -> Tensors:
    """Algorithm 2 of the paper, in the form w = w - rate v."""
    by_weights, by_hyper = parts[: len(runs)], parts[len(runs) :]
    by_velocity = times(by_weights, 0.0)
    for t in reversed(range(problem.steps)):
        leaf_hyper = leaves(hyper)
        rate = of(step.rate, problem.tree(leaf_hyper))
        velocity = tuple(run.velocity.value() for run in runs)
        size = float(rate.detach()) if isinstance(rate, Tensor) else rate
        by_velocity = plus(by_velocity, by_weights, -size)
        if isinstance(rate, Tensor):
            by_rate = -dot(by_weights, velocity).to(rate)
            by_hyper = plus(by_hyper, pull((rate,), leaf_hyper, (by_rate,)))
        for run in runs:
            run.undo_move(size)
        at = leaves(tuple(run.weight.value() for run in runs))
        slope = gradient(problem.train(at, leaf_hyper, t), at, graph=True)
        for run, g in zip(runs, slope, strict=True):
            run.undo_push(t, g.detach(), momentum)
        second = pull(slope, (*at, *leaf_hyper), by_velocity)
        by_weights = plus(by_weights, second[: len(runs)])
        by_hyper = plus(by_hyper, second[len(runs) :])
        by_velocity = times(by_velocity, float(momentum))
    return by_hyper


def _slope(problem: Problem, runs: list[_Run], hyper: Tensors, t: int) -> Tensors:
    at = leaves(tuple(run.weight.value() for run in runs))
    # The same graph as on the way back, so that the numbers are the same.
    return detached(gradient(problem.train(at, leaves(hyper), t), at, graph=True))


@dataclass
class _Digits:
    """A tensor as integers, multiples of 2^-bits."""

    digits: Tensor
    bits: int
    like: Any

    @classmethod
    def of(cls, tensor: Tensor, bits: int) -> _Digits:
        return cls(_rounded(tensor, bits), bits, tensor.dtype)

    def value(self) -> Tensor:
        return (self.digits.double() * 2.0**-self.bits).to(self.like)


def _rounded(tensor: Tensor, bits: int) -> Tensor:
    scaled = tensor.double() * 2.0**bits
    if not bool((scaled.abs() < _FULL).all()):
        raise OverflowError(
            f"A weight, velocity or gradient is {float(tensor.abs().max()):g}: it must stay below 2^{52 - bits}. Give "
            "`Reversible` fewer `bits`, or lower the learning rate."
        )
    return scaled.round().to(torch.int64)


@dataclass
class _Run:
    """A weight and its velocity, and what is needed to go back."""

    weight: _Digits
    velocity: _Digits
    buffer: Tensor | None = None
    full: list[tuple[int, Tensor]] = field(default_factory=list)
    """Buffers that were set aside, with the step before which they were."""

    def step(self, t: int, slope: Tensor, rate: float, momentum: Fraction) -> None:
        n, d = momentum.numerator, momentum.denominator
        buffer = torch.zeros_like(self.velocity.digits) if self.buffer is None else self.buffer
        if int(buffer.max()) >= _FULL:
            self.full.append((t, buffer))
            buffer = torch.zeros_like(buffer)
        v = self.velocity.digits
        buffer = buffer * d + v % d
        v = (v // d) * n + buffer % n
        self.buffer = buffer // n
        self.velocity.digits = v + _rounded(slope, self.velocity.bits)
        self.weight.digits = self.weight.digits - self._move(rate)
        if int(self.weight.digits.abs().max()) >= _FULL or int(self.velocity.digits.abs().max()) >= _FULL:
            _rounded(self.weight.value(), self.weight.bits)
            _rounded(self.velocity.value(), self.velocity.bits)

    def _move(self, rate: float) -> Tensor:
        return _rounded(rate * self.velocity.value().double(), self.weight.bits)

    def undo_move(self, rate: float) -> None:
        self.weight.digits = self.weight.digits + self._move(rate)

    def undo_push(self, t: int, slope: Tensor, momentum: Fraction) -> None:
        n, d = momentum.numerator, momentum.denominator
        v = self.velocity.digits - _rounded(slope, self.velocity.bits)
        assert self.buffer is not None
        buffer = self.buffer * n + v % n
        v = (v // n) * d + buffer % d
        buffer = buffer // d
        if self.full and self.full[-1][0] == t:
            buffer = self.full.pop()[1]
        self.velocity.digits, self.buffer = v, buffer
