"""Syne Tune's population-based training: `syne_peer.py 1 | -1`, how many failed trials its tuner allows (1 by default), or any number.

Its scheduler and its tuner, on a backend in this process: workers train in simulated time, the tuner is told one result at a time, and a
killed worker is a failed trial. A trial that goes on from another one's checkpoint is a new one for Syne Tune; here it has the place in
the population that became free.
"""

import heapq
import logging
import os
import sys
import tempfile
import warnings
from pathlib import Path

PBT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, PBT)
warnings.filterwarnings("ignore")

from training import Problem, Tally, Workers, serve  # noqa: E402

HOME = tempfile.TemporaryDirectory()
os.environ["SYNETUNE_FOLDER"] = HOME.name  # before Syne Tune is imported

import numpy  # noqa: E402
from syne_tune import StoppingCriterion, Tuner  # noqa: E402
from syne_tune.backend.trial_backend import TrialBackend  # noqa: E402
from syne_tune.backend.trial_status import Status  # noqa: E402
from syne_tune.config_space import loguniform, uniform  # noqa: E402
from syne_tune.constants import ST_WORKER_TIMESTAMP  # noqa: E402
from syne_tune.optimizer.schedulers.pbt import PopulationBasedTraining  # noqa: E402

logging.disable(logging.CRITICAL)
ALLOWED = int(sys.argv[1])


def domain(spec):
    return (loguniform if spec.get("scale") == "log" else uniform)(spec["low"], spec["high"])


class Simulation(TrialBackend):
    def __init__(self, task):
        super().__init__()
        self.problem = Problem(task["problem"])
        self.workers = Workers(task["seed"], task["killed"])
        self.seed, self.segment, self.epochs = task["seed"], task["segment"], task["epochs"]
        self.tally, self.ended = Tally(), 0
        self.now, self.busy = 0.0, []
        self.free = list(range(task["population"]))
        self.members, self.checkpoints = {}, {}

    def entrypoint_path(self):
        return Path(__file__)

    def copy_checkpoint(self, src_trial_id, tgt_trial_id):
        self.checkpoints[tgt_trial_id] = self.checkpoints[src_trial_id]

    def _schedule(self, trial_id, config):
        self.members[trial_id] = heapq.heappop(self.free)

    def begin(self, trial_id):
        _, done = self.checkpoints.get(trial_id, (None, 0))
        seconds, killed = self.workers.next(self.members[trial_id], done)
        heapq.heappush(self.busy, (self.now + seconds, trial_id, killed))

    def leave(self, trial_id):
        heapq.heappush(self.free, self.members[trial_id])

    def _all_trial_results(self, trial_ids):
        """The next worker that is done has a result, or was killed; all others are still at work."""
        busy = {trial_id for _, trial_id, _ in self.busy}
        for trial_id in trial_ids:
            if trial_id not in busy:
                self.begin(trial_id)
        if self.busy:
            self.now, trial_id, killed = heapq.heappop(self.busy)
            trial = self._trial_dict[trial_id]
            if killed:
                self.tally.lost += self.segment
                trial.status = Status.failed
                self.leave(trial_id)
            else:
                self.train(trial)
        return [self._trial_dict[each] for each in trial_ids]

    def train(self, trial):
        state, done = self.checkpoints.get(trial.trial_id, (None, 0))
        member = self.members[trial.trial_id]
        state, losses = self.problem.segment(state, trial.config, self.segment, self.seed, member, done)
        done += self.segment
        self.checkpoints[trial.trial_id] = (state, done)
        self.tally.found.append(losses)
        trial.metrics.append({"loss": losses["valid"], "epoch": done, ST_WORKER_TIMESTAMP: self.now})
        self.ended += done >= self.epochs

    def _stop_trial(self, trial_id, result):
        self.leave(trial_id)

    def stop_all(self):
        self.busy.clear()

    def stdout(self, trial_id):
        return []

    stderr = stdout


def search(task):
    numpy.random.seed(task["seed"])
    backend = Simulation(task)
    results = task["population"] * task["epochs"] // task["segment"]
    tuner = Tuner(
        trial_backend=backend,
        scheduler=PopulationBasedTraining(
            {name: domain(spec) for name, spec in backend.problem.space.items()},
            metric="loss",
            time_attr="epoch",
            max_t=task["epochs"],
            random_seed=task["seed"],
            population_size=task["population"],
            perturbation_interval=task["segment"],
        ),
        stop_criterion=StoppingCriterion(max_num_evaluations=results - 1),
        n_workers=task["population"],
        sleep_time=0,
        max_failures=ALLOWED if ALLOWED >= 0 else results * 100,
        save_tuner=False,
        callbacks=[],
    )
    try:
        tuner.run()
    except ValueError:  # "Trial - 3 failed"
        return backend.tally.outcome(backend.ended, False)
    return backend.tally.outcome(backend.ended, True)


serve(search)
