"""Syne Tune's asynchronous successive halving, which stops and never resumes: `syne_peer.py asha | hyperband | bohb | bore | cqr`.

Its schedulers are asked and told directly, as its tuner does, so that the same simulator drives everybody and any configuration has a
curve; `hyperband` is ASHA with all brackets. A trial reports at every rung, where alone the scheduler decides. The space is flat: all
parameters, of which the inactive ones are left out when a trial is run.
"""

import logging
import sys
from datetime import datetime

import numpy
from peer import ETA, active, rungs, serve

from syne_tune.backend.trial_status import Trial
from syne_tune.config_space import choice, lograndint, loguniform, randint, uniform
from syne_tune.optimizer.baselines import ASHA, ASHABORE, ASHACQR, BOHB
from syne_tune.optimizer.scheduler import SchedulerDecision

logging.disable(logging.CRITICAL)


def domain(spec):
    if spec["type"] == "categorical":
        return choice([str(i) for i in range(len(spec["choices"]))])
    log = spec.get("scale") == "log"
    kind = (lograndint if log else randint) if spec["type"] == "int" else (loguniform if log else uniform)
    return kind(spec["low"], spec["high"])


class Study:
    def __init__(self, setting):
        self.space, self.steps, self.ladder = setting["space"], setting["steps"], rungs(setting["steps"])
        numpy.random.seed(setting["seed"])  # it chooses brackets by NumPy's own generator
        kind = {"asha": ASHA, "hyperband": ASHA, "bohb": BOHB, "bore": ASHABORE, "cqr": ASHACQR}[sys.argv[1]]
        self.scheduler = kind(
            {name: domain(spec) for name, spec in self.space.items()},
            metric="loss",
            time_attr="step",
            max_t=self.steps,
            reduction_factor=ETA,
            random_seed=setting["seed"],
            brackets=len(self.ladder) - 1 if sys.argv[1] == "hyperband" else 1,
        )
        self.trials = []

    def ask(self, worker):
        suggestion = self.scheduler.suggest()
        if suggestion is None:
            return None
        trial = Trial(len(self.trials), suggestion.config, datetime.now())
        self.trials.append(trial)
        self.scheduler.on_trial_add(trial)
        params = {
            name: spec["choices"][int(trial.config[name])] if spec["type"] == "categorical" else trial.config[name]
            for name, spec in self.space.items()
        }
        return {"trial": trial.trial_id, "params": active(self.space, params), "from": 0, "to": self.ladder[0]}

    def report(self, number, step, loss):
        trial, result = self.trials[number], {"loss": loss, "step": step}
        decision = self.scheduler.on_trial_result(trial, result)
        if step == self.steps:
            self.scheduler.on_trial_complete(trial, result)
            return None
        if decision == SchedulerDecision.CONTINUE:
            return self.ladder[self.ladder.index(step) + 1]
        self.scheduler.on_trial_remove(trial)
        return None


serve(Study)
