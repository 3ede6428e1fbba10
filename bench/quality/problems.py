"""The problems, over lines of JSON on stdin and stdout: values are computed here for all searchers.

{"do": "open", "problem": "bbob:f8-d5", "seed": 1} -> {"space", "objectives", "outcomes", "reference", "best", "typical"}
{"do": "value", "params": {...}}                   -> {"values": {metric: told}, "true": first objective without its noise}

`best` (null when not known) and `typical` (the median of random configurations) are what a regret is measured against; with
several objectives both are minus the area dominated below `reference`.
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
    """A function of the BBOB suite; the seed selects the instance."""

    def __init__(self, function, dimension, seed):
        import cocoex

        instance = 1 + seed % 15
        which = f"dimensions: {dimension} function_indices: {function}"
        self.suite = cocoex.Suite("bbob", f"instances: {instance}", which)
        self.problem = self.suite.get_problem_by_function_dimension_instance(function, dimension, instance)
        self.space = {f"x{i}": real(-5, 5) for i in range(dimension)}
        self.best = self.optimum()

    def optimum(self):
        """The lowest value: the suite gives its location only through a file in the working directory."""
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
    """Another problem with normal noise on the told values, a tenth of the distance from a typical to the best value."""

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


def disc(params):
    """Gardner et al. 2014, "Bayesian optimization with inequality constraints", second problem: 2% of the square is feasible."""
    x, y = params["x0"], params["x1"]
    return math.sin(x) + y, [math.sin(x) * math.sin(y) + 0.95]


def gramacy(params):
    """Gramacy et al. 2016, "Modeling an augmented Lagrangian for blackbox constrained optimization", section 2."""
    x, y = params["x0"], params["x1"]
    wave = 1.5 - x - 2 * y - 0.5 * math.sin(2 * math.pi * (x * x - 2 * y))
    return x + y, [wave, x * x + y * y - 1.5]


def spring(params):
    """The tension and compression spring of Arora 1989, with its four constraints; 1% of the box is feasible."""
    wire, coil, turns = params["wire"], params["coil"], params["turns"]
    ratio = (4 * coil**2 - wire * coil) / (12566 * (coil * wire**3 - wire**4))
    return (turns + 2) * coil * wire**2, [
        1 - coil**3 * turns / (71785 * wire**4),
        ratio + 1 / (5108 * wire**2) - 1,
        1 - 140.45 * wire / (coil**2 * turns),
        (wire + coil) / 1.5 - 1,
    ]


class Constrained:
    """Known problems, and boosted trees, of which only small ones are feasible."""

    KNOWN = {
        "disc": (disc, {"x0": real(0, 6), "x1": real(0, 6)}, math.asin(0.95) - 1),
        "gramacy": (gramacy, {"x0": real(0, 1), "x1": real(0, 1)}, 0.599788),
        "spring": (spring, {"wire": real(0.05, 2), "coil": real(0.25, 1.3), "turns": real(2, 15)}, 0.012665),
    }

    def __init__(self, name):
        if name == "size":
            inner = Tuning("histogram")
            self.space, self.best = inner.space, None
            self.measure = lambda params: (inner.value(params), [size_of(params) - 2.0])
        else:
            self.measure, self.space, self.best = self.KNOWN[name]
        excess = self.measure(draw(self.space, random.Random(0)))[1]
        self.outcomes = [{"metric": f"excess{k}", "max": 0.0} for k in range(len(excess))]

    def values(self, params):
        value, excess = self.measure(params)
        return {"value": value} | {outcome["metric"]: v for outcome, v in zip(self.outcomes, excess)}

    def typical(self):
        """Only of feasible configurations, because the others have no regret."""
        chance = random.Random(12345)
        tried = [self.measure(draw(self.space, chance)) for _ in range(20 * TYPICAL)]
        return statistics.median(value for value, excess in tried if max(excess) <= 0)


def size_of(params):
    return math.log10(params["rounds"] * params["leaves"])


class TwoObjectives:
    """ZDT1 and ZDT2 in six dimensions (Zitzler, Deb and Thiele 2000), and the error and size of boosted trees."""

    def __init__(self, name):
        self.name = name
        self.objectives = ["first", "second"]
        if name == "size":
            self.inner = Tuning("histogram")
            self.space = self.inner.space
            self.reference = [1.3, 3.6]
            self.best = None
        else:
            self.space = {f"x{i}": real(0, 1) for i in range(6)}
            self.reference = [1.1, 6.0]
            # Minus the area between the front, 1 - sqrt(x) or 1 - x^2, and the reference.
            self.best = -(5 + (2 / 3 if name == "zdt1" else 1 / 3) + 0.1 * 6)

    def measure(self, params):
        if self.name == "size":
            return self.inner.value(params), size_of(params)
        x = [params[f"x{i}"] for i in range(6)]
        g = 1 + 9 * sum(x[1:]) / 5
        shape = 1 - math.sqrt(x[0] / g) if self.name == "zdt1" else 1 - (x[0] / g) ** 2
        return x[0], g * shape

    def values(self, params):
        return dict(zip(self.objectives, self.measure(params)))

    def typical(self):
        """Minus the area that one configuration dominates."""
        chance = random.Random(12345)
        pairs = [self.measure(draw(self.space, chance)) for _ in range(TYPICAL)]
        a, b = self.reference
        return -statistics.median(max(0.0, a - first) * max(0.0, b - second) for first, second in pairs)


def typical(problem):
    if hasattr(problem, "typical"):
        return problem.typical()
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
        return Constrained(rest)
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
            }
            key = (request["problem"], request["seed"] if "bbob" in request["problem"] else 0)
            if key not in levels:
                levels[key] = typical(problem)
            reply["typical"] = levels[key]
        else:
            params = request["params"]
            if hasattr(problem, "values"):
                values = problem.values(params)
                reply = {"values": values, "true": next(iter(values.values()))}
            else:
                value = problem.value(params)
                told = problem.told(value) if isinstance(problem, Noisy) else value
                reply = {"values": {"value": told}, "true": value}
        print(json.dumps(reply), flush=True)


main()
