"""Tunes a random forest on handwritten digits for two objectives and one outcome constraint.

The forest should be accurate, and its predictions should need few comparisons (one per level of a tree). All trees
together may have at most 5,000 nodes, for example to fit into a small device. Needs scikit-learn; the calls to Hone need only
the standard library.

    npm run local                               # in another terminal
    .venv/bin/python examples/two_objectives.py
"""

import json
import os
import random
import time
import urllib.error
import urllib.request
import uuid

from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

STUDY = {
    "name": "small-forest",
    "space": {
        "trees": {"type": "int", "low": 1, "high": 100, "scale": "log"},
        "depth": {"type": "int", "low": 2, "high": 16},
        "leaf": {"type": "int", "low": 1, "high": 20, "scale": "log"},
        "features": {"type": "float", "low": 0.05, "high": 1, "scale": "log"},
    },
    "objectives": [
        {"metric": "accuracy", "direction": "maximize"},
        {"metric": "comparisons", "direction": "minimize"},
    ],
    "outcomes": [{"metric": "nodes", "max": 5000}],
    "algorithm": {"name": "auto", "seed": 1},
    "budget": {"trials": 40},
}

images, labels = load_digits(return_X_y=True)
train_x, test_x, train_y, test_y = train_test_split(images, labels, test_size=0.5, random_state=0)


def evaluate(params):
    """Accuracy on unseen images, comparisons per image, and nodes of all trees."""
    forest = RandomForestClassifier(
        n_estimators=params["trees"],
        max_depth=params["depth"],
        min_samples_leaf=params["leaf"],
        max_features=params["features"],
        random_state=0,
    ).fit(train_x, train_y)
    visited, _ = forest.decision_path(test_x)
    return {
        "accuracy": forest.score(test_x, test_y),
        "comparisons": visited.nnz / len(test_x) - params["trees"],  # a leaf needs no comparison
        "nodes": sum(tree.tree_.node_count for tree in forest.estimators_),
    }


here = {name: os.environ.get(f"HONE_{name.upper()}") for name in ("api", "team", "token")}
here = here if here["api"] else json.load(open(".hone/local.json"))  # written by `npm run local`


def call(method, path, body=None):
    headers = {
        "Authorization": f"Bearer {here['token']}",
        "Content-Type": "application/json",
        "Idempotency-Key": uuid.uuid4().hex,  # so that a repeated request takes effect once
    }
    url, data = f"{here['api']}/teams/{here['team']}/studies{path}", body and json.dumps(body).encode()
    for tries in range(8):
        try:
            return json.load(urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method)))
        except urllib.error.HTTPError as error:
            if error.code not in (429, 500, 502, 503, 504) or tries == 7:
                raise
            after = float(error.headers.get("Retry-After") or 0)
            time.sleep(max(after, 0.25 * 2**tries) * random.uniform(1, 1.2))


study = call("POST", "", STUDY)["study"]
print(f"Study {study}")
while trials := call("POST", f"/{study}/ask", {"count": 2})["trials"]:
    for trial in trials:
        result = {"attempt": trial["attempt"], "values": evaluate(trial["params"])}
        call("POST", f"/{study}/trials/{trial['number']}/tell", result)

best = call("GET", f"/{study}/best")["trials"]
print(f"Pareto set: {len(best)} forests of at most 5,000 nodes")
for trial in sorted(best, key=lambda it: it["values"]["comparisons"]):
    print("{accuracy:.4f}  {comparisons:6.1f} comparisons  {nodes:5.0f} nodes  ".format(**trial["values"]), end="")
    print(json.dumps(trial["params"]))
