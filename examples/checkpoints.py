"""Trains a network on handwritten digits, and goes on where an earlier attempt of the same trial has stopped.

An attempt stops because Hone pauses the trial until it deserves more epochs, or because its machine was lost. The next
one, on any machine, continues from the last checkpoint, which Hone keeps meanwhile. Needs scikit-learn.

    npm run local                               # in another terminal
    .venv/bin/pip install ./clients/python
    .venv/bin/python examples/checkpoints.py
"""

import pickle
import tempfile
from pathlib import Path

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

import hone

EPOCHS = 27

images, labels = load_digits(return_X_y=True)
train_x, test_x, train_y, test_y = train_test_split(images / 16, labels, test_size=0.5, random_state=0)


def start(params):
    """An untrained network, and the number of its epochs."""
    network = MLPClassifier(params["units"], learning_rate_init=params["lr"], alpha=params["alpha"], random_state=0)
    return network, 0


def train(trial):
    """Trains up to the epoch that Hone asks for, and reports each epoch with its checkpoint."""
    network, epoch = pickle.loads(Path(trial.checkpoint).read_bytes()) if trial.checkpoint else start(trial.params)
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder, "network.pickle")
        while epoch < (trial.resource or EPOCHS):
            network.partial_fit(train_x, train_y, classes=range(10))
            epoch += 1
            saved.write_bytes(pickle.dumps((network, epoch)))
            trial.report(epoch, accuracy=network.score(test_x, test_y), checkpoint=saved)


study = hone.create_study(
    "digits-network",
    {
        "units": hone.int(8, 128, scale="log"),
        "lr": hone.float(1e-4, 1e-1, scale="log"),
        "alpha": hone.float(1e-6, 1e-1, scale="log"),
    },
    maximize="accuracy",
    scheduler={"name": "asha", "type": "promotion", "resource": {"name": "epoch", "min": 1, "max": EPOCHS}},
    trials=20,
)
study.optimize(train)
print(study.best)
