"""pymoo's NSGA-II: `pymoo_peer.py zdt1 100 200 0 1 2` prints, for each seed, the front of all evaluations."""

import json
import sys

import numpy
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.optimize import minimize
from pymoo.problems import get_problem
from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

name, population, generations, *seeds = sys.argv[1:]


class Record:
    def __init__(self):
        self.points = []

    def __call__(self, algorithm):
        self.points += algorithm.off.get("F").tolist() if algorithm.off is not None else algorithm.pop.get("F").tolist()


fronts = []
for seed in seeds:
    record = Record()
    result = minimize(
        get_problem(name, n_var=30),
        NSGA2(pop_size=int(population)),
        ("n_gen", int(generations)),
        seed=int(seed),
        callback=record,
    )
    points = numpy.unique(numpy.array(record.points + result.F.tolist()), axis=0)
    front = NonDominatedSorting().do(points, only_non_dominated_front=True)
    fronts.append(points[front].tolist())
print(json.dumps(fronts))
