"""OSS Vizier's GP bandit, its service's default, the space flat."""

import logging

from peer import serve

from vizier import pyvizier
from vizier._src.algorithms.designers.gp_ucb_pe import VizierGPUCBPEBandit
from vizier._src.algorithms.core.abstractions import ActiveTrials, CompletedTrials
from vizier.pyvizier.converters.padding import PaddingSchedule, PaddingType
import jax

logging.disable(logging.CRITICAL)
jax.config.update("jax_enable_x64", True)  # as its service does


class Study:
    def __init__(self, request):
        self.space = request["space"]
        problem = pyvizier.ProblemStatement()
        root = problem.search_space.root
        for name, spec in self.space.items():
            scale = pyvizier.ScaleType.LOG if spec.get("scale") == "log" else pyvizier.ScaleType.LINEAR
            if spec["type"] == "categorical":
                root.add_categorical_param(name, [str(i) for i in range(len(spec["choices"]))])
            elif spec["type"] == "int":
                root.add_int_param(name, spec["low"], spec["high"], scale_type=scale)
            else:
                root.add_float_param(name, spec["low"], spec["high"], scale_type=scale)
        problem.metric_information.append(pyvizier.MetricInformation("y", goal=pyvizier.ObjectiveMetricGoal.MINIMIZE))
        # Otherwise each ask has a different shape and is compiled again, which takes seconds and megabytes.
        padding = PaddingSchedule(num_trials=PaddingType.MULTIPLES_OF_10)
        jax.clear_caches()  # what was compiled for the space of another study
        self.designer = VizierGPUCBPEBandit(problem, rng=jax.random.PRNGKey(request["seed"]), padding_schedule=padding)
        self.count, self.running, self.finished = 0, {}, []

    def ask(self):
        self.designer.update(CompletedTrials(self.finished), ActiveTrials(list(self.running.values())))
        self.finished = []
        (suggestion,) = self.designer.suggest(1)
        self.count += 1
        trial = suggestion.to_trial(self.count)
        self.running[self.count] = trial
        values = trial.parameters.as_dict()
        params = {}
        for name, spec in self.space.items():
            value = values[name]
            params[name] = spec["choices"][int(value)] if spec["type"] == "categorical" else int(value) if spec["type"] == "int" else float(value)
        return self.count, params

    def tell(self, number, values, excess):
        trial = self.running.pop(number)
        trial.complete(pyvizier.Measurement({"y": values[0]}))
        self.finished.append(trial)


serve(Study)
