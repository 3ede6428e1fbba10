"""Nevergrad's NGOpt, the space flat."""

import numpy
from peer import serve

import nevergrad


class Study:
    def __init__(self, request):
        parts = {}
        for name, spec in request["space"].items():
            if spec["type"] == "categorical":
                parts[name] = nevergrad.p.Choice(spec["choices"])
                continue
            if spec.get("scale") == "log":
                part = nevergrad.p.Log(lower=spec["low"], upper=spec["high"])
            else:
                part = nevergrad.p.Scalar(lower=spec["low"], upper=spec["high"])
            parts[name] = part.set_integer_casting() if spec["type"] == "int" else part
        space = nevergrad.p.Dict(**parts)
        space.random_state = numpy.random.RandomState(request["seed"])
        self.optimizer = nevergrad.optimizers.NGOpt(space, budget=request["trials"], num_workers=request["parallel"])
        self.optimizer.parametrization.random_state = space.random_state
        self.several = request["objectives"] > 1

    def ask(self):
        candidate = self.optimizer.ask()
        return candidate, candidate.value

    def tell(self, candidate, values, excess):
        violation = [max(0.0, v) for v in excess]
        self.optimizer.tell(candidate, values if self.several else values[0], violation if excess else None)


serve(Study)
