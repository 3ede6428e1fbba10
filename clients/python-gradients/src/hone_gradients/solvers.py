"""Approximate solutions of H p = v, for a Hessian H that is known by its products only."""

from __future__ import annotations

from collections.abc import Callable

from hone_gradients.trees import Tensors, dot, plus, times

Product = Callable[[Tensors], Tensors]


def neumann(product: Product, v: Tensors, rate: float, terms: int) -> Tensors:
    """`rate` times the sum of (1 - rate H)^k v for k from 0 to `terms`; exact in the limit when 0 < rate |H| < 2."""
    term = total = v
    for _ in range(terms):
        term = plus(term, product(term), -rate)
        total = plus(total, term)
    return times(total, rate)


def conjugate_gradient(product: Product, v: Tensors, iterations: int, tolerance: float) -> Tensors:
    """Until the residual is `tolerance` times that of zero, for a positive definite H.

    A direction of no positive curvature ends it: what was found before is the answer.
    """
    solution = times(v, 0.0)
    residual = direction = v
    norm = dot(v, v)
    enough = tolerance**2 * float(norm)
    for _ in range(iterations):
        if float(norm) <= enough:
            break
        image = product(direction)
        curvature = dot(direction, image)
        if float(curvature) <= 0:
            break
        length = norm / curvature
        solution = plus(solution, direction, length)
        residual = plus(residual, image, -length)
        norm, before = dot(residual, residual), norm
        direction = plus(residual, direction, norm / before)
    return solution
