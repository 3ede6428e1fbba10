"""Hypergradients at an optimum of training, by the implicit function theorem (Lorraine et al. 2020).

With H the Hessian of the training loss: dV/dh - dV/dw H^-1 d2T/dw dh. Only products with H are computed, so memory
does not depend on the number of steps that led to the optimum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hone_gradients.problem import Outcome, Problem
from hone_gradients.solvers import Product, conjugate_gradient, neumann
from hone_gradients.trees import Tensors, detached, gradient, leaves, plus, pull


@dataclass(frozen=True)
class ConjugateGradient:
    """Solves by conjugate gradients; exact after as many iterations as there are weights, in exact arithmetic.

    `damping` is added to the Hessian's diagonal, for one that is not positive definite.
    """

    iterations: int = 10
    tolerance: float = 1e-4
    damping: float = 0.0

    def __call__(self, problem: Problem, weights: Tensors, hyper: Tensors) -> Outcome:
        def solve(product: Product, v: Tensors) -> Tensors:
            return conjugate_gradient(lambda p: plus(product(p), p, self.damping), v, self.iterations, self.tolerance)

        return _implicit(problem, weights, hyper, solve)


@dataclass(frozen=True)
class Neumann:
    """Solves by a truncated Neumann series. `rate` times the largest eigenvalue of the Hessian must be below 2.

    With the rate of training and `terms` = K it is K + 1 steps of back-propagation through training by plain gradient
    descent, taken at the optimum.
    """

    rate: float
    terms: int = 20

    def __call__(self, problem: Problem, weights: Tensors, hyper: Tensors) -> Outcome:
        return _implicit(problem, weights, hyper, lambda product, v: neumann(product, v, self.rate, self.terms))


@dataclass(frozen=True)
class Identity:
    """Takes `scale` times the identity for the inverse Hessian: T1-T2 of Luketina et al. 2016. Biased, and as cheap as
    one step."""

    scale: float = 1.0

    def __call__(self, problem: Problem, weights: Tensors, hyper: Tensors) -> Outcome:
        return _implicit(problem, weights, hyper, lambda _, v: tuple(self.scale * x for x in v))


def _implicit(
    problem: Problem, weights: Tensors, hyper: Tensors, solve: Callable[[Product, Tensors], Tensors]
) -> Outcome:
    if problem.steps > 0:
        weights, _ = problem.train_from(weights, problem.stepper().start(weights), hyper, problem.steps)
    weights, hyper = leaves(weights), leaves(hyper)
    value = problem.val(weights, hyper)
    parts = gradient(value, (*weights, *hyper))
    by_weights, direct = parts[: len(weights)], parts[len(weights) :]
    slope = gradient(problem.train(weights, hyper, problem.steps), weights, graph=True)
    found = solve(lambda p: pull(slope, weights, p, keep=True), by_weights)
    mixed = pull(slope, hyper, found)
    return Outcome(value.detach(), plus(direct, mixed, -1.0), detached(weights))
