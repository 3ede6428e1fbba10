"""Peak bytes and seconds of each method by the number of steps; as many hyperparameters as weights; a million of
them."""

from __future__ import annotations

import json
import time

import torch
from digits import Digits
from hone_gradients import (
    SGD,
    ConjugateGradient,
    Identity,
    Neumann,
    PeakBytes,
    Reverse,
    Reversible,
    hypergradient,
)
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)


def network(units: int) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, units), nn.Tanh(), nn.Linear(units, units), nn.Tanh(), nn.Linear(units, 10))


def losses(data: Digits):
    """Cross entropy, with a decay for each weight or for each tensor of weights."""

    def train(net, hyper):
        penalty = sum((h.exp() * p**2).sum() for h, p in zip(hyper, net.parameters.values(), strict=True))
        return F.cross_entropy(net(data.train[0]), data.train[1]) + penalty

    def val(net, hyper):
        return F.cross_entropy(net(data.val[0]), data.val[1])

    return train, val


def decays(net: nn.Module, each: bool, start: float = -9.0):
    return [torch.full(p.shape if each else (), start) for p in net.parameters()]


def measured(table: str, name: str, steps: int, run, **more) -> None:
    start = time.process_time()
    with PeakBytes() as memory:
        run()
    seconds = round(time.process_time() - start, 2)
    mib = round(memory.peak / 2**20, 2)
    print(json.dumps({"table": table, "way": name, "steps": steps, "mib": mib, "seconds": seconds, **more}), flush=True)


def by_steps() -> None:
    data, net = Digits(0), network(64)
    train, val = losses(data)
    methods = {
        "reverse": Reverse(),
        "reverse, last 10": Reverse(last=10),
        "reversible": Reversible(),
        "implicit, conjugate gradient": ConjugateGradient(10),
        "implicit, 20 terms": Neumann(0.1, 20),
        "implicit, identity": Identity(),
    }
    for name, method in methods.items():
        for steps in (10, 40, 160):
            measured(
                "memory",
                name,
                steps,
                lambda method=method, steps=steps: hypergradient(
                    train, val, net, decays(net, False), method=method, step=SGD(0.1, 0.9), steps=steps
                ),
            )


def a_million() -> None:
    data, net = Digits(0), network(970)
    train, val = losses(data)
    count = sum(p.numel() for p in net.parameters())
    for steps in (5, 20):
        measured(
            "million",
            "implicit, 5 terms",
            steps,
            lambda steps=steps: hypergradient(
                train, val, net, decays(net, True), method=Neumann(0.05, 5), step=SGD(0.05, 0.9), steps=steps
            ),
            hyperparameters=count,
        )


def overfitted() -> None:
    """A decay for each weight of a small network, tuned until it knows 50 validation images."""
    data = Digits(0)
    data.val = (data.val[0][:50], data.val[1][:50])
    train, val = losses(data)
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 10))
    hyper = [h.requires_grad_() for h in decays(net, True, -7.0)]
    optimizer, first = torch.optim.RMSprop(hyper, lr=0.2), None
    for round_ in range(80):
        found = hypergradient(
            train, val, net, hyper, method=Neumann(0.1, 20), step=SGD(0.1, 0.9), steps=100 if round_ == 0 else 20
        )
        for name, p in net.named_parameters():
            p.data = found.weights[name]
        first = first if first is not None else float(found.value)
        for h, g in zip(hyper, found.gradients, strict=True):
            h.grad = g
        optimizer.step()
        for h in hyper:
            h.data.clamp_(-12.0, 0.5)  # beyond it a step of training is too long
    with torch.no_grad():
        test = float(F.cross_entropy(net(data.test[0]), data.test[1]))
    count = sum(h.numel() for h in hyper)
    line = {"hyperparameters": count, "first": first, "val": float(found.value), "test": test}
    print(json.dumps({"table": "overfit", **line}), flush=True)


if __name__ == "__main__":
    by_steps()
    a_million()
    overfitted()
