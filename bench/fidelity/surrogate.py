"""A curve for every configuration of a problem, also for those that are not in its table.

`table`: exactly the tabulated curves, of a space whose configurations are all tabulated.
`smooth`: Gaussian processes on the principal components of the logarithms of the curves.
`forest`: extremely randomised trees, whose leaves hold the logarithm of a curve.

Both surrogates also say how long a step takes. They are fitted once (with scikit-learn) and kept in files that NumPy alone reads,
because every peer has an environment of its own.
"""

import json
import sys
import time
import warnings

import numpy
from curves import TABLES, table_of
from space import draw, features, near

COMPONENTS = 6
TREES = 40
RANDOM = 8000
"""Random configurations that the best known loss and the typical one are taken from."""
ROUNDS = 12
NEIGHBOURS = 400
SMALLEST = 1e-4


class Table:
    """The curves of a table."""

    def __init__(self, name):
        table = table_of(name)
        self.space = table["space"]
        self.losses = numpy.array(table["losses"])
        self.seconds = numpy.array(table["seconds"])
        self.steps = self.losses.shape[1]
        self.rows = {self.key(params): i for i, params in enumerate(table["params"])}
        self.best = float(self.losses.min())
        self.typical = float(numpy.median(self.losses.min(axis=1)))
        self.full = float(self.seconds.sum(axis=1).mean())

    def key(self, params):
        return tuple(params[name] for name in self.space)

    def curve(self, params):
        row = self.rows[self.key(params)]
        return self.losses[row], self.seconds[row]


class Surrogate:
    """Reads what `fit` has written."""

    def __init__(self, path):
        with numpy.load(path) as file:
            self.parts = dict(file)
        self.about = json.loads(str(self.parts["about"]))
        self.space = self.about["space"]
        self.best, self.typical, self.full = (self.about[name] for name in ("best", "typical", "full"))
        self.steps = self.about["steps"]

    def curve(self, params):
        (row,) = self.predict(numpy.array([features(self.space, params)]))
        return numpy.exp(row[:-1]), numpy.full(self.steps, numpy.exp(row[-1]))


class Smooth(Surrogate):
    def predict(self, x):
        """
        The logarithms of the losses after each step, and of the seconds of a step. The losses are a standard deviation above the mean:
        where nothing was tabulated nothing is known, and nothing good is promised.
        """
        parts = self.parts
        count = len(parts["scales"])
        found, variance = numpy.empty((len(x), count)), numpy.empty((len(x), count))
        for i, scales in enumerate(parts["scales"]):
            a, b = x / scales, parts["x"] / scales
            square = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
            near_by = matern(numpy.sqrt(numpy.maximum(square, 0)))
            found[:, i] = near_by @ parts["weights"][i] + parts["means"][i]
            variance[:, i] = parts["priors"][i] - ((near_by @ parts["inverses"][i]) * near_by).sum(axis=1)
        curves = parts["centre"] + found[:, :-1] @ parts["components"]
        above = numpy.sqrt(numpy.maximum(variance[:, :-1], 0) @ parts["components"] ** 2)
        return numpy.column_stack([numpy.minimum(curves + above, parts["high"]), found[:, -1]])


def matern(distance):
    scaled = 5**0.5 * distance
    return (1 + scaled + scaled**2 / 3) * numpy.exp(-scaled)


class Forest(Surrogate):
    def predict(self, x):
        """The logarithms of the losses after each step, and of the seconds of a step."""
        feature, threshold, left, right = (self.parts[name] for name in ("feature", "threshold", "left", "right"))
        node = numpy.tile(self.parts["roots"], (len(x), 1))
        rows = numpy.arange(len(x))[:, None]
        while (left[node] >= 0).any():
            lower = x[rows, feature[node]] <= threshold[node]
            node = numpy.where(left[node] >= 0, numpy.where(lower, left[node], right[node]), node)
        return numpy.array([self.parts["values"][leaves].mean(axis=0) for leaves in node], dtype=float)


KINDS = {"smooth": Smooth, "forest": Forest}


def fit_smooth(x, curves, seconds):
    """A process a component; those of the smaller components share a length scale a feature."""
    from scipy.linalg import cho_solve
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

    centre = curves.mean(axis=0)
    _, _, directions = numpy.linalg.svd(curves - centre, full_matrices=False)
    components = directions[:COMPONENTS]
    targets = [*((curves - centre) @ components.T).T, seconds]
    scales, weights, means, priors, inverses = [], [], [], [], []
    for i, target in enumerate(targets):
        mean, spread = target.mean(), target.std() + 1e-9
        length = numpy.ones(x.shape[1]) if i < 2 or i == COMPONENTS else scales[1]
        bounds = (0.3, 30) if i < 2 or i == COMPONENTS else "fixed"
        kernel = ConstantKernel(1.0) * Matern(length, bounds, nu=2.5) + WhiteKernel(0.01, (1e-3, 1))
        model = GaussianProcessRegressor(kernel).fit(x, (target - mean) / spread)
        scales.append(model.kernel_.k1.k2.length_scale)
        amplitude = model.kernel_.k1.k1.constant_value
        weights.append(model.alpha_ * amplitude * spread)
        means.append(mean)
        priors.append(amplitude * spread**2)
        inverses.append(cho_solve((model.L_, True), numpy.eye(len(x))) * (amplitude * spread) ** 2)
    return {
        "x": x,
        "scales": numpy.array(scales),
        "weights": numpy.array(weights),
        "means": numpy.array(means),
        "priors": numpy.array(priors),
        "inverses": numpy.array(inverses).astype(numpy.float32),
        "centre": centre,
        "components": components,
        "high": numpy.array(curves.max()),
    }


def fit_forest(x, curves, seconds):
    from sklearn.ensemble import ExtraTreesRegressor

    targets = numpy.column_stack([curves, seconds])
    model = ExtraTreesRegressor(TREES, min_samples_leaf=2, random_state=0).fit(x, targets)
    trees = [tree.tree_ for tree in model.estimators_]
    roots = numpy.cumsum([0, *(tree.node_count for tree in trees[:-1])])

    def joined(part):
        return numpy.concatenate([getattr(tree, part) for tree in trees])

    def children(part):
        sides = [getattr(tree, part) for tree in trees]
        return numpy.concatenate([numpy.where(side >= 0, side + root, -1) for side, root in zip(sides, roots)])

    return {
        "feature": numpy.maximum(joined("feature"), 0),
        "threshold": joined("threshold"),
        "left": children("children_left"),
        "right": children("children_right"),
        "values": numpy.concatenate([tree.value[:, :, 0] for tree in trees]).astype(numpy.float32),
        "roots": roots,
    }


FITS = {"smooth": fit_smooth, "forest": fit_forest}


def fit(name, kind, path):
    """Fits a surrogate, and looks for its best configuration."""
    table = table_of(name)
    space = table["space"]
    x = numpy.array([features(space, params) for params in table["params"]])
    curves = numpy.log(numpy.maximum(SMALLEST, table["losses"]))
    seconds = numpy.log(numpy.array(table["seconds"])[:, 0])
    parts = FITS[kind](x, curves, seconds)
    about = {"space": space, "steps": curves.shape[1], "best": 0, "typical": 0, "full": 0}
    numpy.savez(path, about=json.dumps(about), **parts)
    about |= landscape(KINDS[kind](path))
    numpy.savez(path, about=json.dumps(about), **parts)
    return about


def landscape(surrogate):
    """The best known loss of a surrogate, that of a typical configuration, and the mean seconds of a run to the end."""
    random = numpy.random.RandomState(11)
    space = surrogate.space

    def judge(configurations):
        found = surrogate.predict(numpy.array([features(space, params) for params in configurations]))
        return numpy.exp(found[:, :-1].min(axis=1)), surrogate.steps * numpy.exp(found[:, -1])

    known = [draw(space, random) for _ in range(RANDOM)]
    losses, seconds = judge(known)
    typical = {"typical": float(numpy.median(losses)), "full": float(seconds.mean())}
    for _ in range(ROUNDS):
        order = numpy.argsort(losses)[: NEIGHBOURS // 10]
        known, losses = [known[i] for i in order], losses[order]
        beside = [near(space, known[random.randint(len(known))], random) for _ in range(NEIGHBOURS)]
        known, losses = known + beside, numpy.concatenate([losses, judge(beside)[0]])
    return {"best": float(losses.min()), **typical}


def load(problem):
    """A problem by its name, `mlp:smooth` or `lcdb-41027:table`; fitted on first use."""
    name, kind = problem.split(":")
    if kind == "table":
        return Table(name)
    path = TABLES / f"{name}-{kind}.npz"
    if not path.exists():
        warnings.filterwarnings("ignore")  # length scales at their bounds
        begin = time.process_time()
        about = fit(name, kind, path)
        found = ", ".join(f"{what} {about[what]:.4g}" for what in ("best", "typical", "full"))
        print(f"{problem}: {found}, fitted in {time.process_time() - begin:.0f} s", file=sys.stderr, flush=True)
    return KINDS[kind](path)


def build(problems):
    """Tabulates and fits what is missing."""
    for problem in problems:
        load(problem)


if __name__ == "__main__":
    build(sys.argv[1:])
