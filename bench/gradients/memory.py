"""Peak bytes and seconds of each method by the number of steps; forward mode by the number of hyperparameters; as many
hyperparameters as weights; a million of them."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

import torch
from digits import Digits
from hone_gradients import (
    SGD,
    ConjugateGradient,
    Forward,
    Identity,
    Neumann,
    PeakBytes,
    Reverse,
    Reversible,
    hypergradient,
)
from torch import nn
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile

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


def allocated(run) -> float:
    """The most MiB that PyTorch's allocator had given out at once, beyond what it had before.

    Unlike `PeakBytes` it sees into function transforms, of which forward mode is made, but only on the CPU.
    """
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as trace:
        run()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "trace.json")
        trace.export_chrome_trace(str(path))
        events = [e for e in json.loads(path.read_text())["traceEvents"] if e.get("name") == "[memory]"]
    now = peak = 0
    for event in sorted(events, key=lambda e: e["ts"]):
        now += event["args"]["Bytes"]
        peak = max(peak, now)
    return round(peak / 2**20, 2)


def forward() -> None:
    """Forward mode by steps and by hyperparameters, beside reverse mode, which both ways of measuring can see."""
    data, net = Digits(0), network(64)

    def line(name: str, method, steps: int, count: int) -> None:
        # Weight j, of all in a row, has decay j modulo `count`.
        owner = [torch.arange(p.numel()).reshape(p.shape) % count for p in net.parameters()]

        def train(bound, hyper):
            penalty = sum(
                (hyper.exp()[own] * p**2).sum() for own, p in zip(owner, bound.parameters.values(), strict=True)
            )
            return F.cross_entropy(bound(data.train[0]), data.train[1]) + penalty

        def val(bound, hyper):
            return F.cross_entropy(bound(data.val[0]), data.val[1])

        def run() -> None:
            hyper = torch.full((count,), -9.0)
            hypergradient(train, val, net, hyper, method=method, step=SGD(0.1, 0.9), steps=steps)

        start = time.process_time()
        run()
        seconds = round(time.process_time() - start, 2)
        line = {"table": "forward", "way": name, "steps": steps, "hyperparameters": count, "mib": allocated(run)}
        if isinstance(method, Reverse):
            with PeakBytes() as memory:
                run()
            line["mib by PeakBytes"] = round(memory.peak / 2**20, 2)
        print(json.dumps({**line, "seconds": seconds}), flush=True)

    for steps in (10, 40, 160):
        line("reverse mode", Reverse(), steps, 6)
        line("forward mode", Forward(), steps, 6)
    for count in (1, 12, 24):
        line("forward mode", Forward(), 10, count)
    line("forward mode, one at a time", Forward(chunk=1), 10, 6)


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
    forward()
    a_million()
    overfitted()
