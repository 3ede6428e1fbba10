"""Trains segments for searchers in another process: answers each line of JSON with one.

{"do": "search", "problem": "digits", "seed": 0, "killed": 0.3} -> {}    begins a search; the states of the one before are forgotten
{"do": "train", "name": "7", "parent": "3", "settings": {"rate": 0.1}, "epochs": 1, "member": 2, "done": 5}
  -> {"valid": 0.4, "test": 0.5, "seconds": 57.1, "killed": false}       the state of one that was killed is not kept
"""

import json
import sys

from training import Problem, Workers

problems, states = {}, {}
for line in sys.stdin:
    ask = json.loads(line)
    reply = {}
    if ask["do"] == "search":
        name = ask["problem"]
        if name not in problems:
            problems[name] = Problem(name)
        problem, seed, workers = problems[name], ask["seed"], Workers(ask["seed"], ask["killed"])
        states.clear()
    else:
        parent = None if ask["parent"] is None else states[ask["parent"]]
        member, done = ask["member"], ask["done"]
        state, losses = problem.segment(parent, ask["settings"], ask["epochs"], seed, member, done)
        seconds, killed = workers.next(member, done)
        if not killed:
            states[ask["name"]] = state
        reply = {**losses, "seconds": seconds, "killed": killed}
    print(json.dumps(reply), flush=True)
