"""DEHB, asked and told directly. Every job is a new configuration, trained from scratch; the space is flat.

It is told to have one worker, because it would start a process for each; its `ask` hands out as many jobs as it is asked for.
"""

import logging
import random
import tempfile

import numpy
from peer import ETA, active, serve

from ConfigSpace import Categorical, ConfigurationSpace, Float, Integer
from dehb import DEHB

logging.disable(logging.CRITICAL)


class Study:
    def __init__(self, setting):
        random.seed(setting["seed"])
        numpy.random.seed(setting["seed"])
        self.space = setting["space"]
        space = ConfigurationSpace(seed=setting["seed"])
        for name, spec in self.space.items():
            log = spec.get("scale") == "log"
            if spec["type"] == "categorical":
                space.add(Categorical(name, [str(i) for i in range(len(spec["choices"]))]))
            elif spec["type"] == "int":
                space.add(Integer(name, (spec["low"], spec["high"]), log=log))
            else:
                space.add(Float(name, (spec["low"], spec["high"]), log=log))
        self.optimizer = DEHB(
            f=lambda config, fidelity: None,
            cs=space,
            min_fidelity=1,
            max_fidelity=setting["steps"],
            eta=ETA,
            n_workers=1,
            seed=setting["seed"],
            output_path=tempfile.mkdtemp(),
            save_freq="end",
        )
        self.jobs = {}

    def ask(self, worker):
        job = self.optimizer.ask()
        number = len(self.jobs)
        self.jobs[number] = job
        values = dict(job["config"])
        params = {}
        for name, spec in self.space.items():
            if spec["type"] == "categorical":
                params[name] = spec["choices"][int(values[name])]
            else:
                params[name] = int(values[name]) if spec["type"] == "int" else float(values[name])
        return {"trial": number, "params": active(self.space, params), "from": 0, "to": max(1, round(job["fidelity"]))}

    def report(self, number, step, loss):
        self.optimizer.tell(self.jobs[number], {"fitness": loss, "cost": float(step)})
        self.jobs[number] = None
        return None


serve(Study)
