"""Nested cross-validation of an RBF SVM on digits: Hone, and scikit-learn's random search on the same folds.

Prints one JSON line for each.
"""

import json
import math
import statistics

import hone
from hone.splits import indices
from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.model_selection import RandomizedSearchCV
from sklearn.svm import SVC

OUTER, INNER, CONFIGURATIONS = 5, 3, 20

X, y = load_digits(return_X_y=True)
evaluation = hone.nested_cv(labels=y, outer=OUTER, inner=INNER, seed=1)
space = {"C": hone.float(0.1, 1000, scale="log"), "gamma": hone.float(1e-5, 0.1, scale="log")}
study = hone.create_study(
    "digits",
    space,
    maximize="accuracy",
    trials=INNER * CONFIGURATIONS,
    algorithm={"name": "auto", "seed": 1},
    evaluation=evaluation,
)
for trial in study.trials():
    train, test = trial.indices(labels=y)
    trial.tell(accuracy=SVC(**trial.params).fit(X[train], y[train]).score(X[test], y[test]))
print(json.dumps({"by": "hone", **study.nested}), flush=True)


def searched(outer):
    """The inner and outer score of scikit-learn's search in one outer fold."""
    split = {
        **evaluation,
        "phase": "refit",
        "repeat": 0,
        "outer": outer,
        "inner": None,
        "kind": evaluation["outer"]["kind"],
        "folds": {"outer": OUTER, "inner": INNER},
    }
    train, test = indices(split, labels=y)
    position = {sample: at for at, sample in enumerate(train)}
    cv = [
        tuple([position[sample] for sample in part] for part in indices({**split, "inner": inner}, labels=y))
        for inner in range(INNER)
    ]
    distributions = {"C": loguniform(0.1, 1000), "gamma": loguniform(1e-5, 0.1)}
    search = RandomizedSearchCV(SVC(), distributions, n_iter=CONFIGURATIONS, cv=cv, random_state=1)
    search.fit(X[train], y[train])
    return {"outer": outer, "innerScore": search.best_score_, "outerScore": search.score(X[test], y[test])}


folds = [searched(outer) for outer in range(OUTER)]
scores = [fold["outerScore"] for fold in folds]
sd = statistics.stdev(scores)
print(
    json.dumps(
        {
            "by": "scikit-learn",
            "folds": folds,
            "mean": statistics.mean(scores),
            "sd": sd,
            "standardError": sd * math.sqrt(1 / OUTER + 1 / (OUTER - 1)),
            "innerMean": statistics.mean(fold["innerScore"] for fold in folds),
            "gap": statistics.mean(fold["innerScore"] - fold["outerScore"] for fold in folds),
        }
    )
)
