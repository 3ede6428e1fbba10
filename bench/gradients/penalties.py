"""SciPy's L-BFGS-B on the ridge regression of `penalties.ts`, as its peer and to find the least value that can be found.

Reads problems from standard input, one a line: {"train": {"x", "y"}, "held": {"x", "y"}}, x by rows. Answers each with a line: the values of 50
evaluations from the middle, where that run ends when it goes on, and the ends of runs from 8 other constant and 16
random starts.
"""

import json
import sys

import numpy
from scipy.optimize import minimize

LOW, HIGH = -8.0, 4.0
EVALUATIONS = 50
CONSTANTS = (-6, -4, -3, -1, 0, 1, 2, 3)
RANDOM_STARTS = 16


def loss_of(problem):
    """The validation loss by the logarithms of the penalties, and its gradient, both in closed form."""
    y, u = (numpy.array(problem[part]["y"]) for part in ("train", "held"))
    x, v = (numpy.array(problem[part]["x"]).reshape(len(y), -1) for part in ("train", "held"))
    gram, right = x.T @ x / len(y), x.T @ y / len(y)

    def loss(h):
        system = gram + numpy.diag(numpy.exp(h))
        weights = numpy.linalg.solve(system, right)
        miss = v @ weights - u
        adjoint = numpy.linalg.solve(system, v.T @ miss / len(u))
        return miss @ miss / (2 * len(u)), -adjoint * numpy.exp(h) * weights

    return loss, x.shape[1]


def end_from(loss, start):
    """Where L-BFGS-B from a start converges, in at most 1,000 evaluations."""
    options = {"maxfun": 1000, "maxiter": 1000, "ftol": 1e-14, "gtol": 1e-9, "maxcor": 20}
    return minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(LOW, HIGH)] * len(start), options=options).fun


def answer(problem):
    loss, d = loss_of(problem)
    middle, values = numpy.full(d, (LOW + HIGH) / 2), []

    def noted(unit):
        # The unit cube, as Hone has it.
        value, gradient = loss(LOW + (HIGH - LOW) * unit)
        values.append(value)
        return value, (HIGH - LOW) * gradient

    options = {"maxfun": EVALUATIONS, "maxiter": EVALUATIONS, "ftol": 0, "gtol": 0}
    minimize(noted, numpy.full(d, 0.5), jac=True, method="L-BFGS-B", bounds=[(0, 1)] * d, options=options)
    chance = numpy.random.default_rng(0)
    return {
        "values": values[:EVALUATIONS],
        "end": end_from(loss, middle),
        "constant": [end_from(loss, numpy.full(d, float(h))) for h in CONSTANTS],
        "random": [end_from(loss, chance.uniform(LOW, HIGH, d)) for _ in range(RANDOM_STARTS)],
    }


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
