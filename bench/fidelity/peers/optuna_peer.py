"""Optuna's pruners: `optuna_peer.py hyperband | halving  tpe | random`.

A trial reports at 1, 3, 9, ... steps: there, and nowhere else, both pruners decide. A trial that is pruned never comes back. More than
one worker: `constant_liar`, as its documentation says for TPE.
"""

import sys

from peer import ETA, is_active, rungs, serve

import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)


class Study:
    def __init__(self, setting):
        pruners, samplers = optuna.pruners, optuna.samplers
        pruner = {
            "hyperband": lambda: pruners.HyperbandPruner(1, setting["steps"], ETA),
            "halving": lambda: pruners.SuccessiveHalvingPruner(1, ETA),
        }[sys.argv[1]]()
        sampler = {
            "tpe": lambda: samplers.TPESampler(seed=setting["seed"], constant_liar=setting["workers"] > 1),
            "random": lambda: samplers.RandomSampler(seed=setting["seed"]),
        }[sys.argv[2]]()
        self.space, self.ladder = setting["space"], rungs(setting["steps"])
        # A name of its own a seed, because Hyperband assigns trials to brackets by a hash of it.
        self.study = optuna.create_study(sampler=sampler, pruner=pruner, study_name=str(setting["seed"]))
        self.open = {}

    def ask(self, worker):
        trial = self.study.ask()
        params = {}
        for name, spec in self.space.items():
            if not is_active(spec, params):
                continue
            log = spec.get("scale") == "log"
            if spec["type"] == "categorical":
                params[name] = trial.suggest_categorical(name, spec["choices"])
            elif spec["type"] == "int":
                params[name] = trial.suggest_int(name, spec["low"], spec["high"], log=log)
            else:
                params[name] = trial.suggest_float(name, spec["low"], spec["high"], log=log)
        self.open[trial.number] = trial
        return {"trial": trial.number, "params": params, "from": 0, "to": self.ladder[0]}

    def report(self, number, step, loss):
        trial = self.open[number]
        trial.report(loss, step)
        if step < self.ladder[-1] and not trial.should_prune():
            return self.ladder[self.ladder.index(step) + 1]
        del self.open[number]
        if step == self.ladder[-1]:
            self.study.tell(trial, loss)
        else:
            self.study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        return None


serve(Study)
