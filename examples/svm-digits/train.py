"""A trial: the accuracy of a soft-margin SVM with RBF kernel on handwritten digits, with 5-fold cross-validation.

    hone exec -- python train.py

The runner sets HONE_PARAMS to the parameters and reads the last metric line as the result. The program needs nothing else from Hone.
"""

import json
import os

from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.svm import SVC


def accuracy(**settings) -> float:
    """Mean over five folds, the same folds for every configuration."""
    images, labels = load_digits(return_X_y=True)
    folds = StratifiedKFold(n_splits=5)
    return float(cross_val_score(SVC(kernel="rbf", **settings), images, labels, cv=folds).mean())


if __name__ == "__main__":
    params = json.loads(os.environ["HONE_PARAMS"])
    print(json.dumps({"accuracy": accuracy(C=params["C"], gamma=params["gamma"])}))
