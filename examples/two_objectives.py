"""Tunes a random forest on handwritten digits for two objectives and one outcome constraint.

The forest should be accurate, and its predictions should need few comparisons (one per level of a tree). All trees
together may have at most 5,000 nodes, for example to fit into a small device. Needs scikit-learn.

    npm run local                               # in another terminal
    .venv/bin/pip install ./clients/python
    .venv/bin/python examples/two_objectives.py
"""

from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

import hone

images, labels = load_digits(return_X_y=True)
train_x, test_x, train_y, test_y = train_test_split(images, labels, test_size=0.5, random_state=0)


def evaluate(trial):
    """Accuracy on unseen images, comparisons per image, and nodes of all trees."""
    forest = RandomForestClassifier(
        n_estimators=trial.params["trees"],
        max_depth=trial.params["depth"],
        min_samples_leaf=trial.params["leaf"],
        max_features=trial.params["features"],
        random_state=0,
    ).fit(train_x, train_y)
    visited, _ = forest.decision_path(test_x)
    return {
        "accuracy": forest.score(test_x, test_y),
        "comparisons": visited.nnz / len(test_x) - trial.params["trees"],  # a leaf needs no comparison
        "nodes": sum(tree.tree_.node_count for tree in forest.estimators_),
    }


study = hone.create_study(
    "small-forest",
    {
        "trees": hone.int(1, 100, scale="log"),
        "depth": hone.int(2, 16),
        "leaf": hone.int(1, 20, scale="log"),
        "features": hone.float(0.05, 1, scale="log"),
    },
    maximize="accuracy",
    minimize="comparisons",
    outcomes=[{"metric": "nodes", "max": 5000}],
    algorithm={"name": "auto", "seed": 1},
    trials=40,
)
print(f"Study {study.id}")
study.optimize(evaluate, workers=2)

print(f"Pareto set: {len(study.best_trials)} forests of at most 5,000 nodes")
for trial in sorted(study.best_trials, key=lambda it: it.values["comparisons"]):
    print("{accuracy:.4f}  {comparisons:6.1f} comparisons  {nodes:5.0f} nodes".format(**trial.values), trial.params)
