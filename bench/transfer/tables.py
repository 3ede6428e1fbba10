"""Validation losses of scikit-learn's models on several data sets, tabulated over a grid.

    python tables.py        builds what is missing below .bench/transfer (some minutes)

One file per model and data set: {"space": {name: {"type": "ordinal", "choices": [...]}}, "loss": [...]}, the losses in the order
of a nested loop over the choices, the last parameter fastest. A loss is 1 - accuracy, or 1 - R^2, of 3 folds.
"""

import itertools
import json
import warnings
from pathlib import Path

import numpy
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

warnings.filterwarnings("ignore")
TABLES = Path(__file__).resolve().parents[2] / ".bench" / "transfer"


def rounded(values):
    return [float(f"{v:.3g}") for v in values]


GRIDS = {
    "svm": {"C": rounded(numpy.logspace(-2, 4, 19)), "gamma": rounded(numpy.logspace(-6, 1, 22))},
    "forest": {
        "depth": [1, 2, 3, 4, 6, 8, 12],
        "features": [0.05, 0.1, 0.2, 0.4, 0.7, 1.0],
        "leaf": [1, 2, 4, 8, 16, 32],
    },
    "mlp": {
        "width": [4, 8, 16, 32, 64],
        "rate": rounded(numpy.logspace(-4, -0.5, 8)),
        "alpha": rounded(numpy.logspace(-5, 1, 5)),
    },
}


def subsample(load, rows, seed):
    def part(return_X_y):
        x, y = load(return_X_y=return_X_y)
        keep = numpy.random.RandomState(seed).permutation(len(x))[:rows]
        return x[keep], y[keep]

    return part


DATA = {
    "digits-200": subsample(load_digits, 200, 1),
    "digits-400": subsample(load_digits, 400, 2),
    "wine": load_wine,
    "cancer": load_breast_cancer,
    "iris": load_iris,
    "diabetes": load_diabetes,
}
JOBS = {
    "svm": ["digits-200", "digits-400", "wine", "cancer", "iris", "diabetes"],
    "mlp": ["wine", "iris", "cancer"],
    "forest": ["wine", "cancer", "iris"],
}


def model(name, is_regression, p):
    if name == "svm":
        return make_pipeline(StandardScaler(), (SVR if is_regression else SVC)(C=p["C"], gamma=p["gamma"]))
    if name == "forest":
        return RandomForestClassifier(
            16, max_depth=p["depth"], max_features=p["features"], min_samples_leaf=p["leaf"], random_state=0
        )
    return make_pipeline(
        StandardScaler(),
        MLPClassifier(
            [p["width"]], learning_rate_init=p["rate"], alpha=p["alpha"], max_iter=20, random_state=0
        ),
    )


def table(name, data):
    x, y = DATA[data](return_X_y=True)
    is_regression = data == "diabetes"
    folds = (KFold if is_regression else StratifiedKFold)(3, shuffle=True, random_state=0)
    grid = GRIDS[name]
    losses = []
    for values in itertools.product(*grid.values()):
        scores = cross_val_score(model(name, is_regression, dict(zip(grid, values))), x, y, cv=folds)
        losses.append(round(1 - float(scores.mean()), 6))
    space = {key: {"type": "ordinal", "choices": choices} for key, choices in grid.items()}
    return {"space": space, "loss": losses}


def main():
    TABLES.mkdir(parents=True, exist_ok=True)
    for name, sets in JOBS.items():
        for data in sets:
            path = TABLES / f"{name}-{data}.json"
            if not path.exists():
                path.write_text(json.dumps(table(name, data)))
                print(path.name, flush=True)


main()
