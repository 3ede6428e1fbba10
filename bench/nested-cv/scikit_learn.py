"""What examples/nested_cv.py does, with scikit-learn alone and random search."""

from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.model_selection import RandomizedSearchCV, StratifiedKFold, cross_validate
from sklearn.svm import SVC

X, y = load_digits(return_X_y=True)
space = {"C": loguniform(0.1, 1000), "gamma": loguniform(1e-5, 0.1)}
inner, outer = (StratifiedKFold(folds, shuffle=True, random_state=1) for folds in (3, 5))
search = RandomizedSearchCV(SVC(), space, n_iter=10, cv=inner, random_state=1)
result = cross_validate(search, X, y, cv=outer, return_estimator=True)
scores = result["test_score"]
gap = sum(fold.best_score_ for fold in result["estimator"]) / len(scores) - scores.mean()
print(f"accuracy {scores.mean():.4f}, standard deviation {scores.std(ddof=1):.4f}, optimism gap {gap:.4f}")
