"""Optuna: `optuna_peer.py tpe | tpe-multivariate | gp | gp-flat | cma-es | nsga2 | random`.

Its process models only the parameters that every trial has, and draws the conditional ones: `gp-flat` suggests all of
them instead, of which the inactive ones are left out when the trial is run.
"""

import sys

from peer import serve

import optuna
from space import is_active

optuna.logging.set_verbosity(optuna.logging.ERROR)


class Study:
    def __init__(self, request):
        seed = request["seed"]
        constrained = {"constraints_func": lambda trial: trial.user_attrs["excess"]} if request["outcomes"] else {}
        samplers = optuna.samplers
        kind = sys.argv[1]
        sampler = {
            "random": lambda: samplers.RandomSampler(seed=seed),
            "tpe": lambda: samplers.TPESampler(seed=seed, **constrained),
            "tpe-multivariate": lambda: samplers.TPESampler(
                seed=seed, multivariate=True, group=True, constant_liar=True, **constrained
            ),
            "gp": lambda: samplers.GPSampler(seed=seed, **constrained),
            "gp-flat": lambda: samplers.GPSampler(seed=seed, **constrained),
            "cma-es": lambda: samplers.CmaEsSampler(seed=seed),
            "nsga2": lambda: samplers.NSGAIISampler(seed=seed, **constrained),
        }[kind]()
        self.space = request["space"]
        self.study = optuna.create_study(sampler=sampler, directions=["minimize"] * request["objectives"])

    def ask(self):
        trial = self.study.ask()
        params = {}
        for name, spec in self.space.items():
            if sys.argv[1] != "gp-flat" and not is_active(spec, params):
                continue
            log = spec.get("scale") == "log"
            if spec["type"] in ("categorical", "ordinal"):
                params[name] = trial.suggest_categorical(name, spec["choices"])
            elif spec["type"] == "int":
                params[name] = trial.suggest_int(name, spec["low"], spec["high"], log=log, step=spec.get("step", 1))
            else:
                params[name] = trial.suggest_float(name, spec["low"], spec["high"], log=log, step=spec.get("step"))
        return trial, params

    def tell(self, trial, values, excess):
        if excess:
            trial.set_user_attr("excess", excess)
        self.study.tell(trial, values)


serve(Study)
