"""A trial: 20 hyperparameters of a small network on handwritten digits, tuned by hypergradients through its training.

A decay and a learning rate for each weight and bias, a smoothing of labels, a scale of the pixels' contrast, and so
on: each round trains the network anew for 40 steps, back-propagates through the last 20, and moves all of them. Each
round is saved.
"""

import tempfile
from pathlib import Path

import hone
import torch
from hone_gradients import Reverse, hypergradient
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

ROUNDS, STEPS, LAYERS = 12, 40, 4
images, labels = load_digits(return_X_y=True)
order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
x, y = torch.tensor(images / 16).float()[order], torch.tensor(labels)[order]
TRAIN, VAL = slice(0, 200), slice(200, 800)


class Descent:
    """Gradient descent with a learning rate and a momentum for each tensor of weights: a step of one's own."""

    def start(self, weights):
        return tuple(torch.zeros_like(w) for w in weights)

    def __call__(self, t, weights, state, gradient, hyper):
        parts = zip(hyper["momentum"].sigmoid(), state, gradient, strict=True)
        velocity = tuple(momentum * v + g for momentum, v, g in parts)
        moved = zip(weights, hyper["rate"].exp(), velocity, strict=True)
        return tuple(w - rate * v for w, rate, v in moved), velocity


def network():
    """The same untrained weights in each round."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 10))


def beginning(params):
    """20 numbers without bounds: 4 each of decays, rates and momenta, and 8 weights of rows of pixels."""
    return {
        "decay": torch.full((LAYERS,), params["start"]).log(),
        "rate": torch.full((LAYERS,), params["rate"]).log(),
        "momentum": torch.full((LAYERS,), 1.0),
        "rows": torch.zeros(8),
    }


def seen(pixels, hyper):
    """Images whose rows are weighted."""
    return pixels * hyper["rows"].exp().repeat_interleave(8)


def train_loss(net, hyper, batch):
    penalty = sum(d.exp() * (p**2).sum() for d, p in zip(hyper["decay"], net.parameters.values(), strict=True))
    return F.cross_entropy(net(seen(x[TRAIN][batch], hyper)), y[TRAIN][batch]) + penalty


def val_loss(net, hyper):
    return F.cross_entropy(net(seen(x[VAL], hyper)), y[VAL])


def run(trial):
    """Rounds of training and of moving the hyperparameters."""
    hyper = {name: value.requires_grad_() for name, value in beginning(trial.params).items()}
    optimizer, done = torch.optim.Adam(hyper.values(), lr=0.1), 0
    if trial.checkpoint:
        state = torch.load(trial.checkpoint)
        for name, value in state["hyper"].items():
            hyper[name].data = value
        optimizer.load_state_dict(state["optimizer"])
        done = state["done"]
    for number in range(done + 1, ROUNDS + 1):
        found = hypergradient(
            train_loss,
            val_loss,
            network(),
            hyper,
            method=Reverse(last=STEPS // 2),
            step=Descent(),
            steps=STEPS,
            batches=lambda t: torch.arange(50 * t, 50 * t + 50) % 200,
        )
        for name, value in found.gradients.items():
            hyper[name].grad = value
        nn.utils.clip_grad_norm_(hyper.values(), 1.0)
        optimizer.step()
        state = {
            "hyper": {name: value.detach() for name, value in hyper.items()},
            "optimizer": optimizer.state_dict(),
            "done": number,
        }
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "state.pt")
            torch.save(state, path)
            trial.report(number, loss=float(found.value), checkpoint=path)


if __name__ == "__main__":
    with hone.trial() as trial:
        run(trial)
