"""Optuna's TPESampler behind lines of JSON on stdin and stdout, so that the objective is computed in one place.

A line in, a line out:
{"do": "study", "space": ..., "sampler": "default" | "multivariate", "seed": 1}  -> {}
{"do": "ask"}                                     -> {"number": 0, "params": {...}, "seconds": 0.004}
{"do": "tell", "number": 0, "value": 0.3}         -> {}
{"do": "fill", "trials": [{"params", "value"}]}   -> {}   finished trials, as if they had been run
"""

import json
import sys
import time
import warnings

import optuna

warnings.filterwarnings("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)


def distribution(parameter):
    kind = parameter["type"]
    if kind in ("categorical", "ordinal"):
        return optuna.distributions.CategoricalDistribution(parameter["choices"])
    log = parameter.get("scale", "linear") == "log"
    if kind == "int":
        return optuna.distributions.IntDistribution(
            parameter["low"], parameter["high"], log=log, step=parameter.get("step", 1)
        )
    return optuna.distributions.FloatDistribution(
        parameter["low"], parameter["high"], log=log, step=parameter.get("step")
    )


def suggest(trial, name, parameter):
    kind = parameter["type"]
    if kind in ("categorical", "ordinal"):
        return trial.suggest_categorical(name, parameter["choices"])
    log = parameter.get("scale", "linear") == "log"
    if kind == "int":
        return trial.suggest_int(name, parameter["low"], parameter["high"], log=log, step=parameter.get("step", 1))
    return trial.suggest_float(name, parameter["low"], parameter["high"], log=log, step=parameter.get("step"))


def is_active(parameter, params):
    return all(
        parent in params and params[parent] in values
        for parent, values in parameter.get("when", {}).items()
    )


def create(request):
    options = (
        {"multivariate": True, "group": True, "constant_liar": True}
        if request["sampler"] == "multivariate"
        else {}
    )
    if request["sampler"] == "random":
        return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=request["seed"]))
    return optuna.create_study(sampler=optuna.samplers.TPESampler(seed=request["seed"], **options))


def main():
    study, space, running = None, None, {}
    for line in sys.stdin:
        request = json.loads(line)
        reply = {}
        if request["do"] == "study":
            space = request["space"]
            study, running = create(request), {}
        elif request["do"] == "ask":
            begin = time.process_time()
            trial = study.ask()
            params = {}
            for name, parameter in space.items():
                if is_active(parameter, params):
                    params[name] = suggest(trial, name, parameter)
            reply = {"number": trial.number, "params": params, "seconds": time.process_time() - begin}
            running[trial.number] = trial
        elif request["do"] == "tell":
            study.tell(running.pop(request["number"]), request["value"])
        elif request["do"] == "fill":
            study.add_trials(
                [
                    optuna.trial.create_trial(
                        params=t["params"],
                        distributions={name: distribution(space[name]) for name in t["params"]},
                        value=t["value"],
                    )
                    for t in request["trials"]
                ]
            )
        print(json.dumps(reply), flush=True)


main()
