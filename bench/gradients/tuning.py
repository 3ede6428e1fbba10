"""STN and Delta-STN beside fixed settings, random search and the schedules they found.

    python tuning.py rates PROBLEM               the learning rates of each way, chosen on seeds of its own
    python tuning.py compare PROBLEM SEED RATES  a line of JSON for each way, at these rates
    python tuning.py replay PROBLEM SEED RATES   the same of the best fixed value and of the schedules that were found
    python tuning.py serve PROBLEM SEED RATES    trainings that `asha.ts` asks for, at the same rates

Searches have the seconds of CPU that STN trained for, draw evenly on the scales and within the bounds of STN's knobs,
and try STN's start first.
"""

from __future__ import annotations

import itertools
import json
import sys
from statistics import mean
from typing import Any

import torch
from digits import PROBLEMS, Digits
from training import Plain, Training, Tuned

Rates = dict[str, dict[str, float]]
SELF_TUNED = {"stn": False, "delta-stn": True}
"""Whether a way is Delta-STN."""
WEIGHTS, KNOBS = (0.001, 0.003, 0.01, 0.03), (0.01, 0.03, 0.1)
OTHER_SEEDS = (100, 101)
BEST_OF, AGAIN = 20, 3
"""Configurations among which the best fixed value is, beside the start, and how often some are trained once more."""


def started(problem: str) -> dict[str, float]:
    """The hyperparameters that all begin with."""
    return {knob.name: knob.start for knob in PROBLEMS[problem].knobs}


def drawn(problem: str) -> dict[str, float]:
    """Hyperparameters at random, each evenly on its scale."""
    return {knob.name: float(knob.value(torch.logit(torch.rand(()), 1e-6))) for knob in PROBLEMS[problem].knobs}


def trained(seed: int, make, *args: Any, **more: Any) -> Training:
    """A whole training, whose chance is the seed's."""
    torch.manual_seed(seed)
    training: Training = make(*args, **more)
    training.whole()
    return training


def chosen(problem: str) -> Rates:
    """Of each way the rates with the least mean of the least validation losses."""

    def least(make, options: list[dict[str, Any]]) -> dict[str, float]:
        means = [mean(trained(s, make, problem, Digits(s), **each).val for s in OTHER_SEEDS) for each in options]
        return options[means.index(min(means))]

    both = [{"rate": rate, "pace": pace} for rate, pace in itertools.product(WEIGHTS, KNOBS)]
    start = started(problem)
    found = {
        way: least(lambda *args, d=delta, **rates: Tuned(*args, d, **rates), both) for way, delta in SELF_TUNED.items()
    }
    plain = least(lambda *args, rate: Plain(*args, lambda _: start, rate), [{"rate": rate} for rate in WEIGHTS])
    return {**found, "plain": plain}


def searched(problem: str, data: Digits, rate: float, seconds: float) -> tuple[float, float, float]:
    """Random configurations, each to its end, until the time is over. @returns the losses of the best, and all seconds."""
    spent, best = 0.0, None
    for values in itertools.chain([started(problem)], iter(lambda: drawn(problem), None)):
        run = Plain(problem, data, lambda _, values=values: values, rate)
        while len(run.curve) < run.problem.epochs and spent + run.seconds < seconds:
            run.epoch()
        spent += run.seconds
        if best is None or run.val < best.val:
            best = run
        if spent >= seconds:
            return best.val, best.test, spent
    raise AssertionError


def ready(problem: str, seed: int, rates: Rates) -> Digits:
    """Its images. What PyTorch does on first use is nobody's time, so it is done here."""
    data = Digits(seed)
    Plain(problem, data, lambda _: started(problem), rates["plain"]["rate"]).epoch()
    return data


def told(problem: str, seed: int, way: str, val: float, test: float, seconds: float, **more: Any) -> None:
    """Prints a way."""
    line = {"table": problem, "seed": seed, "way": way, "val": val, "test": test, "seconds": seconds, **more}
    print(json.dumps(line), flush=True)


def compare(problem: str, seed: int, rates: Rates) -> None:
    """Prints what tunes itself, with its knobs kept too, the start, and random search."""
    data, rate, start = ready(problem, seed, rates), rates["plain"]["rate"], started(problem)
    limit = 0.0
    for way, delta in SELF_TUNED.items():
        run = trained(seed, Tuned, problem, data, delta, **rates[way])
        told(problem, seed, way, *run.result, curve=run.curve, clock=run.clock, schedule=run.schedule.epochs)
        limit = limit or run.seconds
        kept = trained(seed, Tuned, problem, data, delta, **rates[way], tunes=False)
        told(problem, seed, f"{way}, knobs kept", *kept.result)
    told(problem, seed, "the start", *trained(seed, Plain, problem, data, lambda _: start, rate).result)
    torch.manual_seed(seed)
    told(problem, seed, "random", *searched(problem, data, rate, limit))


def replay(problem: str, seed: int, rates: Rates) -> None:
    """Prints the best fixed value of many, and how it, the start and the schedules that were found train again, with
    other chance, for the best was chosen by what it came to."""
    data, rate, start = ready(problem, seed, rates), rates["plain"]["rate"], started(problem)
    torch.manual_seed(seed)
    ways = [start, *(drawn(problem) for _ in range(BEST_OF))]
    fixed = [trained(seed, Plain, problem, data, lambda _, values=values: values, rate) for values in ways]
    best = min(fixed, key=lambda run: run.val)
    told(problem, seed, "the best fixed", best.val, best.test, sum(run.seconds for run in fixed))
    found = {way: trained(seed, Tuned, problem, data, delta, **rates[way]) for way, delta in SELF_TUNED.items()}
    for way, values in {
        "the start": lambda _: start,
        "the best fixed": best.values,
        **{f"the schedule of {way}": run.schedule.at for way, run in found.items()},
        "the end of the schedule of stn": lambda _: found["stn"].schedule.epochs[-1],
    }.items():
        again = [trained(1000 * k + seed, Plain, problem, data, values, rate) for k in range(1, AGAIN + 1)]
        val, test, seconds = (mean(getattr(run, name) for run in again) for name in ("val", "test", "seconds"))
        told(problem, seed, f"again: {way}", val, test, seconds)


def serve(problem: str, seed: int, rates: Rates) -> None:
    """Says to a first line what the problem is, and answers lines `{"trial", "params", "epochs", "seconds"}` with what the training has
    come to when so many epochs are done, of which it may take so many seconds of CPU more."""
    data, runs, rate = ready(problem, seed, rates), {}, rates["plain"]["rate"]
    torch.manual_seed(seed)
    space = {k.name: {"type": "float", "low": k.low, "high": k.high, "scale": k.scale} for k in PROBLEMS[problem].knobs}
    sys.stdin.readline()
    print(json.dumps({"space": space, "start": started(problem), "epochs": PROBLEMS[problem].epochs}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        number, params = asked["trial"], asked["params"]
        if number not in runs:
            runs[number] = Plain(problem, data, lambda _, params=params: params, rate)
        run = runs[number]
        before = run.seconds
        while len(run.curve) < asked["epochs"] and run.seconds - before < asked["seconds"]:
            run.epoch()
        told = {"val": run.val, "test": run.test, "seconds": run.seconds - before, "epochs": len(run.curve)}
        print(json.dumps(told), flush=True)


def main() -> None:
    what, problem = sys.argv[1:3]
    if what == "rates":
        print(json.dumps(chosen(problem)))
    else:
        ways = {"compare": compare, "replay": replay, "serve": serve}
        ways[what](problem, int(sys.argv[3]), json.loads(sys.argv[4]))


if __name__ == "__main__":
    main()
