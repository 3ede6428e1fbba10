"""Ray Tune's population-based training: `ray_peer.py pbt|pb2 0|-1`, how often a trial may fail (0 by default; -1: any number).

Its scheduler, asynchronous by default, on a controller in this process: workers train in simulated time, and what becomes of a trial that
fails is what Ray's own controller does. Ray's needs a process a worker, which on two cores take longer to start than all the training.
Every result has a checkpoint.
"""

import heapq
import logging
import os
import random
import sys
import warnings

PBT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, PBT)
warnings.filterwarnings("ignore")

from training import Problem, Tally, Workers, serve  # noqa: E402

import numpy  # noqa: E402
from ray import tune  # noqa: E402
from ray.train._internal.session import _TrainingResult  # noqa: E402
from ray.tune.experiment import Trial  # noqa: E402
from ray.tune.schedulers import PopulationBasedTraining  # noqa: E402
from ray.tune.schedulers.pb2 import PB2  # noqa: E402
from ray.tune.schedulers.trial_scheduler import TrialScheduler  # noqa: E402

logging.disable(logging.CRITICAL)
SCHEDULER, ALLOWED = sys.argv[1], int(sys.argv[2])


def is_log(spec):
    return spec.get("scale") == "log"


def clip(space):
    """PBT leaves it to its users to keep perturbed settings within their bounds."""
    return lambda config: {
        name: min(space[name]["high"], max(space[name]["low"], value)) for name, value in config.items()
    }


def pbt_of(space):
    domains = {
        name: (tune.loguniform if is_log(spec) else tune.uniform)(spec["low"], spec["high"])
        for name, spec in space.items()
    }
    return {"hyperparam_mutations": domains, "custom_explore_fn": clip(space)}


def pb2_of(space):
    """PB2 models settings as they are, so those on a logarithmic scale are given as logarithms."""
    return {
        "hyperparam_bounds": {
            name: [float(numpy.log10(spec[end])) if is_log(spec) else spec[end] for end in ("low", "high")]
            for name, spec in space.items()
        }
    }


class Controller:
    """As much of Ray's as a scheduler knows of."""

    search_alg = None

    def __init__(self, task):
        self.task, self.problem = task, Problem(task["problem"])
        kind, arguments = (PB2, pb2_of) if SCHEDULER == "pb2" else (PopulationBasedTraining, pbt_of)
        self.scheduler = kind(
            time_attr="training_iteration",
            metric="loss",
            mode="min",
            perturbation_interval=1,
            log_config=False,
            **arguments(self.problem.space),
        )
        self.workers, self.tally = Workers(task["seed"], task["killed"]), Tally()
        self.now, self.busy, self.failures = 0.0, [], {}
        self.trials = [Trial("member", stub=True, trial_id=f"{i:05}") for i in range(task["population"])]
        for trial in self.trials:
            self.failures[trial] = 0
            self.scheduler.on_trial_add(self, trial)

    def get_trials(self):
        return self.trials

    def pause_trial(self, trial, should_checkpoint):
        trial.set_status(Trial.PAUSED)

    def _schedule_trial_save(self, trial, result):
        return self.saved(trial)

    def saved(self, trial):
        """The state and its epochs; no state for a trial that begins."""
        latest = trial.run_metadata.checkpoint_manager._latest_checkpoint_result
        return (None, 0) if latest is None else latest.checkpoint

    def save(self, trial, checkpoint, result):
        trial.run_metadata.checkpoint_manager._latest_checkpoint_result = _TrainingResult(checkpoint, result)

    def run(self):
        """Until no trial is left, or as many results are there as all of them need."""
        results = self.task["population"] * self.task["epochs"] // self.task["segment"]
        while len(self.tally.found) < results:
            while (trial := self.scheduler.choose_trial_to_run(self)) is not None:
                trial.set_status(Trial.RUNNING)
                self.begin(trial)
            if not self.busy:
                break
            self.now, member, killed = heapq.heappop(self.busy)
            (self.fail if killed else self.train)(self.trials[member])

    def begin(self, trial):
        member = self.trials.index(trial)
        seconds, killed = self.workers.next(member, self.saved(trial)[1])
        heapq.heappush(self.busy, (self.now + seconds, member, killed))

    def fail(self, trial):
        self.tally.lost += self.task["segment"]
        self.failures[trial] += 1
        if ALLOWED < 0 or self.failures[trial] <= ALLOWED:
            trial.set_status(Trial.PENDING)
            return
        self.scheduler.on_trial_error(self, trial)
        trial.set_status(Trial.ERROR)

    def train(self, trial):
        state, done = self.saved(trial)
        segment, epochs = self.task["segment"], self.task["epochs"]
        settings = {
            name: 10**value if SCHEDULER == "pb2" and is_log(self.problem.space[name]) else value
            for name, value in trial.config.items()
        }
        member = self.trials.index(trial)
        state, losses = self.problem.segment(state, settings, segment, self.task["seed"], member, done)
        done += segment
        self.tally.found.append(losses)
        result = {"loss": losses["valid"], "training_iteration": done // segment}
        self.save(trial, (state, done), result)
        if done >= epochs:
            self.scheduler.on_trial_complete(self, trial, result)
            trial.set_status(Trial.TERMINATED)
            return
        decision = self.scheduler.on_trial_result(self, trial, result)
        if decision == TrialScheduler.CONTINUE:
            self.begin(trial)
        elif decision == TrialScheduler.PAUSE:
            trial.set_status(Trial.PAUSED)


def search(task):
    random.seed(task["seed"])
    numpy.random.seed(task["seed"])
    controller = Controller(task)
    controller.run()
    ended = sum(trial.status == Trial.TERMINATED for trial in controller.trials)
    return controller.tally.outcome(ended, any(trial.status != Trial.ERROR for trial in controller.trials))


serve(search)
