"""A trial: the accuracy of a soft-margin SVM with RBF kernel on handwritten digits, with 5-fold cross-validation.

    hone exec -- python train.py

The runner sets HONE_PARAMS to the parameters, reports the accuracy after each fold, and ends the program when the scheduler stops its
trial. The last metric line is the result. The program needs nothing else from Hone.
"""

import json
import os

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import SVC

FOLDS = 5


def folds() -> list:
    """Images and labels to fit and to score with, the same for every configuration."""
    images, labels = load_digits(return_X_y=True)
    split = StratifiedKFold(FOLDS).split(images, labels)
    return [(images[fit], labels[fit], images[score], labels[score]) for fit, score in split]


if __name__ == "__main__":
    params = json.loads(os.environ["HONE_PARAMS"])
    accuracies = []
    for images, labels, unseen, truth in folds():
        model = SVC(kernel="rbf", C=params["C"], gamma=params["gamma"]).fit(images, labels)
        accuracies.append(model.score(unseen, truth))
        print(json.dumps({"step": len(accuracies), "accuracy": float(np.mean(accuracies))}), flush=True)
