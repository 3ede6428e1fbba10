"""pycma in the unit cube; choices and whole numbers by rounding, the space flat. Restarts with twice the population (IPOP)."""

import math
import random

from peer import serve, value_at

import cma


class Study:
    def __init__(self, request):
        self.space = request["space"]
        self.dimension = max(len(self.space), 2)  # it does not do one
        self.random = random.Random(request["seed"])
        # At least as many as there are running trials, so that a generation ends before the next but one begins.
        self.start(max(4 + int(3 * math.log(self.dimension)), request["parallel"]), self.dimension * [0.5])

    def start(self, population, centre):
        options = {"bounds": [0, 1], "seed": self.random.randrange(1, 10**6), "verbose": -9, "popsize": population}
        self.strategy = cma.CMAEvolutionStrategy(centre, 0.25, options)
        self.told = []

    def ask(self):
        (x,) = self.strategy.ask(1)
        return (self.strategy, x), {name: value_at(spec, x[i]) for i, (name, spec) in enumerate(self.space.items())}

    def tell(self, handle, values, excess):
        strategy, x = handle
        if strategy is not self.strategy:
            return  # of before a restart
        self.told.append((x, values[0]))
        if len(self.told) < strategy.popsize:
            return
        points, costs = zip(*self.told)
        self.told = []
        strategy.tell(list(points), list(costs))
        if strategy.stop():
            self.start(2 * strategy.popsize, [self.random.random() for _ in range(self.dimension)])


serve(Study)
