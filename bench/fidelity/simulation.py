"""Workers in simulated time: they train, report, and nothing else takes time.

A simulation asks a searcher two things, as a generator of questions that are answered with `send`:

("ask", worker)               -> a job {"trial", "params", "from", "to"}, or None while there is nothing to do
("report", trial, step, loss) -> the step to go on to, or None: the worker is free, whatever becomes of the trial

A job starts from the checkpoint of that trial after step `from`, or from scratch (0), and is reported once, after step `to`.
Times and resources are in full runs: the mean seconds of random configurations from the first step to the last, and all steps.
"""

import heapq

import numpy

CAPS = {1: 100, 4: 50, 25: 20, 500: 4}
"""Full runs per worker after which a simulation ends."""
NEAR = 0.01
"""Of the distance between a typical and the best known loss: a simulation also ends when a loss is as near as that."""


class Simulation:
    def __init__(self, problem, workers):
        self.problem = problem
        self.workers = workers
        self.cap = CAPS[workers] * problem.full
        self.target = problem.best + NEAR * (problem.typical - problem.best)
        self.curves = {}
        self.reached = {}
        self.segments = []
        self.better = []
        self.hit = float("inf")
        self.running = []
        self.started = 0
        self.now = 0.0

    def play(self):
        """The questions, until the cap or the target is reached or nothing is left to do."""
        idle = list(range(self.workers))
        while True:
            while idle:
                job = yield "ask", idle[-1]
                if job is None:
                    break
                self.begin(idle.pop(), job)
            if not self.running:
                return
            now, _, worker, trial, step = heapq.heappop(self.running)
            self.now = min(now, self.cap, self.hit)
            if now > self.now:
                return
            to = yield "report", trial, step, float(self.curves[trial][0][step - 1])
            if to is None:
                idle.append(worker)
            else:
                self.run(worker, trial, step, to)

    def begin(self, worker, job):
        trial = job["trial"]
        if trial not in self.curves:
            self.curves[trial] = self.problem.curve(job["params"])
        if job["from"] > self.reached.get(trial, 0):
            raise ValueError(f"Trial {trial} has no checkpoint after step {job['from']}.")
        self.run(worker, trial, job["from"], job["to"])

    def run(self, worker, trial, begin, end):
        losses, seconds = self.curves[trial]
        if not 0 <= begin < end <= len(losses):
            raise ValueError(f"Trial {trial} cannot run from step {begin} to {end}.")
        times = self.now + numpy.cumsum(seconds[begin:end])
        self.reached[trial] = max(end, self.reached.get(trial, 0))
        self.segments.append((self.now, times[-1], end - begin))
        least = float("inf")
        for time, loss in zip(times, losses[begin:end]):
            if loss < least:
                least = loss
                self.better.append((time, loss))
            if loss <= self.target:
                self.hit = min(self.hit, time)
                break
        self.started += 1
        heapq.heappush(self.running, (times[-1], self.started, worker, trial, end))

    def trace(self):
        """Each improvement of the lowest loss that any trial has had after any step: [time, resource, loss]."""
        begin, end, steps = (numpy.array(column) for column in zip(*self.segments))
        found, least = [], float("inf")
        for time, loss in sorted(self.better):
            if time > self.now:
                break
            if loss < least:
                least = loss
                share = numpy.clip((time - begin) / (end - begin), 0, 1)
                resource = (share * steps).sum() / self.problem.steps
                found.append([time / self.problem.full, resource, loss])
        return found

    def busy(self):
        """The share of the workers' time in which they train."""
        spent = sum(min(self.now, end) - begin for begin, end, _ in self.segments if begin < self.now)
        return spent / (self.workers * self.now) if self.now > 0 else 1

    def result(self):
        return {
            "cap": self.cap / self.problem.full,
            "best": self.problem.best,
            "typical": self.problem.typical,
            "jobs": self.started,
            "trials": len(self.curves),
            "until": self.now / self.problem.full,
            "busy": self.busy(),
            "trace": self.trace(),
        }
