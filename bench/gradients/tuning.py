"""STN and Delta-STN beside fixed settings, random search and successive halving, at equal seconds of CPU.

    python tuning.py SEED

Prints a line of JSON for each way: the least validation loss after any epoch, the test loss there, the seconds of CPU.
"""

from __future__ import annotations

import json
import sys
import time
from operator import itemgetter

import torch
from digits import KNOBS, Batch, Digits, Network, Plain, knobs, losses
from hone_gradients.self_tuning import Schedule, SelfTuner, Tuning

EPOCHS, WARM_UP = 30, 3
RUNGS = (3, 10, 30)
torch.set_num_threads(1)


class Best:
    """The least validation loss so far, and the test loss there."""

    def __init__(self) -> None:
        self.val, self.test = float("inf"), float("inf")

    def note(self, val: float, test: float) -> None:
        if val < self.val:
            self.val, self.test = val, test


def mean_loss(network, part: Batch) -> float:
    with torch.no_grad():
        return float(losses(network(part, Tuning(torch.zeros(len(part[1]), len(KNOBS)), None)), part).mean())


class Ordinary:
    """A training of the same network, at hyperparameters that are given for each epoch."""

    def __init__(self, data: Digits) -> None:
        self.data, self.network = data, Network(Plain)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=0.005)

    def epoch(self, values: dict[str, float], best: Best) -> float:
        for batch in self.data.batches(self.data.train):
            each = {name: torch.full((len(batch[1]),), value) for name, value in values.items()}
            norm = sum((layer.weight**2).sum() for layer in self.network.layers)
            loss = losses(self.network(batch, Tuning(torch.zeros(0), each)), batch).mean() + values["decay"] * norm
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
        val = mean_loss(self.network, self.data.val)
        best.note(val, mean_loss(self.network, self.data.test))
        return val


def self_tuned(data: Digits, delta: bool, rate: float = 0.15, pace: float = 0.005) -> tuple[Best, Schedule, list[float]]:
    tuned, network = knobs(), Network()
    tuner = SelfTuner(
        network,
        tuned,
        losses,
        size=lambda batch: len(batch[1]),
        optimizer=torch.optim.Adam(network.parameters(), lr=pace),
        hyper_optimizer=torch.optim.Adam(tuned.parameters(), lr=rate),
        decay="decay",
        delta=delta,
    )
    best, schedule, curve = Best(), Schedule(), []
    for epoch in range(EPOCHS):
        tuner.epoch(data.batches(data.train), data.batches(data.val, 50), tunes=epoch >= WARM_UP)
        schedule.add(tuned.now())
        curve.append(tuner.validate([data.val]))
        best.note(curve[-1], tuner.validate([data.test]))
    return best, schedule, curve


def drawn() -> dict[str, float]:
    """Hyperparameters at random, each evenly on its scale."""
    return {knob.name: float(knob.value(torch.logit(torch.rand(()), 1e-6))) for knob in KNOBS}


def searched(data: Digits, seconds: float, halving: bool) -> tuple[Best, dict[str, float]]:
    """Random configurations to the end, or in rounds of nine of which a third goes on, until the time is over."""
    best, winner, start = Best(), {}, time.process_time()
    while time.process_time() - start < seconds:
        runs = [(Ordinary(data), drawn()) for _ in range(9 if halving else 1)]
        done = 0
        for rung in RUNGS if halving else (EPOCHS,):
            scored = []
            for run, values in runs:
                before, score = best.val, float("inf")
                for _ in range(done, rung):
                    if time.process_time() - start >= seconds:
                        break
                    score = min(score, run.epoch(values, best))
                if best.val < before:
                    winner = values
                scored.append((score, run, values))
            scored.sort(key=lambda it: it[0])
            runs, done = [(run, values) for _, run, values in scored[: max(1, len(scored) // 3)]], rung
    return best, winner


def kept(data: Digits, values, epochs: int) -> Best:
    best, run = Best(), Ordinary(data)
    for epoch in range(epochs):
        run.epoch(values(epoch), best)
    return best


def main(seed: int) -> None:
    data = Digits(seed)

    def timed(name: str, work, part=lambda it: it):
        torch.manual_seed(seed)
        start = time.process_time()
        done = work()
        seconds, best = time.process_time() - start, part(done)
        more = (
            {"curve": [round(v, 4) for v in done[2]], "schedule": done[1].epochs}
            if name.startswith(("stn", "delta"))
            else {}
        )
        line = {"seed": seed, "way": name, "val": best.val, "test": best.test, "seconds": round(seconds, 2), **more}
        print(json.dumps(line), flush=True)
        return done, seconds

    start = {knob.name: knob.start for knob in KNOBS}
    kept(data, lambda _: start, 1)  # what PyTorch does on first use is nobody's time
    first = itemgetter(0)
    (_, schedule, _), seconds = timed("stn", lambda: self_tuned(data, delta=False), first)
    timed("delta-stn", lambda: self_tuned(data, delta=True), first)
    for delta, name in ((False, "stn"), (True, "delta-stn")):
        timed(f"{name}, slow knobs", lambda delta=delta: self_tuned(data, delta, 0.03), first)
        timed(f"{name}, slow knobs, fast weights", lambda delta=delta: self_tuned(data, delta, 0.03, 0.01), first)
    timed("fixed", lambda: kept(data, lambda _: start, EPOCHS))
    (random_best, winner), _ = timed("random", lambda: searched(data, seconds, halving=False), first)
    (halving_best, other), _ = timed("halving", lambda: searched(data, seconds, halving=True), first)
    timed("replayed schedule", lambda: kept(data, schedule.at, EPOCHS))
    timed("final value, kept", lambda: kept(data, lambda _: schedule.epochs[-1], EPOCHS))
    found = winner if random_best.val < halving_best.val else other
    timed("best fixed value", lambda: kept(data, lambda _: found, EPOCHS))


if __name__ == "__main__":
    main(int(sys.argv[1]))
