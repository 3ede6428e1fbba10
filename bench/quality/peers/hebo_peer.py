"""HEBO, the space flat."""

import numpy
import pandas
from peer import serve

import torch
from hebo.design_space.design_space import DesignSpace
from hebo.optimizers.hebo import HEBO

torch.set_num_threads(1)


class Study:
    def __init__(self, request):
        numpy.random.seed(request["seed"])
        torch.manual_seed(request["seed"])
        self.space = request["space"]
        parts = []
        for name, spec in self.space.items():
            if spec["type"] == "categorical":
                parts.append({"name": name, "type": "cat", "categories": [str(i) for i in range(len(spec["choices"]))]})
            else:
                log = spec.get("scale") == "log"
                kind = ("pow_int" if log else "int") if spec["type"] == "int" else ("pow" if log else "num")
                parts.append({"name": name, "type": kind, "lb": spec["low"], "ub": spec["high"]})
        self.optimizer = HEBO(DesignSpace().parse(parts), scramble_seed=request["seed"])

    def ask(self):
        row = self.optimizer.suggest(1)
        values = row.iloc[0].to_dict()
        params = {}
        for name, spec in self.space.items():
            if spec["type"] == "categorical":
                params[name] = spec["choices"][int(values[name])]
            else:
                params[name] = int(values[name]) if spec["type"] == "int" else float(values[name])
        return row, params

    def tell(self, row, values, excess):
        self.optimizer.observe(pandas.DataFrame(row), numpy.array([[values[0]]]))


serve(Study)
