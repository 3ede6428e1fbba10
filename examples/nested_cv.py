"""Nested cross-validation of a support vector machine on the digits of scikit-learn."""

import hone
from sklearn.datasets import load_digits
from sklearn.svm import SVC

X, y = load_digits(return_X_y=True)
space = {"C": hone.float(0.1, 1000, scale="log"), "gamma": hone.float(1e-5, 0.1, scale="log")}
evaluation = hone.nested_cv(labels=y, outer=5, inner=3, seed=1)
study = hone.create_study("svm-nested", space, maximize="accuracy", trials=30, evaluation=evaluation)
for trial in study.trials():
    train, test = trial.indices(labels=y)
    trial.tell(accuracy=SVC(**trial.params).fit(X[train], y[train]).score(X[test], y[test]))
print("accuracy {mean:.4f}, standard deviation {sd:.4f}, optimism gap {gap:.4f}".format(**study.nested))
