"""Small networks that are trained a segment at a time; `problems.json` says which.

A state is a list of arrays: the weights of each layer, then their velocities. What a segment draws depends on the seed of the study, the
member of the population and the epoch alone, so that every searcher's member begins with the same weights and sees the same batches.
"""

import json
import os
import sys
from collections import Counter

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # noqa: E402
from sklearn import datasets  # noqa: E402
from sklearn.model_selection import train_test_split  # noqa: E402

np.seterr(all="ignore")

SEGMENT_SECONDS = 60
"""Of simulated time, on average."""
SPREAD = 0.1
"""How much a segment's time differs from the average, at most, so that no member is always the first."""
DIVERGED = 100.0
"""The loss of a network that has no finite one."""


def load():
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "problems.json")) as file:
        return json.load(file)


class Problem:
    def __init__(self, name):
        setting = load()[name]
        self.space, self.constants = setting["space"], setting["constants"]
        self.batch, self.deviation = setting["batch"], setting["deviation"]
        x, labels = getattr(datasets, f"load_{setting['data']}")(return_X_y=True)
        rest_x, test_x, rest_y, test_y = train_test_split(x, labels, test_size=0.4, random_state=0)
        train_x, valid_x, train_y, valid_y = train_test_split(rest_x, rest_y, test_size=0.4, random_state=0)
        # Pixels have one unit, measurements each their own.
        shift, scale = (0, 16) if setting["data"] == "digits" else (train_x.mean(0), train_x.std(0))
        self.train, self.valid, self.test = (
            ((part - shift) / scale, part_labels)
            for part, part_labels in ((train_x, train_y), (valid_x, valid_y), (test_x, test_y))
        )
        classes = int(labels.max()) + 1
        self.one_hot = np.eye(classes)
        self.widths = [x.shape[1], *setting["hidden"], classes]

    def start(self, random):
        weights = [
            random.normal(0, self.deviation or np.sqrt(2 / rows), (rows, columns))
            for rows, columns in zip(self.widths, self.widths[1:])
        ]
        return weights + [np.zeros_like(w) for w in weights]

    def forward(self, weights, x):
        """The inputs of each layer, and the logarithms of the probabilities."""
        inputs = [x]
        for w in weights[:-1]:
            inputs.append(np.maximum(0, inputs[-1] @ w))
        scores = inputs[-1] @ weights[-1]
        scores -= scores.max(1, keepdims=True)
        return inputs, scores - np.log(np.exp(scores).sum(1, keepdims=True))

    def epoch(self, state, settings, random):
        x, labels = self.train
        layers = len(state) // 2
        for batch in np.array_split(random.permutation(len(x)), len(x) // self.batch):
            inputs, logs = self.forward(state[:layers], x[batch])
            error = (np.exp(logs) - self.one_hot[labels[batch]]) / len(batch)
            gradients = []
            for w, below in zip(reversed(state[:layers]), reversed(inputs)):
                gradients.insert(0, below.T @ error + settings["decay"] * w)
                error = error @ w.T * (below > 0)
            for i, gradient in enumerate(gradients):
                state[layers + i] = settings["momentum"] * state[layers + i] - settings["rate"] * gradient
                state[i] = state[i] + state[layers + i]

    def loss(self, state, part):
        x, labels = part
        value = -self.forward(state[: len(state) // 2], x)[1][np.arange(len(x)), labels].mean()
        return float(value) if np.isfinite(value) else DIVERGED

    def segment(self, state, settings, epochs, seed, member, done):
        """`epochs` further from `state`, or from the start (None), after `done` epochs. Returns the new state and its losses."""
        random = np.random.default_rng([seed, member, done])
        state = self.start(random) if state is None else list(state)
        for _ in range(epochs):
            self.epoch(state, {**self.constants, **settings}, random)
        return state, {"valid": self.loss(state, self.valid), "test": self.loss(state, self.test)}


class Workers:
    """What becomes of workers: how long they take, and which are killed before their result arrives. The same for every searcher."""

    def __init__(self, seed, killed):
        self.seed, self.killed, self.tries = seed, killed, Counter()

    def next(self, member, done):
        """Of the next worker that trains this segment: its seconds, and whether it is killed at the end."""
        self.tries[member, done] += 1
        return self.fate(member, done, self.tries[member, done])

    def fate(self, member, done, tries):
        random = np.random.default_rng([self.seed, member, done, tries])
        seconds = SEGMENT_SECONDS * (1 + SPREAD * random.uniform(-1, 1))
        return seconds, bool(random.random() < self.killed)


class Tally:
    """What a search came to. `found` are the losses of each result, wherever it was measured."""

    def __init__(self):
        self.found, self.lost = [], 0

    def outcome(self, ended, finished):
        """`ended`: how many runs came to their end; `finished`: whether no kill stopped the search."""
        best = min(self.found, key=lambda losses: losses["valid"], default={"valid": None, "test": None})
        return {**best, "results": len(self.found), "lost": self.lost, "ended": ended, "finished": finished}


def serve(search):
    """Answers each line of JSON, a task, with one, the outcome: `search(task)`."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not end up among the outcomes
    for line in sys.stdin:
        out.write(json.dumps(search(json.loads(line))) + "\n")
        out.flush()
