"""The problems, behind lines of JSON on stdin and stdout: values are computed here for everybody.

{"do": "open", "problem": "bbob-f8-d5", "seed": 1} -> {"space", "objectives", "outcomes", "best", "typical"}
{"do": "value", "params": {...}}                   -> {"values": {metric: told}, "true": regret-bearing value or null}

`best` and `typical` (the median of random configurations) are what a regret is measured against; null with several objectives.
"""

import contextlib
import json
import math
import random
import statistics
import sys
import tempfile
from pathlib import Path

import tuning
from space import draw, real, whole

TYPICAL = 200


class Bbob:
    """A function of the BBOB suite; the instance follows the seed."""

    def __init__(self, function, dimension, seed):
        import cocoex

        instance = 1 + seed % 15
        self.suite = cocoex.Suite("bbob", "", "")
        self.problem = self.suite.get_problem_by_function_dimension_instance(function, dimension, instance)
        self.space = {f"x{i}": real(-5, 5) for i in range(dimension)}
        self.best = self.optimum()

    def optimum(self):
        """The least value: the suite tells where it lies through a file in the working directory only."""
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            self.problem._best_parameter("print")
            (path,) = Path(folder).iterdir()
            return float(self.problem([float(v) for v in path.read_text().split()]))

    def value(self, params):
        return float(self.problem([params[name] for name in self.space]))


class Tuning:
    """A surrogate of a real model's validation error."""

    def __init__(self, name):
        self.table = tuning.load(name)
        self.space = self.table["space"]
        self.best = self.table["best"]

    def value(self, params):
        return tuning.predict(self.table, params)


class Noisy:
    """Another problem with normal noise on what is told; a tenth of the distance from typical to best."""

    def __init__(self, inner, seed):
        self.inner = inner
        self.space = inner.space
        self.best = inner.best
        self.random = random.Random(seed)
        self.sd = 0.1 * (typical(inner) - inner.best)

    def value(self, params):
        return self.inner.value(params)

    def told(self, value):
        return value + self.sd * self.random.gauss(0, 1)


class Constrained:
    """Boosted trees of which only small ones are allowed, or a bowl of which a disc is."""

    def __init__(self, name, seed):
        self.outcomes = [{"metric": "size", "max": 0.0}]
        if name == "disc":
            self.inner = None
            self.space = {"x0": real(0, 6), "x1": real(0, 6)}
            self.best = 0.2532
        else:
            self.inner = Tuning("histogram")
            self.space = self.inner.space
            self.best = None

    def measure(self, params):
        if self.inner is None:
            # Gardner et al. 2014, "Bayesian optimization with inequality constraints", second problem (as minimisation).
            x, y = params["x0"], params["x1"]
            return math.sin(x) + y, math.sin(x) * math.sin(y) + 0.95
        size = math.log10(params["rounds"] * params["leaves"])
        return self.inner.value(params), size - 2.0


class TwoObjectives:
    """ZDT1 and ZDT2 in six dimensions (Zitzler, Deb and Thiele 2000), and boosted trees by error and size."""

    def __init__(self, name):
        self.name = name
        self.objectives = ["first", "second"]
        if name == "size":
            self.inner = Tuning("histogram")
            self.space = self.inner.space
            self.reference = [1.3, 3.6]
        else:
            self.space = {f"x{i}": real(0, 1) for i in range(6)}
            self.reference = [1.1, 6.0]

    def measure(self, params):
        if self.name == "size":
            return self.inner.value(params), math.log10(params["rounds"] * params["leaves"])
        x = [params[f"x{i}"] for i in range(6)]
        g = 1 + 9 * sum(x[1:]) / 5
        shape = 1 - math.sqrt(x[0] / g) if self.name == "zdt1" else 1 - (x[0] / g) ** 2
        return x[0], g * shape


def typical(problem):
    chance = random.Random(12345)
    return statistics.median(problem.value(draw(problem.space, chance)) for _ in range(TYPICAL))


def create(name, seed):
    kind, _, rest = name.partition(":")
    if kind == "bbob":
        function, dimension = rest.split("-")
        return Bbob(int(function[1:]), int(dimension[1:]), seed)
    if kind == "tuning":
        return Tuning(rest)
    if kind == "noisy":
        return Noisy(create(rest, seed), seed)
    if kind == "constrained":
        return Constrained(rest, seed)
    if kind == "two":
        return TwoObjectives(rest)
    raise ValueError(name)


def main():
    problem, levels = None, {}
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "open":
            problem = create(request["problem"], request["seed"])
            objectives = getattr(problem, "objectives", ["value"])
            reply = {
                "space": problem.space,
                "objectives": objectives,
                "outcomes": getattr(problem, "outcomes", []),
                "reference": getattr(problem, "reference", None),
                "best": getattr(problem, "best", None),
                "typical": None,
            }
            if isinstance(problem, Constrained):
                chance = random.Random(12345)
                pairs = [problem.measure(draw(problem.space, chance)) for _ in range(20 * TYPICAL)]
                reply["typical"] = statistics.median(first for first, excess in pairs if excess <= 0)
            if hasattr(problem, "value"):
                key = (request["problem"], request["seed"] if request["problem"].find("bbob") >= 0 else 0)
                if key not in levels:
                    levels[key] = typical(problem)
                reply["typical"] = levels[key]
        else:
            params = request["params"]
            if hasattr(problem, "measure"):
                first, second = problem.measure(params)
                name = "second" if isinstance(problem, TwoObjectives) else "size"
                other = "first" if isinstance(problem, TwoObjectives) else "value"
                reply = {"values": {other: first, name: second}, "true": first}
            else:
                value = problem.value(params)
                told = problem.told(value) if isinstance(problem, Noisy) else value
                reply = {"values": {"value": told}, "true": value}
        print(json.dumps(reply), flush=True)


main()
