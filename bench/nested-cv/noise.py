"""Nested cross-validation on labels of pure noise: 100 samples, 50 features, 200 configurations in each outer fold.

Each data set is drawn anew. Prints one JSON line for each.
"""

import json
import sys

import hone
import numpy
from sklearn.svm import SVC

SAMPLES, FEATURES, CONFIGURATIONS = 100, 50, 200
SPACE = {
    "C": hone.float(0.01, 1000, scale="log"),
    "gamma": hone.float(1e-4, 10, scale="log"),
    "first": hone.int(0, FEATURES - 1),
    "width": hone.int(1, FEATURES),
}


def columns(params):
    """A run of features, which ends with the last one."""
    return slice(params["first"], params["first"] + params["width"])


def run(seed, algorithm):
    random = numpy.random.default_rng(seed)
    X, y = random.normal(size=(SAMPLES, FEATURES)), random.permutation(SAMPLES) % 2
    evaluation = hone.nested_cv(labels=y, outer=5, inner=3, together=True, seed=seed)
    study = hone.create_study(
        "noise",
        SPACE,
        maximize="accuracy",
        trials=CONFIGURATIONS,
        algorithm={"name": algorithm, "seed": seed},
        evaluation=evaluation,
    )
    for trial in study.trials():
        of = columns(trial.params)
        model = SVC(C=trial.params["C"], gamma=trial.params["gamma"])
        scores = [
            model.fit(X[train, of], y[train]).score(X[test, of], y[test]) for train, test in trial.folds(labels=y)
        ]
        trial.tell(accuracy=numpy.mean(scores))
    print(json.dumps({"seed": seed, "algorithm": algorithm, **study.nested}), flush=True)


first, last, name = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
for data_set in range(first, last + 1):
    run(data_set, name)
