"""pycma in the unit cube; choices and whole numbers by rounding, the space flat."""

from peer import serve, value_at

import cma


class Study:
    def __init__(self, request):
        self.space = request["space"]
        options = {"bounds": [0, 1], "seed": request["seed"] + 1, "verbose": -9}
        d = len(self.space)
        self.strategy = cma.CMAEvolutionStrategy(max(d, 2) * [0.5], 0.25, options)
        self.waiting, self.told = [], []

    def ask(self):
        if not self.waiting:
            self.waiting = list(self.strategy.ask())
        x = self.waiting.pop(0)
        return x, {name: value_at(spec, x[i]) for i, (name, spec) in enumerate(self.space.items())}

    def tell(self, x, values, excess):
        self.told.append((x, values[0]))
        if len(self.told) >= self.strategy.popsize:
            points, costs = zip(*self.told[: self.strategy.popsize])
            self.told = self.told[self.strategy.popsize :]
            self.strategy.tell(list(points), list(costs))


serve(Study)
