"""The baseline for the study: the accuracy of scikit-learn's default SVC, and of a grid with as many models as the study has trials.

Prints one JSON object: {"default": {"accuracy"}, "grid": {"accuracy", "C", "gamma", "sizes"}}. The grid covers the study's
space, with more values of gamma than of C, because the accuracy depends more on gamma.
"""

import json
from pathlib import Path

import numpy as np
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.svm import SVC
from train import FOLDS, folds

C_VALUES, GAMMA_VALUES = 5, 8


def default() -> float:
    """Mean accuracy over the folds."""
    return float(np.mean([SVC().fit(images, labels).score(*test) for images, labels, *test in folds()]))


def grid(space: dict) -> dict:
    """The best of all combinations of evenly spaced values, on the log scale as in the study's space."""
    values = {
        name: np.geomspace(space[name]["low"], space[name]["high"], count)
        for name, count in (("C", C_VALUES), ("gamma", GAMMA_VALUES))
    }
    points = [
        {"accuracy": accuracy, "C": float(C), "gamma": float(gamma)}
        for gamma in values["gamma"]
        for C, accuracy in zip(values["C"], accuracies(values["C"], gamma), strict=True)
    ]
    return max(points, key=lambda it: it["accuracy"])


def accuracies(values_of_c: np.ndarray, gamma: float) -> list[float]:
    """The mean accuracy for each C. The kernel is computed once for all of them, which takes a quarter of the time."""
    scores = []
    for images, labels, unseen, truth in folds():
        kernel, kernel_unseen = rbf_kernel(images, gamma=gamma), rbf_kernel(unseen, images, gamma=gamma)
        models = [SVC(kernel="precomputed", C=C).fit(kernel, labels) for C in values_of_c]
        scores.append([model.score(kernel_unseen, truth) for model in models])
    return np.mean(scores, axis=0).tolist()


if __name__ == "__main__":
    study = json.loads(Path(__file__).with_name("study.json").read_text())
    if C_VALUES * GAMMA_VALUES != study["budget"]["trials"]:
        raise SystemExit("The grid and the study have different budgets.")
    if study["scheduler"]["resource"]["max"] != FOLDS:
        raise SystemExit("The study's resource is not the number of folds.")
    best = {**grid(study["space"]), "sizes": [C_VALUES, GAMMA_VALUES]}
    print(json.dumps({"default": {"accuracy": default()}, "grid": best}))
