"""The common part of the peers: a line of JSON on stdin is a simulation to run, the line on stdout is its result.

{"problem": "mlp:smooth", "workers": 4, "seed": 1, "patience": 60} -> the result of `simulation.py`, and the CPU seconds of the peer

A searcher that has used `patience` seconds of CPU time is stopped there: its result says so.
"""

import json
import os
import sys
import time
import traceback
import warnings

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LOKY_MAX_CPU_COUNT"):
    os.environ.setdefault(threads, "1")
warnings.filterwarnings("ignore")
FIDELITY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [FIDELITY, os.path.join(os.path.dirname(FIDELITY), "quality")]

import surrogate  # noqa: E402
from simulation import Simulation  # noqa: E402
from space import active, coordinate_of, draw, is_active, value_at  # noqa: E402, F401

ETA = 3


def rungs(steps):
    """1, 3, 9, ... and all steps."""
    ladder = []
    resource = 1
    while resource < steps:
        ladder.append(resource)
        resource *= ETA
    return [*ladder, steps]


def serve(create):
    """Runs simulations. `create(setting)` gives an object with `ask(worker)` and `report(trial, step, loss)`."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not end up among the results
    problems = {}
    try:
        for line in sys.stdin:
            request = json.loads(line)
            name = request["problem"]
            if name not in problems:
                problems[name] = surrogate.load(name)
            out.write(json.dumps(run(create, problems[name], request)) + "\n")
            out.flush()
    except Exception:
        traceback.print_exc()
        os._exit(1)  # a library's own threads may keep a process alive that has nothing more to say


def run(create, problem, request):
    simulation = Simulation(problem, request["workers"])
    setting = {"space": problem.space, "steps": problem.steps, "cap": simulation.cap / problem.full}
    spent = 0.0
    begin = time.process_time()
    searcher = create({**setting, "seed": request["seed"], "workers": request["workers"]})
    spent += time.process_time() - begin
    questions = simulation.play()
    answer, ended = None, "simulation"
    while True:
        try:
            question = questions.send(answer)
        except StopIteration:
            break
        begin = time.process_time()
        answer = searcher.ask(question[1]) if question[0] == "ask" else searcher.report(*question[1:])
        spent += time.process_time() - begin
        if spent > request["patience"]:
            ended = "patience"
            break
    return {**simulation.result(), "seconds": spent, "ended": ended}
