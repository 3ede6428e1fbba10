from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import RepeatedStratifiedKFold

import hone

x, y = load_breast_cancer(return_X_y=True)
folds = list(RepeatedStratifiedKFold(n_splits=5, n_repeats=2, random_state=0).split(x, y))


def error(trial):
    train, test = folds[trial.instance]
    forest = RandomForestClassifier(n_estimators=10, random_state=trial.seed, **trial.params)
    return 1 - forest.fit(x[train], y[train]).score(x[test], y[test])


# Every run is one configuration on one fold with one seed; those that fall behind are run on no further fold.
space = {"max_features": hone.float(0.05, 1), "min_samples_leaf": hone.int(1, 32, scale="log")}
race = {"name": "irace", "test": "t-test", "firstTest": 2, "seed": 1}
instances = {"type": "instances", "count": len(folds)}
study = hone.create_study("racing", space, minimize="error", trials=150, algorithm=race, evaluation=instances)
study.optimize(error)
print(study.best)
