"""RBFOpt and the functions it is tested with, behind lines of JSON on stdin and stdout.

{"do": "functions"}                                                 -> [{"name", "space", "optimum"}, ...]
{"do": "value", "function": "branin", "x": [1.0, 2.0]}              -> 27.7
{"do": "search", "function": "branin", "seed": 1, "evaluations": 200} -> {"values": [...], "seconds": 3.1}

A search ends when it is within 1% of the optimum, and after SEARCH_SECONDS. RBFOpt calls the programs bonmin and ipopt; here it gets the same solvers out
of CasADi's wheel.
"""

import io
import json
import os
import sys
import time
import warnings

import numpy

warnings.filterwarnings("ignore")
out = os.fdopen(os.dup(1), "w")
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Bonmin prints pages a solution

import casadi  # noqa: E402
import pyomo.opt  # noqa: E402
import rbfopt  # noqa: E402
import rbfopt.rbfopt_aux_problems as aux  # noqa: E402
import rbfopt.rbfopt_test_functions as published  # noqa: E402
from pyomo.repn.plugins.nl_writer import NLWriter  # noqa: E402

# RBFOpt gives Bonmin 45 seconds by default, which a few functions take at every other evaluation.
SOLVER_SECONDS = 3
SEARCH_SECONDS = 120

NL = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"rbf-{os.getpid()}.nl")


class Solver:
    """The part of a Pyomo solver that RBFOpt uses."""

    def __init__(self, name, **_):
        self.name = name
        self.options = {}

    def available(self):
        return True

    def solve(self, instance, **_):
        with open(NL, "w") as file:
            columns = NLWriter().write(instance, file, io.StringIO(), io.StringIO()).variables
        problem = casadi.NlpBuilder()
        problem.import_nl(NL)
        options = {"print_time": False}
        if self.name == "bonmin":
            options["discrete"] = problem.discrete
            options["bonmin"] = {k.removeprefix("bonmin."): v for k, v in self.options.items() if k.startswith("bonmin.")}
            options["bonmin"] |= {"bb_log_level": 0, "nlp_log_level": 0, "time_limit": SOLVER_SECONDS}
        else:
            options["ipopt"] = {"print_level": 0, "max_iter": 1000}
        function = {"x": casadi.vertcat(*problem.x), "f": problem.f, "g": casadi.vertcat(*problem.g)}
        solver = casadi.nlpsol("solver", self.name, function, options)
        bounds = {"lbx": problem.x_lb, "ubx": problem.x_ub, "lbg": problem.g_lb, "ubg": problem.g_ub}
        solution = solver(x0=problem.x_init, **bounds)
        for variable, value in zip(columns, numpy.array(solution["x"]).ravel()):
            variable.set_value(float(value), skip_validation=True)
        results = pyomo.opt.SolverResults()
        results.solver.status = pyomo.opt.SolverStatus.ok
        is_good = solver.stats()["success"]
        condition = pyomo.opt.TerminationCondition
        results.solver.termination_condition = condition.optimal if is_good else condition.error
        instance.solutions.load_from = lambda _: None  # the values are there already
        return results


def solver_factory(name, **options):
    return Solver(name, **options)


aux.pyomo.opt.SolverFactory = solver_factory


def published_functions():
    """The functions whose value at the published optimum is the published one; the variables show whether a variant is integer."""
    found = {}
    for name, function in vars(published).items():
        if not hasattr(function, "optimum_value") or not isinstance(function, type):
            continue
        value = float(function.evaluate(numpy.array(function.optimum_point, dtype=float)))
        if abs(value - function.optimum_value) <= 1e-4 * max(1, abs(value)):
            found[name] = function
        else:
            print(f"{name}: {value} at its optimum instead of {function.optimum_value}", file=sys.stderr)
    return found


FUNCTIONS = published_functions()


def space_of(function):
    space = {}
    for i, kind in enumerate(function.var_type):
        low, high = float(function.var_lower[i]), float(function.var_upper[i])
        if kind == "R":
            space[f"x{i}"] = {"type": "float", "low": low, "high": high}
        elif kind == "I":
            space[f"x{i}"] = {"type": "int", "low": int(low), "high": int(high)}
        else:
            space[f"x{i}"] = {"type": "categorical", "choices": list(range(int(low), int(high) + 1))}
    return space


def is_solved(value, optimum):
    return value - optimum <= 0.01 * (abs(optimum) or 1)


def search(function, seed, evaluations):
    values = []

    def record(x):
        values.append(float(function.evaluate(x)))
        return values[-1]

    numpy.random.seed(seed)
    begin = time.process_time()
    black_box = rbfopt.RbfoptUserBlackBox(
        function.dimension,
        numpy.array(function.var_lower, dtype=float),
        numpy.array(function.var_upper, dtype=float),
        function.var_type,
        record,
    )
    settings = rbfopt.RbfoptSettings(
        max_evaluations=evaluations,
        max_iterations=10 * evaluations,
        max_clock_time=SEARCH_SECONDS,
        rand_seed=seed,
        target_objval=function.optimum_value,
        eps_opt=0.01,
    )
    algorithm = rbfopt.RbfoptAlgorithm(settings, black_box)
    algorithm.set_output_stream(io.StringIO())
    try:
        algorithm.optimize()
    except Exception as error:  # noqa: BLE001: what it had found by then counts
        print(f"RBFOpt gave up: {error!r}", file=sys.stderr)
    return {"values": values[:evaluations], "seconds": time.process_time() - begin}


def answer(request):
    if request["do"] == "functions":
        return [
            {"name": name, "space": space_of(function), "optimum": float(function.optimum_value)}
            for name, function in FUNCTIONS.items()
        ]
    function = FUNCTIONS[request["function"]]
    if request["do"] == "value":
        return float(function.evaluate(numpy.array(request["x"], dtype=float)))
    return search(function, request["seed"], request["evaluations"])


for line in sys.stdin:
    out.write(json.dumps(answer(json.loads(line))) + "\n")
    out.flush()
