"""Ax with its default generation strategy, the space flat."""

import logging

from peer import serve

from ax.api.client import Client
from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig

logging.disable(logging.CRITICAL)


class Study:
    def __init__(self, request):
        self.space = request["space"]
        self.names = [f"y{j}" for j in range(request["objectives"])]
        parameters = []
        for name, spec in self.space.items():
            if spec["type"] == "categorical":
                choices = [str(i) for i in range(len(spec["choices"]))]
                parameters.append(ChoiceParameterConfig(name=name, values=choices, parameter_type="str", is_ordered=False))
            else:
                parameters.append(
                    RangeParameterConfig(
                        name=name,
                        bounds=(spec["low"], spec["high"]),
                        parameter_type=spec["type"],
                        scaling="log" if spec.get("scale") == "log" else "linear",
                    )
                )
        self.client = Client(random_seed=request["seed"])
        self.client.configure_experiment(parameters=parameters)
        self.outcomes = [f"c{k}" for k in range(len(request["outcomes"]))]
        self.client.configure_optimization(
            objective=", ".join(f"-{name}" for name in self.names),
            outcome_constraints=[f"{name} <= 0" for name in self.outcomes] or None,
        )
        # Its defaults, except that more than five trials may be open before the first one ends.
        self.client.configure_generation_strategy(allow_exceeding_initialization_budget=True)

    def ask(self):
        ((index, point),) = self.client.get_next_trials(max_trials=1).items()
        params = {
            name: spec["choices"][int(point[name])] if spec["type"] == "categorical" else point[name]
            for name, spec in self.space.items()
        }
        return index, params

    def tell(self, index, values, excess):
        data = dict(zip(self.names, values)) | dict(zip(self.outcomes, excess))
        self.client.complete_trial(trial_index=index, raw_data=data)


serve(Study)
