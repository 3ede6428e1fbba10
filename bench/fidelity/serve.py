"""A simulation over lines of JSON on stdin and stdout, for a searcher in another language.

{"do": "open", "problem": "mlp:smooth", "workers": 4} -> {"space", "steps", "cap": full runs of a worker}
{"do": "answer", "answer": null}                      -> the next question: {"ask": worker, "time": full runs},
                                                         {"trial", "step", "loss", "time"}, or {"done": the result}
{"do": "end"}                                         -> {"done": the result so far}

The first answer of a simulation answers no question. Questions and answers are those of `simulation.py`.
"""

import json
import sys

import surrogate
from simulation import Simulation


def main():
    problems, simulation, questions = {}, None, None
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "open":
            name = request["problem"]
            if name not in problems:
                problems[name] = surrogate.load(name)
            simulation = Simulation(problems[name], request["workers"])
            questions = simulation.play()
            full = problems[name].full
            reply = {"space": problems[name].space, "steps": problems[name].steps, "cap": simulation.cap / full}
        elif request["do"] == "end":
            reply = {"done": simulation.result()}
        else:
            try:
                question = questions.send(request["answer"])
                reply = {"ask": question[1]} if question[0] == "ask" else dict(zip(("trial", "step", "loss"), question[1:]))
                reply["time"] = simulation.now / simulation.problem.full
            except StopIteration:
                reply = {"done": simulation.result()}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
