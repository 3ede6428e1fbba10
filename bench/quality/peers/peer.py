"""The common part of all peers: lines of JSON on stdin and stdout, one study at a time.

{"do": "study", "space", "objectives": 1, "outcomes": [...], "seed": 1, "trials": 100, "parallel": 1} -> {}
{"do": "ask"}                                         -> {"id": 0, "params": {...}, "seconds": 0.004}
{"do": "tell", "id": 0, "values": [0.3], "excess": [-1.0]}  -> {"seconds": 0.001}

Seconds are processor time. A peer that cannot do conditional spaces gets them flat: all parameters, of which the inactive ones are left out when a trial is run.
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
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from space import active, coordinate_of, value_at  # noqa: E402, F401


def serve(create):
    """Answers requests. `create(request)` gives an object with ask() -> (handle, params) and tell(handle, values, excess)."""
    try:
        answer(create)
    except Exception:
        traceback.print_exc()
        os._exit(1)  # a library's own threads may keep a process alive that has nothing more to say


def answer(create):
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not end up among the answers
    study, space, open_trials, count = None, None, {}, 0
    for line in sys.stdin:
        request = json.loads(line)
        begin = time.process_time()
        if request["do"] == "study":
            study, space, open_trials, count = create(request), request["space"], {}, 0
            reply = {}
        elif request["do"] == "ask":
            handle, params = study.ask()
            open_trials[count] = handle
            reply = {"id": count, "params": active(space, params)}
            count += 1
        else:
            study.tell(open_trials.pop(request["id"]), request["values"], request["excess"])
            reply = {}
        reply["seconds"] = time.process_time() - begin
        out.write(json.dumps(reply) + "\n")
        out.flush()
