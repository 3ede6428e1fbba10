"""Trains a population of networks: after each segment the losers copy the winners' weights, and explore other settings.

Each trial goes on from its parent's checkpoint, which Hone keeps. At the end the schedule of the best run is trained
once more, as one run. Needs NumPy and scikit-learn.

    npm run local                               # in another terminal
    .venv/bin/pip install ./clients/python
    .venv/bin/python examples/pbt.py
"""

import tempfile
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import hone

images, labels = load_digits(return_X_y=True)
train_x, test_x, train_y, test_y = train_test_split(images / 16, labels, test_size=0.5, random_state=0)
random = np.random.default_rng(0)


def start():
    """The weights of a network with a hidden layer, and their momenta."""
    weights = [random.normal(0, 0.2, (64, 32)), random.normal(0, 0.2, (32, 10))]
    return weights + [np.zeros_like(w) for w in weights]


def epoch(state, lr, momentum):
    """Trains once on every image, in batches of 16."""
    for batch in np.array_split(random.permutation(len(train_x)), len(train_x) // 16):
        hidden = np.maximum(0, train_x[batch] @ state[0])
        scores = np.exp(hidden @ state[1])
        error = (scores / scores.sum(1, keepdims=True) - np.eye(10)[train_y[batch]]) / len(batch)
        gradients = [train_x[batch].T @ (error @ state[1].T * (hidden > 0)), hidden.T @ error]
        for i, gradient in enumerate(gradients):
            state[2 + i] = momentum * state[2 + i] - lr * gradient
            state[i] = state[i] + state[2 + i]


def accuracy(state):
    return np.mean(np.argmax(np.maximum(0, test_x @ state[0]) @ state[1], 1) == test_y)


def train(trial):
    """Runs one segment."""
    saved = np.load(trial.checkpoint) if trial.checkpoint else None
    state, done = (start(), 0) if saved is None else ([saved[f"arr_{i}"] for i in range(4)], int(saved["done"]))
    for _ in range(done, trial.resource):
        epoch(state, **trial.params)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "state.npz")
        np.savez(path, *state, done=trial.resource)
        trial.tell(accuracy=accuracy(state), checkpoint=path)


study = hone.create_study(
    "digits-pbt",
    {"lr": hone.float(1e-3, 3, scale="log"), "momentum": hone.float(0, 0.99)},
    maximize="accuracy",
    algorithm={"name": "pbt", "population": 4},
    scheduler={"resource": {"name": "epoch", "min": 2, "max": 20}},
    trials=40,
)
study.optimize(train, workers=2)
print(study.best)

state = start()
for segment in study.schedule():
    print(f"epochs {segment.start} to {segment.end}: {segment.params}")
    for _ in range(segment.start, segment.end):
        epoch(state, **segment.params)
print(f"the same schedule as one run: {accuracy(state):.3f}")
