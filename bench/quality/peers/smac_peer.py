"""SMAC3's facade for hyperparameters, with the conditions of the space."""

import logging
import tempfile

from peer import serve

from ConfigSpace import (
    Categorical,
    ConfigurationSpace,
    Float,
    InCondition,
    Integer,
)
from ConfigSpace.conditions import AndConjunction
from smac import HyperparameterOptimizationFacade, Scenario
from smac.runhistory import TrialInfo, TrialValue

logging.disable(logging.CRITICAL)


class Study:
    def __init__(self, request):
        space = ConfigurationSpace(seed=request["seed"])
        made = {}
        for name, spec in request["space"].items():
            log = spec.get("scale") == "log"
            if spec["type"] == "categorical":
                made[name] = Categorical(name, [str(i) for i in range(len(spec["choices"]))])
            elif spec["type"] == "int":
                made[name] = Integer(name, (spec["low"], spec["high"]), log=log)
            else:
                made[name] = Float(name, (spec["low"], spec["high"]), log=log)
            space.add(made[name])
        for name, spec in request["space"].items():
            conditions = [
                InCondition(made[name], made[parent], [str(request["space"][parent]["choices"].index(v)) for v in values])
                for parent, values in spec.get("when", {}).items()
            ]
            if len(conditions) == 1:
                space.add(conditions[0])
            elif conditions:
                space.add(AndConjunction(*conditions))
        self.space = request["space"]
        scenario = Scenario(
            space,
            deterministic=True,
            n_trials=request["trials"],
            seed=request["seed"],
            output_directory=tempfile.mkdtemp(),
            objectives=[f"y{j}" for j in range(request["objectives"])] if request["objectives"] > 1 else "cost",
        )
        self.facade = HyperparameterOptimizationFacade(scenario, lambda config, seed=0: 0.0, logging_level=False)

    def ask(self):
        info = self.facade.ask()
        params = {}
        for name, value in dict(info.config).items():
            spec = self.space[name]
            if spec["type"] == "categorical":
                params[name] = spec["choices"][int(value)]
            else:
                params[name] = int(value) if spec["type"] == "int" else float(value)
        return info, {name: params.get(name) for name in self.space}

    def tell(self, info, values, excess):
        # Saving to disk after each trial is not needed here, and is not part of the search.
        self.facade.tell(info, TrialValue(cost=values if len(values) > 1 else values[0], time=0.1), save=False)


serve(Study)
