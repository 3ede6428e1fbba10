"""Baselines: `plain_peer.py random | one-epoch SHARE`.

`random` runs every configuration to the end. `one-epoch` runs in rounds: many random configurations for one step each, and as soon as
these have ended the best few of them to the end. Both halves of a round cost the same, and there are as many rounds as
configurations that run to the end are `SHARE` of what the budget of the simulation could pay for: 1 is one round for the whole budget.
"""

import math
import random
import sys

from peer import draw, serve


class Random:
    def __init__(self, setting):
        self.space, self.steps = setting["space"], setting["steps"]
        self.random = random.Random(setting["seed"])
        self.count = 0

    def ask(self, worker):
        self.count += 1
        return {"trial": self.count, "params": draw(self.space, self.random), "from": 0, "to": self.steps}

    def report(self, trial, step, loss):
        return None


class OneEpoch(Random):
    def __init__(self, setting):
        super().__init__(setting)
        runs = setting["cap"] * setting["workers"]
        self.top = max(1, round(float(sys.argv[2]) * runs / 2))
        self.wide = self.top * max(2, setting["steps"] - 1)
        self.rounds = []
        self.of = {}

    def ask(self, worker):
        """The best of the first round that has ended come first; workers that would wait begin the next round."""
        for each in self.rounds:
            if each["waiting"]:
                trial, params = each["waiting"].pop()
                return {"trial": trial, "params": params, "from": 1, "to": self.steps}
        if not self.rounds or self.rounds[-1]["begun"] == self.wide:
            self.rounds.append({"begun": 0, "ended": [], "waiting": []})
        mine = self.rounds[-1]
        mine["begun"] += 1
        job = super().ask(worker)
        self.of[job["trial"]] = (mine, job["params"])
        return {**job, "to": 1}

    def report(self, trial, step, loss):
        if step > 1:
            return None
        mine, params = self.of[trial]
        mine["ended"].append((loss, trial, params))
        if len(mine["ended"]) == self.wide:
            best = sorted(mine["ended"], key=lambda each: each[:2])[: self.top]
            mine["waiting"] = [(name, chosen) for _, name, chosen in reversed(best)]
        return None


serve(Random if sys.argv[1] == "random" else OneEpoch)
