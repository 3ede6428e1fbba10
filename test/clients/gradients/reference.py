"""The mathematics of `hone_gradients.hypergradient` once more, in NumPy and with whole matrices.

A problem has weights w (n numbers), hyperparameters h (m numbers), a training loss T(w, h) and a validation loss V(w,
h). Training is heavy-ball descent: v = momentum v + dT/dw, then w = w - rate v. Every function gives dV/dh at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

Vector = np.ndarray
Matrix = np.ndarray


@dataclass(frozen=True)
class Problem:
    """The derivatives that the methods need."""

    slope: Callable[[Vector, Vector], Vector]  # dT/dw, (n,)
    hessian: Callable[[Vector, Vector], Matrix]  # d2T/dw2, (n, n)
    mixed: Callable[[Vector, Vector], Matrix]  # d2T/dw dh, (n, m)
    val: Callable[[Vector, Vector], float]
    val_slopes: Callable[[Vector, Vector], tuple[Vector, Vector]]  # dV/dw, dV/dh


def ridge(x: Matrix, y: Vector, x_val: Matrix, y_val: Vector) -> Problem:
    """Least squares with a penalty a feature, whose logarithm is h. Its optimum is `ridge_optimum`."""
    n = len(y)
    return Problem(
        slope=lambda w, h: x.T @ (x @ w - y) / n + np.exp(h) * w,
        hessian=lambda w, h: x.T @ x / n + np.diag(np.exp(h)),
        mixed=lambda w, h: np.diag(np.exp(h) * w),
        val=lambda w, h: float(np.mean((x_val @ w - y_val) ** 2) / 2),
        val_slopes=lambda w, h: (x_val.T @ (x_val @ w - y_val) / len(y_val), np.zeros_like(h)),
    )


def ridge_optimum(x: Matrix, y: Vector, h: Vector) -> Vector:
    """The weights that minimise its training loss."""
    return np.linalg.solve(x.T @ x / len(y) + np.diag(np.exp(h)), x.T @ y / len(y))


def logistic(x: Matrix, y: Vector, x_val: Matrix, y_val: Vector) -> Problem:
    """Logistic regression of labels 0 and 1, with a penalty a feature, whose logarithm is h."""

    def chance(features: Matrix, w: Vector) -> Vector:
        return 1 / (1 + np.exp(-features @ w))

    def hessian(w: Vector, h: Vector) -> Matrix:
        p = chance(x, w)
        return (x.T * (p * (1 - p))) @ x / len(y) + np.diag(np.exp(h))

    return Problem(
        slope=lambda w, h: x.T @ (chance(x, w) - y) / len(y) + np.exp(h) * w,
        hessian=hessian,
        mixed=lambda w, h: np.diag(np.exp(h) * w),
        val=lambda w, h: float(np.mean(np.logaddexp(0, x_val @ w) - y_val * (x_val @ w))),
        val_slopes=lambda w, h: (x_val.T @ (chance(x_val, w) - y_val) / len(y_val), np.zeros_like(h)),
    )


def optimum(problem: Problem, w: Vector, h: Vector) -> Vector:
    """Newton's method."""
    for _ in range(50):
        w = w - np.linalg.solve(problem.hessian(w, h), problem.slope(w, h))
    return w


def train(problem: Problem, w: Vector, h: Vector, rate: float, momentum: float, steps: int) -> list[Vector]:
    """The weights before the first step and after each."""
    path, v = [w], np.zeros_like(w)
    for _ in range(steps):
        v = momentum * v + problem.slope(path[-1], h)
        path.append(path[-1] - rate * v)
    return path


def reverse(
    problem: Problem, w: Vector, h: Vector, rate: float, momentum: float, steps: int, last: int | None = None
) -> Vector:
    """Back-propagation through the last steps, all by default."""
    path = train(problem, w, h, rate, momentum, steps)
    by_w, by_h = problem.val_slopes(path[-1], h)
    by_v = np.zeros_like(w)
    for t in reversed(range(0 if last is None else max(0, steps - last), steps)):
        by_v = by_v - rate * by_w
        by_w = by_w + problem.hessian(path[t], h) @ by_v
        by_h = by_h + problem.mixed(path[t], h).T @ by_v
        by_v = momentum * by_v
    return by_h


def forward(problem: Problem, w: Vector, h: Vector, rate: float, momentum: float, steps: int) -> Vector:
    """The Jacobians of weights and velocity are carried along."""
    path = train(problem, w, h, rate, momentum, steps)
    of_w, of_v = np.zeros((len(w), len(h))), np.zeros((len(w), len(h)))
    for at in path[:-1]:
        of_v = momentum * of_v + problem.hessian(at, h) @ of_w + problem.mixed(at, h)
        of_w = of_w - rate * of_v
    by_w, by_h = problem.val_slopes(path[-1], h)
    return by_h + of_w.T @ by_w


def implicit(problem: Problem, w: Vector, h: Vector, inverse: Callable[[Matrix, Vector], Vector]) -> Vector:
    """By the implicit function theorem at an optimum w; `inverse(H, v)` is an approximation of H^-1 v."""
    by_w, by_h = problem.val_slopes(w, h)
    return by_h - problem.mixed(w, h).T @ inverse(problem.hessian(w, h), by_w)


def neumann(rate: float, terms: int) -> Callable[[Matrix, Vector], Vector]:
    """A truncated series for `implicit`."""

    def inverse(hessian: Matrix, v: Vector) -> Vector:
        powers = [v]
        for _ in range(terms):
            powers.append(powers[-1] - rate * hessian @ powers[-1])
        return rate * np.sum(powers, axis=0)

    return inverse


def conjugate_gradient(iterations: int) -> Callable[[Matrix, Vector], Vector]:
    """So many iterations for `implicit`."""

    def inverse(hessian: Matrix, v: Vector) -> Vector:
        solution, residual, direction = np.zeros_like(v), v, v
        for _ in range(iterations):
            length = residual @ residual / (direction @ hessian @ direction)
            solution = solution + length * direction
            after = residual - length * hessian @ direction
            direction = after + after @ after / (residual @ residual) * direction
            residual = after
        return solution

    return inverse


class ExactTraining:
    """Training in integers that can be undone: Python's own integers, so that no size is too large."""

    def __init__(self, problem: Problem, w: Vector, h: Vector, rate: float, momentum: Fraction, bits: int = 40) -> None:
        self.problem, self.h, self.rate, self.momentum, self.bits = problem, h, rate, momentum, bits
        self.w = self.whole(w)
        self.v = self.whole(np.zeros_like(w))
        self.rest = [0] * len(w)

    def whole(self, x: Vector) -> list[int]:
        return [round(value) for value in (x * 2.0**self.bits).tolist()]

    def real(self, digits: list[int]) -> Vector:
        return np.array(digits, dtype=float) * 2.0**-self.bits

    def step(self) -> None:
        n, d = self.momentum.numerator, self.momentum.denominator
        slope = self.whole(self.problem.slope(self.real(self.w), self.h))
        for i, v in enumerate(self.v):
            rest = self.rest[i] * d + v % d
            self.v[i], self.rest[i] = v // d * n + rest % n + slope[i], rest // n
        self.w = [w - move for w, move in zip(self.w, self.whole(self.rate * self.real(self.v)), strict=True)]

    def undo(self) -> None:
        n, d = self.momentum.numerator, self.momentum.denominator
        self.w = [w + move for w, move in zip(self.w, self.whole(self.rate * self.real(self.v)), strict=True)]
        slope = self.whole(self.problem.slope(self.real(self.w), self.h))
        for i, v in enumerate(self.v):
            rest = self.rest[i] * n + (v - slope[i]) % n
            self.v[i], self.rest[i] = (v - slope[i]) // n * d + rest % d, rest // d


def differences(of: Callable[[Vector], float], h: Vector, size: float = 1e-5) -> Vector:
    """The gradient by central differences."""
    return np.array([(of(h + size * e) - of(h - size * e)) / (2 * size) for e in np.eye(len(h))])
