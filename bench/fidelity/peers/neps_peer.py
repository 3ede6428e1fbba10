"""Neural pipeline search by its ask and tell: `neps_peer.py priorband | hyperband | async-hyperband | asha`.

A configuration that is promoted resumes from its checkpoint. PriorBand needs priors, and gets the middle of every range with low
confidence, because nobody gets more. The space is flat.
"""

import logging
import random
import sys

import numpy
import torch
from peer import ETA, active, serve

import neps
from neps import HPOCategorical, HPOFloat, HPOInteger, SearchSpace

logging.disable(logging.CRITICAL)
torch.set_num_threads(1)
FIDELITY = "step"


def parameter(spec, prior):
    if spec["type"] == "categorical":
        choices = [str(i) for i in range(len(spec["choices"]))]
        return HPOCategorical(choices, prior=choices[len(choices) // 2] if prior else None)
    kind = HPOInteger if spec["type"] == "int" else HPOFloat
    log = spec.get("scale") == "log"
    made = kind(spec["low"], spec["high"], log=log)
    return kind(spec["low"], spec["high"], log=log, prior=made.center) if prior else made


class Study:
    def __init__(self, setting):
        random.seed(setting["seed"])
        numpy.random.seed(setting["seed"])
        torch.manual_seed(setting["seed"])
        self.space = setting["space"]
        method = sys.argv[1]
        elements = {name: parameter(spec, method == "priorband") for name, spec in self.space.items()}
        space = SearchSpace({**elements, FIDELITY: HPOInteger(1, setting["steps"], is_fidelity=True)})
        algorithm = {
            "priorband": neps.algorithms.priorband,
            "hyperband": neps.algorithms.hyperband,
            "async-hyperband": neps.algorithms.async_hb,
            "asha": neps.algorithms.asha,
        }[method]
        self.optimizer = neps.AskAndTell(algorithm(space, eta=ETA))
        self.open = {}
        self.done = {}

    def ask(self, worker):
        trial = self.optimizer.ask()
        number, _ = trial.id.split("_rung_")
        params = {
            name: spec["choices"][int(trial.config[name])] if spec["type"] == "categorical" else trial.config[name]
            for name, spec in self.space.items()
        }
        to = int(trial.config[FIDELITY])
        # Asynchronous Hyperband runs one configuration at two fidelities at once.
        self.open[number, to] = trial
        return {"trial": number, "params": active(self.space, params), "from": self.done.get(number, 0), "to": to}

    def report(self, number, step, loss):
        self.done[number] = step
        self.optimizer.tell(self.open.pop((number, step)), loss)
        return None


serve(Study)
