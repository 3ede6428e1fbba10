"""A trial: a penalty for each feature of ridge or logistic regression, tuned by hypergradients from a start of its own.

The model is trained, the validation loss is differentiated by all penalties at once, and Adam moves them. Each round is
saved, so an attempt goes on where the one before was lost. Needs hone_gradients and scikit-learn.
"""

import tempfile
from pathlib import Path

import hone
import torch
from hone_gradients import SGD, ConjugateGradient, hypergradient
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.preprocessing import scale
from torch.nn import functional as F

ROUNDS, LOW, HIGH = 15, -8.0, 3.0
LOADERS = {"ridge": load_diabetes, "logistic": load_breast_cancer}
LOSSES = {"ridge": F.mse_loss, "logistic": F.binary_cross_entropy_with_logits}


def data(model):
    """Features and targets to train with and to validate with, a third of them at most to train."""
    x, y = LOADERS[model](return_X_y=True)
    x, y = torch.tensor(scale(x)), torch.tensor(scale(y) if model == "ridge" else y, dtype=torch.float64)
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(0))
    fit, held = order[: len(y) // 3], order[len(y) // 3 :]
    return (x[fit], y[fit]), (x[held], y[held])


def run(trial):
    """Rounds of training and of moving the penalties."""
    loss = LOSSES[trial.params["model"]]
    train, val = data(trial.params["model"])
    penalties = torch.full((train[0].shape[1],), trial.params["start"], dtype=torch.float64, requires_grad=True)
    weights, optimizer, done = torch.zeros_like(penalties), torch.optim.Adam([penalties], lr=0.3), 0
    if trial.checkpoint:
        state = torch.load(trial.checkpoint)
        penalties.data, weights, done = state["penalties"], state["weights"], state["done"]
        optimizer.load_state_dict(state["optimizer"])
    for number in range(done + 1, ROUNDS + 1):
        found = hypergradient(
            lambda w, h: loss(train[0] @ w, train[1]) + (h.exp() * w * w).sum(),
            lambda w, h: loss(val[0] @ w, val[1]),
            weights,
            penalties,
            method=ConjugateGradient(iterations=50, tolerance=1e-8),
            step=SGD(0.02, momentum=0.9),
            steps=100,
        )
        weights, penalties.grad = found.weights, found.gradients
        optimizer.step()
        penalties.data.clamp_(LOW, HIGH)
        state = {
            "penalties": penalties.detach(),
            "weights": weights,
            "done": number,
            "optimizer": optimizer.state_dict(),
        }
        save(trial, number, state, loss=float(found.value))


def save(trial, number, state, **values):
    """Reports a round, with all that is needed to go on from it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "state.pt")
        torch.save(state, path)
        trial.report(number, values, checkpoint=path)


if __name__ == "__main__":
    with hone.trial() as trial:
        run(trial)
