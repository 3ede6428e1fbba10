"""The collapse of DARTS to skip connections in a long search, with few examples and with many, and what the guard takes
instead.

    python collapse.py SEED

Prints a line of JSON for each number of examples: how many of the four edges skip, and the test loss of what is derived
and retrained, without the guard, with it, and of the planted architecture, in which no edge skips.
"""

from __future__ import annotations

import json
import sys

import torch
from hone_gradients.darts import Choice, CollapseGuard, Search, choices, curvature, derive, fixed
from torch import Tensor, nn
from torch.nn import functional as F

EDGES, UNITS, NOISE = 4, 32, 2.0
EPOCHS, STEPS = 200, 10
torch.set_num_threads(1)

Batch = tuple[Tensor, Tensor]


class Layer(nn.Module):
    """A function of one number, by sines: it has enough weights to learn the noise of few examples by heart."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(1, UNITS), nn.Linear(UNITS, 1)
        nn.init.normal_(self.first.weight, std=2.0)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.first(x[:, None]).sin())[:, 0]


class Super(nn.Module):
    """A sum of edges, one for each input, each of which skips or has a layer."""

    def __init__(self) -> None:
        super().__init__()
        self.edges = nn.ModuleList(Choice({"skip": nn.Identity(), "layer": Layer()}) for _ in range(EDGES))

    def forward(self, x: Tensor) -> Tensor:
        return sum(edge(x[:, i]) for i, edge in enumerate(self.edges))


def data(seed: int, examples: int) -> tuple[Batch, Batch, Batch]:
    """A sum of cosines, which no skip connection helps with: to train, to validate, and to test without noise."""
    chance = torch.Generator().manual_seed(seed)
    x = torch.randn(2 * examples + 1000, EDGES, generator=chance)
    clean = 1.5 * (1.5 * x).cos().sum(1)
    y = clean + NOISE * torch.randn(len(clean), generator=chance)
    train, val = slice(examples), slice(examples, 2 * examples)
    return (x[train], y[train]), (x[val], y[val]), (x[2 * examples :], clean[2 * examples :])


def loss(model: nn.Module, batch: Batch) -> Tensor:
    return F.mse_loss(model(batch[0]), batch[1])


def searched(seed: int, train: Batch, val: Batch, epochs: int = EPOCHS) -> tuple[dict, dict, int | None]:
    """The architecture at the end, the one that the guard takes, and the epoch after which it stops."""
    torch.manual_seed(seed)
    model, guard, guarded, stopped = Super(), CollapseGuard(), None, None
    alphas = [choice.alpha for choice in choices(model).values()]
    weights = [p for edge in model.edges for p in edge.options.parameters()]
    search = Search(
        model,
        loss,
        torch.optim.SGD(weights, lr=0.001, momentum=0.9),
        torch.optim.Adam(alphas, lr=0.03, betas=(0.5, 0.999)),
    )
    for epoch in range(1, epochs + 1):
        for _ in range(STEPS):
            search.step(train, val)
        if stopped is None and guard.stops(curvature(model, lambda it: loss(it, val)), derive(model)):
            guarded, stopped = guard.architecture, epoch
    return derive(model), guarded if guarded is not None else guard.architecture, stopped


def retrained(seed: int, architecture: dict, train: Batch, val: Batch, test: Batch) -> float:
    """The test loss of an architecture that is trained alone, where its validation loss is least."""
    torch.manual_seed(seed + 100)
    model, best, found = fixed(Super(), architecture), float("inf"), float("nan")
    parameters = list(model.parameters())
    optimizer = torch.optim.Adam(parameters, lr=0.01) if parameters else None
    for _ in range(300):
        with torch.no_grad():
            held = float(loss(model, val))
            if held < best:
                best, found = held, float(loss(model, test))
        if optimizer is None:
            return found
        optimizer.zero_grad()
        loss(model, train).backward()
        optimizer.step()
    return found


def main(seed: int) -> None:
    for examples in (40, 400):
        train, val, test = data(seed, examples)
        end, guarded, stopped = searched(seed, train, val)
        planted = dict.fromkeys(end, "layer")
        line = {"table": "collapse", "seed": seed, "examples": examples, "stopped": stopped}
        for name, architecture in {"unguarded": end, "guarded": guarded, "planted": planted}.items():
            if architecture is not planted:
                line[f"{name} skips"] = sum(option == "skip" for option in architecture.values())
            line[f"{name} loss"] = round(retrained(seed, architecture, train, val, test), 2)
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
