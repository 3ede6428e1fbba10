"""Learning curves of real models, tabulated at every step.

Each table has a few hundred configurations, most of them random, the others near the best ones, with the validation loss after
every step (an epoch, a round of boosting, a sample size) and the processor seconds of a step. The tables of `lcdb` are those of
the package: every learner on every split of a data set, at samples that grow by a factor of the square root of 2.

    python curves.py [NAME ...]        builds what is missing below .bench/curves, with the surrogates
"""

import importlib.util
import itertools
import json
import sys
import time
import warnings
from pathlib import Path

import numpy

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "quality"))

from space import choice, draw, near, real, whole  # noqa: E402

TABLES = Path(__file__).resolve().parents[2] / ".bench" / "curves"
EVALUATIONS = 240
RANDOM_SHARE = 0.6


def halves(load, held):
    """Training rows and held-out rows of a data set, inputs standardised."""
    x, y = load(return_X_y=True)
    rows = numpy.random.RandomState(1).permutation(len(x))
    x = (x - x.mean(axis=0)) / numpy.maximum(x.std(axis=0), 1e-3)
    x, y = x[rows], y[rows]
    return x[held:], y[held:], x[:held], y[:held]


def mlp(p):
    """scikit-learn's MLPClassifier on digits: cross-entropy after each epoch."""
    from sklearn.datasets import load_digits
    from sklearn.metrics import log_loss
    from sklearn.neural_network import MLPClassifier

    x, y, held_x, held_y = halves(load_digits, 600)
    x, y = x[:500], y[:500]
    model = MLPClassifier(
        [p["width"]] * p["layers"],
        solver=p["solver"],
        activation=p["activation"],
        learning_rate_init=p["rate"],
        momentum=p.get("momentum", 0.9),
        beta_1=p.get("beta", 0.9),
        alpha=p["alpha"],
        batch_size=p["batch"],
        random_state=0,
    )
    while True:
        model.partial_fit(x, y, classes=numpy.arange(10))
        yield log_loss(held_y, numpy.clip(model.predict_proba(held_x), 1e-9, 1), labels=numpy.arange(10))


def sgd(p):
    """scikit-learn's SGDClassifier on breast cancer: logistic loss after each epoch."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.linear_model import SGDClassifier

    x, y, held_x, held_y = halves(load_breast_cancer, 250)
    model = SGDClassifier(
        loss=p["loss"],
        penalty=p["penalty"],
        alpha=p["alpha"],
        l1_ratio=p.get("l1", 0.15),
        learning_rate=p["schedule"],
        eta0=p.get("eta0", 0.01),
        power_t=p.get("power", 0.5),
        average=p["average"],
        random_state=0,
    )
    sign = 2 * held_y - 1
    while True:
        model.partial_fit(x, y, classes=[0, 1])
        yield numpy.logaddexp(0, -sign * model.decision_function(held_x)).mean()


def boost(p):
    """LightGBM on diabetes: unexplained variance after each round."""
    import lightgbm
    from sklearn.datasets import load_diabetes

    x, y, held_x, held_y = halves(load_diabetes, 180)
    settings = {
        "objective": "regression",
        "metric": "l2",
        "boosting": p["boosting"],
        "learning_rate": p["rate"],
        "num_leaves": p["leaves"],
        "min_data_in_leaf": p["leaf"],
        "lambda_l2": p["l2"],
        "feature_fraction": p["features"],
        "bagging_fraction": p.get("sample", 1.0),
        "bagging_freq": 1 if p["boosting"] == "gbdt" else 0,
        "drop_rate": p.get("drop", 0.1),
        "num_threads": 1,
        "verbose": -1,
        "seed": 0,
    }
    kept = {}
    held = lightgbm.Dataset(held_x, held_y, free_raw_data=False)
    lightgbm.train(
        settings,
        lightgbm.Dataset(x, y),
        num_boost_round=PROBLEMS["boost"]["steps"],
        valid_sets=[held],
        callbacks=[lightgbm.record_evaluation(kept)],
    )
    yield from (value / held_y.var() for value in kept["valid_0"]["l2"])


def net(p):
    """A small network on Friedman's function: schedules that anneal until the end begin worse and end better."""
    from sklearn.datasets import make_friedman1

    steps = PROBLEMS["net"]["steps"]
    x, y = make_friedman1(440, n_features=8, noise=0.5, random_state=0)
    x, y = 2 * x - 1, (y - y.mean()) / y.std()
    held_x, held_y, x, y = x[:200], y[:200], x[200:], y[200:]
    random = numpy.random.RandomState(0)
    width = p["width"]
    weights = [
        random.standard_normal((8, width)) * p["gain"] / 8**0.5,
        numpy.zeros(width),
        random.standard_normal(width) / width**0.5,
        numpy.zeros(1),
    ]
    speed = [numpy.zeros_like(w) for w in weights]
    decay = [p["decay"], 0, p["decay"], 0]
    for epoch in range(steps):
        progress = epoch / steps
        rate = p["rate"]
        if p["schedule"] == "cosine":
            rate *= 0.5 + 0.5 * numpy.cos(numpy.pi * progress)
        elif p["schedule"] == "exponential":
            rate *= p["final"] ** progress
        rows = random.permutation(len(x))
        for begin in range(0, len(rows), p["batch"]):
            some = rows[begin : begin + p["batch"]]
            hidden = numpy.tanh(x[some] @ weights[0] + weights[1])
            error = (hidden @ weights[2] + weights[3] - y[some]) / len(some)
            back = numpy.outer(error, weights[2]) * (1 - hidden**2)
            gradients = [x[some].T @ back, back.sum(axis=0), hidden.T @ error, error.sum(keepdims=True)]
            for i, gradient in enumerate(gradients):
                speed[i] = p["momentum"] * speed[i] - rate * gradient
                weights[i] = (1 - rate * decay[i]) * weights[i] + speed[i]
        yield ((numpy.tanh(held_x @ weights[0] + weights[1]) @ weights[2] + weights[3] - held_y) ** 2).mean()


PROBLEMS = {
    "mlp": {
        "train": mlp,
        "steps": 27,
        "cap": 5.0,
        "space": {
            "layers": whole(1, 3),
            "width": whole(4, 48, True),
            "rate": real(1e-5, 0.3, True),
            "batch": whole(20, 250, True),
            "alpha": real(1e-6, 1, True),
            "activation": choice("relu", "tanh", "logistic"),
            "solver": choice("adam", "sgd"),
            "momentum": real(0, 0.99, when={"solver": ["sgd"]}),
            "beta": real(0.5, 0.99, when={"solver": ["adam"]}),
        },
    },
    "sgd": {
        "train": sgd,
        "steps": 81,
        "cap": 3.0,
        "space": {
            "loss": choice("hinge", "log_loss", "modified_huber", "squared_hinge"),
            "alpha": real(1e-7, 1, True),
            "penalty": choice("l2", "l1", "elasticnet"),
            "l1": real(0, 1, when={"penalty": ["elasticnet"]}),
            "schedule": choice("optimal", "constant", "invscaling"),
            "eta0": real(1e-6, 0.1, True, when={"schedule": ["constant", "invscaling"]}),
            "power": real(0.05, 1, when={"schedule": ["invscaling"]}),
            "average": choice(True, False),
        },
    },
    "boost": {
        "train": boost,
        "steps": 81,
        "cap": 3.0,
        "space": {
            "boosting": choice("gbdt", "dart"),
            "rate": real(3e-3, 1, True),
            "leaves": whole(2, 64, True),
            "leaf": whole(1, 60, True),
            "l2": real(1e-3, 100, True),
            "features": real(0.1, 1),
            "sample": real(0.2, 0.999, when={"boosting": ["gbdt"]}),
            "drop": real(0, 0.6, when={"boosting": ["dart"]}),
        },
    },
    "net": {
        "train": net,
        "steps": 81,
        "cap": 3.0,
        "space": {
            "width": whole(2, 48, True),
            "rate": real(1e-3, 1, True),
            "momentum": real(0, 0.98),
            "batch": whole(8, 120, True),
            "gain": real(0.1, 4, True),
            "decay": real(1e-6, 0.1, True),
            "schedule": choice("constant", "exponential", "cosine"),
            "final": real(1e-3, 1, True, when={"schedule": ["exponential"]}),
        },
    },
}
LEARNING_CURVES = {"lcdb-41027": "41027", "lcdb-881": "881"}
"""Data sets of lcdb of which nearly all learners have run on all splits, up to 36,303 and 33,021 rows."""


def tabulate(name):
    """Trains the models of a problem."""
    problem = PROBLEMS[name]
    space, steps, cap = problem["space"], problem["steps"], problem["cap"]
    random = numpy.random.RandomState(7)
    tried, losses, seconds = [], [], []
    for i in range(EVALUATIONS):
        if i < RANDOM_SHARE * EVALUATIONS:
            params = draw(space, random)
        else:
            best = numpy.argsort([min(curve) for curve in losses])[: max(5, i // 20)]
            params = near(space, tried[random.choice(best)], random)
        begin = time.process_time()
        with numpy.errstate(all="ignore"):
            curve = curve_of(problem["train"](params), steps, cap)
        tried.append(params)
        losses.append(curve)
        seconds.append([(time.process_time() - begin) / steps] * steps)
    return {"space": space, "params": tried, "losses": losses, "seconds": seconds}


def curve_of(values, steps, cap):
    """The first values; a model that diverged stays at the cap."""
    curve = []
    try:
        for value in itertools.islice(values, steps):
            curve.append(float(min(cap, value)) if numpy.isfinite(value) else cap)
    except ValueError as error:
        # scikit-learn refuses to go on with weights that are not finite.
        if not any(word in str(error) for word in ("finite", "NaN", "overflow")):
            raise
    return curve + [cap] * (steps - len(curve))


def read_lcdb(name):
    """The validation error of every learner and split; where a curve ends early, it goes on as it ended."""
    folder = Path(importlib.util.find_spec("lcdb").submodule_search_locations[0])
    prefix = f"{LEARNING_CURVES[name]},".encode()
    found = {}
    with (folder / "database-accuracy.csv").open("rb") as file:
        for line in file:
            if line.startswith(prefix):
                _, learner, size, _, outer, inner, spent, _, score, _ = line.decode().split(",")
                found.setdefault((learner, int(outer), int(inner)), {})[int(size)] = (1 - float(score), float(spent))
    sizes = sorted({size for curve in found.values() for size in curve})
    learners = sorted({learner for learner, _, _ in found})
    params, losses, seconds = [], [], []
    for learner, outer, inner in itertools.product(learners, range(5), range(5)):
        curve = found.get((learner, outer, inner), {})
        known = [curve.get(size) for size in sizes]
        last, pairs = (1.0, 1e-3), []
        for pair in known:
            last = pair or last
            pairs.append(last)
        params.append({"learner": learner, "outer": outer, "inner": inner})
        losses.append([loss for loss, _ in pairs])
        seconds.append([max(1e-4, spent) for _, spent in pairs])
    space = {"learner": choice(*learners), "outer": whole(0, 4), "inner": whole(0, 4)}
    return {"space": space, "params": params, "losses": losses, "seconds": seconds}


def agreement(table):
    """Rank correlation of the losses after a ninth of the steps with those after all: the lower, the more curves cross."""
    losses = numpy.array(table["losses"])
    early, late = (losses[:, step - 1].argsort().argsort() for step in (-(-losses.shape[1] // 9), losses.shape[1]))
    return float(numpy.corrcoef(early, late)[0, 1])


def table_of(name):
    """The table of a problem, built on first use."""
    path = TABLES / f"{name}.json"
    if not path.exists():
        warnings.filterwarnings("ignore")
        begin = time.process_time()
        table = read_lcdb(name) if name in LEARNING_CURVES else tabulate(name)
        TABLES.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(table))
        spent = time.process_time() - begin
        print(f"{name}: {len(table['losses'])} curves, {agreement(table):.2f}, {spent:.0f} s", file=sys.stderr, flush=True)
    return json.loads(path.read_text())


if __name__ == "__main__":
    for problem in sys.argv[1:] or [*PROBLEMS, *LEARNING_CURVES]:
        table_of(problem)
