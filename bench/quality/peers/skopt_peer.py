"""scikit-optimize's gp_hedge, the space flat."""

from peer import serve

from skopt import Optimizer
from skopt.space import Categorical, Integer, Real


class Study:
    def __init__(self, request):
        self.space = request["space"]
        dimensions = []
        for spec in self.space.values():
            prior = "log-uniform" if spec.get("scale") == "log" else "uniform"
            if spec["type"] == "categorical":
                dimensions.append(Categorical([str(i) for i in range(len(spec["choices"]))]))
            elif spec["type"] == "int":
                dimensions.append(Integer(spec["low"], spec["high"], prior=prior))
            else:
                dimensions.append(Real(spec["low"], spec["high"], prior=prior))
        self.optimizer = Optimizer(dimensions, random_state=request["seed"], acq_func="gp_hedge")
        self.running = []

    def ask(self):
        point = self.believer().ask()
        self.running.append(point)
        params = {}
        for (name, spec), value in zip(self.space.items(), point):
            if spec["type"] == "categorical":
                params[name] = spec["choices"][int(value)]
            else:
                params[name] = int(value) if spec["type"] == "int" else float(value)
        return point, params

    def believer(self):
        """It does not remember running trials, so they are told to a copy, as its `cl_min` strategy does for a batch."""
        if not self.running or not self.optimizer.models:
            return self.optimizer
        copy = self.optimizer.copy()
        copy.tell(list(self.running), [min(self.optimizer.yi)] * len(self.running))
        return copy

    def tell(self, point, values, excess):
        self.running.remove(point)
        self.optimizer.tell(point, values[0])


serve(Study)
