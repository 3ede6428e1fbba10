"""Studies: creating them, and working on their trials."""

from __future__ import annotations

import logging
import re
import socket
import threading
import urllib.parse
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, SupportsFloat

from hone.attempt import Attempt
from hone.client import Client, quote
from hone.errors import Error
from hone.numbers import to_metrics
from hone.trial import Trial

log = logging.getLogger("hone")

IDLE_SECONDS = 5.0  # between two asks when the service gives no time
REPORT_EVERY_SECONDS = 1.0
SIGNAL_SECONDS = 0.5  # a Ctrl-C that another thread receives does not end a wait of the main thread
MAX_WORKER_NAME = 58  # of 64 characters: the rest numbers the slots

Objective = Callable[[Trial], SupportsFloat | Mapping[str, SupportsFloat] | None]


class Result(NamedTuple):
    """A trial that has completed."""

    number: int
    params: dict[str, Any]
    values: dict[str, float]


def create_study(
    name: str,
    space: Mapping[str, Mapping[str, Any]],
    *,
    trials: int,
    minimize: str | Sequence[str] = (),
    maximize: str | Sequence[str] = (),
    algorithm: str | Mapping[str, Any] | None = None,
    scheduler: str | Mapping[str, Any] | None = None,
    parallel: int | None = None,
    outcomes: Sequence[Mapping[str, Any]] | None = None,
    constraints: Sequence[Mapping[str, float]] | None = None,
    forbidden: Sequence[Mapping[str, Any]] | None = None,
    client: Client | None = None,
    **others: Any,
) -> Study:
    """Creates a study whose trials this program, and others, ask for.

    `space`: a parameter for each name, such as `hone.float(0, 1)`. `minimize`, `maximize`: one metric or several.
    `trials`: the budget; `parallel`: how many at once. `others` are further fields of the API's body, such as `lease`
    and `repeats`. Raises Refused.
    """
    budget = {"trials": trials} if parallel is None else {"trials": trials, "parallel": parallel}
    objectives = [
        {"metric": metric, "direction": direction}
        for direction, metrics in (("minimize", minimize), ("maximize", maximize))
        for metric in ([metrics] if isinstance(metrics, str) else metrics)
    ]
    optional = {
        "algorithm": {"name": algorithm} if isinstance(algorithm, str) else algorithm,
        "scheduler": {"name": scheduler} if isinstance(scheduler, str) else scheduler,
        "outcomes": outcomes,
        "constraints": constraints,
        "forbidden": forbidden,
        **others,
    }
    body = {"name": name, "space": space, "objectives": objectives, "budget": budget}
    body.update({field: value for field, value in optional.items() if value is not None})
    client = client or Client()
    return Study(client, client.request("POST", "/studies", body))


def load_study(study: str, *, client: Client | None = None) -> Study:
    """The study with this id, to work on it from another process, or again. Raises Refused."""
    client = client or Client()
    return Study(client, client.request("GET", f"/studies/{quote(study)}"))


class Study:
    """A study of the service. Threads may share it."""

    def __init__(self, client: Client, body: Mapping[str, Any]) -> None:
        """`body`: the study as the API shows it; see `create_study` and `load_study`."""
        self.client = client
        self.id: str = body["study"]
        self.metrics: list[str] = [objective["metric"] for objective in body["objectives"]]
        """The metrics of the objectives."""
        self.path = f"/studies/{quote(self.id)}"
        """Its path below the team, for `client.request`."""
        self._changed = threading.Condition()  # a trial of ours has ended, or there will be no other
        self._changes = 0

    def __repr__(self) -> str:
        return f"<Study {self.id}>"

    # Work

    def optimize(
        self,
        objective: Objective,
        *,
        workers: int = 1,
        catch: type[Exception] | tuple[type[Exception], ...] = (),
        name: str | None = None,
        report_every: float | None = REPORT_EVERY_SECONDS,
    ) -> None:
        """Calls `objective(trial)` for every trial until the study is finished, in `workers` threads.

        The result is what it returns: a number, or a mapping of metrics; for None, what it told or last reported. An
        exception is told as the trial's failure. Unless `catch` names its type, no further trial is begun, those that
        run come to their end, and it is raised. Ctrl-C gives the trials in hand back. `name` and `report_every` are
        those of `trials`.
        """
        slots = _slots(name, workers)
        if workers == 1:
            self._work(_Team(objective, catch, report_every), slots[0])
            return
        team = _Team(objective, catch, report_every)
        threads = [threading.Thread(target=self._work_aside, args=(team, slot), daemon=True) for slot in slots]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                while thread.is_alive():
                    thread.join(SIGNAL_SECONDS)
        except BaseException:
            team.stopping.set()
            for attempt in list(team.in_hand.values()):
                attempt.release()
            raise
        if team.errors:
            raise team.errors[0]

    def trials(
        self,
        *,
        workers: int = 1,
        name: str | None = None,
        report_every: float | None = REPORT_EVERY_SECONDS,
    ) -> Iterator[Trial]:
        """Yields trials until the study is finished, with at most `workers` of them open at a time.

        With one worker, the body of the loop runs the trial. One that has no result when the loop goes on is finished
        (`Trial.finish`); one that is open when the loop is left is given back: handed out again once its lease expires.
        With more, the body gives the trial to a thread of yours, which ends it; the loop waits while all are open.

        `name`: a worker that is started again with the same name gets its running trials back. `report_every`: seconds
        between two reports that no scheduler waits for; 0 sends all, None none.
        """
        slots = _slots(name, workers)
        return self._one_by_one(slots[0], report_every) if workers == 1 else self._side_by_side(slots, report_every)

    def ask(self, *, report_every: float | None = REPORT_EVERY_SECONDS) -> Trial | None:
        """One trial, or None when there is nothing to hand out now. You end it: `with trial:`, or `tell`."""
        attempt, _ = self._ask(None)
        return None if attempt is None else Trial(attempt, report_every)

    def enqueue(self, params: Mapping[str, Any]) -> None:
        """Has this configuration tried before any other."""
        self.client.request("POST", f"{self.path}/trials", {"trials": [{"params": params}]})

    def add_result(
        self, params: Mapping[str, Any], values: Mapping[str, SupportsFloat] | None = None, **metrics: SupportsFloat
    ) -> None:
        """Adds a result that you already have. It does not count towards the budget."""
        told = to_metrics({**(values or {}), **metrics})
        self.client.request("POST", f"{self.path}/trials", {"trials": [{"params": params, "values": told}]})

    # Results

    @property
    def best(self) -> Result | None:
        """The best trial; None as long as there is none. A study with several objectives has `best_trials`."""
        if len(self.metrics) > 1:
            raise Error("The study has several objectives: best_trials is its Pareto set.")
        return next(iter(self.best_trials), None)

    @property
    def best_trials(self) -> list[Result]:
        """The Pareto set of a study with several objectives; otherwise the best trial, if there is one."""
        return [Result(trial["number"], trial["params"], trial["values"]) for trial in self._pages("best")]

    def results(self) -> list[dict[str, Any]]:
        """All trials, as the API shows them: `number`, `state`, `params`, `values`, `reason` and more."""
        return list(self._pages("trials"))

    def info(self) -> dict[str, Any]:
        """The study as the API shows it: `state`, counts of `trials`, `message` and more."""
        return self.client.request("GET", self.path)

    # How

    def _pages(self, what: str) -> Iterator[dict[str, Any]]:
        cursor = ""
        while True:
            query = cursor and f"?cursor={urllib.parse.quote(cursor, safe='')}"
            page = self.client.request("GET", f"{self.path}/{what}{query}")
            yield from page["trials"]
            cursor = page.get("cursor") or ""
            if not cursor:
                return

    def _one_by_one(self, slot: str, report_every: float | None) -> Iterator[Trial]:
        while (attempt := self._next(slot)) is not None:
            trial = Trial(attempt, report_every)
            try:
                yield trial
            except GeneratorExit:  # by `break`, or by an exception that we cannot see
                attempt.leave()
                raise
            trial.finish()

    def _side_by_side(self, slots: list[str], report_every: float | None) -> Iterator[Trial]:
        busy: dict[str, Attempt] = {}
        while True:
            with self._changed:
                while not (free := [slot for slot in slots if slot not in busy or busy[slot].state != "running"]):
                    self._changed.wait(SIGNAL_SECONDS)
            attempt = self._next(free[0])
            if attempt is None:
                return
            busy[free[0]] = attempt
            yield Trial(attempt, report_every)

    def _next(self, slot: str, stopping: threading.Event | None = None) -> Attempt | None:
        """Waits for a trial. Returns None when the study is finished, or when we are stopping."""
        while stopping is None or not stopping.is_set():
            changes = self._changes
            attempt, wait = self._ask(slot)
            if attempt is not None:
                return attempt
            if wait is None:
                self._wake_all()
                return None
            with self._changed:
                if self._changes == changes:
                    self._changed.wait(wait)
        return None

    def _ask(self, worker: str | None) -> tuple[Attempt | None, float | None]:
        """A trial, or how many seconds to wait; neither when the study is finished."""
        body = {"count": 1} if worker is None else {"count": 1, "worker": worker}
        reply = self.client.request("POST", f"{self.path}/ask", body)
        for lease in reply["trials"]:
            return Attempt(self.client, self.path, lease, self._on_end), None
        finished = reply["state"] in ("finished", "deleting")
        return None, None if finished else reply.get("retryAfter") or IDLE_SECONDS

    def _on_end(self) -> None:
        """Has one of those that wait ask again."""
        with self._changed:
            self._changes += 1
            self._changed.notify()

    def _wake_all(self) -> None:
        with self._changed:
            self._changes += 1
            self._changed.notify_all()

    def _work(self, team: _Team, slot: str) -> None:
        while (attempt := self._next(slot, team.stopping)) is not None:
            team.in_hand[slot] = attempt
            if team.stopping.is_set():  # meanwhile
                attempt.release()
                return
            trial = Trial(attempt, team.report_every)
            try:
                with trial:
                    returned = team.objective(trial)
                    if returned is not None:
                        trial.tell(self._metrics_of(returned))
            except team.catch as error:
                log.warning("Hone: trial %d failed: %s: %s", trial.number, type(error).__name__, error)

    def _work_aside(self, team: _Team, slot: str) -> None:
        try:
            self._work(team, slot)
        except BaseException as error:
            log.error("Hone: no further trial is begun, because of %s: %s", type(error).__name__, error)
            team.errors.append(error)
            team.stopping.set()
            self._wake_all()

    def _metrics_of(self, returned: SupportsFloat | Mapping[str, SupportsFloat]) -> Mapping[str, SupportsFloat]:
        if isinstance(returned, Mapping):
            return returned
        if len(self.metrics) > 1:
            raise TypeError(f"the study has several objectives: return a dict with {', '.join(self.metrics)}")
        return {self.metrics[0]: returned}


class _Team:
    """What the threads of one `optimize` share."""

    def __init__(
        self,
        objective: Objective,
        catch: type[Exception] | tuple[type[Exception], ...],
        report_every: float | None,
    ) -> None:
        self.objective, self.catch, self.report_every = objective, catch, report_every
        self.stopping = threading.Event()
        self.in_hand: dict[str, Attempt] = {}
        self.errors: list[BaseException] = []


def _slots(name: str | None, workers: int) -> list[str]:
    """A worker's name for each slot, because a worker that asks again gets its own running trials first."""
    if workers < 1:
        raise ValueError(f"workers: {workers} is below 1")
    name = name or f"{socket.gethostname()[:40]}-{uuid.uuid4().hex[:8]}"
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", name)[:MAX_WORKER_NAME]
    return [f"{name}.{slot}" for slot in range(1, workers + 1)]
