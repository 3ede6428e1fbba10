"""Studies: creating, working on, and reading them."""

from __future__ import annotations

import re
import socket
import urllib.parse
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, SupportsFloat

from hone.asking import Asker
from hone.client import Client, quote
from hone.errors import Error
from hone.numbers import to_metrics
from hone.signals import terminable
from hone.team import Objective, Team
from hone.trials import REPORT_EVERY_SECONDS, Trial

MAX_WORKER_NAME = 58  # of 64 characters: the rest numbers the slots


class Result(NamedTuple):
    """A trial that has completed, or a configuration with the means of its runs."""

    number: int
    params: dict[str, Any]
    values: dict[str, float]
    standard_errors: dict[str, float] | None = None
    """Of the means, from two runs on; None where each configuration has one run (no `evaluation`)."""


class Segment(NamedTuple):
    """A part of a run: from a step to another one with the same settings."""

    number: int
    """The trial that ran it."""
    start: int
    end: int
    params: dict[str, Any]
    values: dict[str, float] | None


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
    warm_start: Sequence[str | Study | Mapping[str, Any]] | None = None,
    client: Client | None = None,
    **others: Any,
) -> Study:
    """Creates a study whose trials this program, and others, ask for.

    `space`: a parameter for each name, such as `hone.float(0, 1)`. `minimize`, `maximize`: one metric or several.
    `trials`: the budget; `parallel`: how many at once. `warm_start`: earlier studies of the team whose results this one
    begins with: studies, their ids, or entries such as `{"study": id, "rename": {"name there": "name here"}}`. `others` are further fields of the API's body, such as `lease`
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
        "warmStart": None if warm_start is None else {"studies": [_earlier(study) for study in warm_start]},
        **others,
    }
    body = {"name": name, "space": space, "objectives": objectives, "budget": budget}
    body.update({field: value for field, value in optional.items() if value is not None})
    client = client or Client()
    return Study(client, client.request("POST", "/studies", body))


def _earlier(study: str | Study | Mapping[str, Any]) -> Mapping[str, Any]:
    """An earlier study as the API's body names it."""
    if isinstance(study, str):
        return {"study": study}
    return {"study": study.id} if isinstance(study, Study) else study


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
        self._asker = Asker(client, self.path)

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
        run come to their end, and it is raised. Ctrl-C and SIGTERM give the trials in hand back. `name` and
        `report_every` are those of `trials`.
        """
        team = Team(self._asker, objective, self.metrics, catch, report_every)
        with terminable():
            team.run(_slots(name, workers))

    def trials(
        self,
        *,
        workers: int = 1,
        name: str | None = None,
        report_every: float | None = REPORT_EVERY_SECONDS,
    ) -> Iterator[Trial]:
        """Yields trials until the study is finished, with at most `workers` of them open at a time.

        With one worker, the body of the loop runs the trial. One that has no result when the loop goes on is finished
        (`Trial.finish`); one that is open when the loop is left, by Ctrl-C or SIGTERM too, is given back.
        With more, the body gives the trial to a thread of yours, which ends it; the loop waits while all are open.

        `name`: a worker that is started again with the same name gets its running trials back. `report_every`: seconds
        between two reports that no scheduler waits for; 0 sends all, None none.
        """
        slots = _slots(name, workers)
        if workers == 1:
            return self._asker.one_by_one(slots[0], report_every)
        return self._asker.side_by_side(slots, report_every)

    def ask(self, *, report_every: float | None = REPORT_EVERY_SECONDS) -> Trial | None:
        """One trial, or None when there is nothing to hand out now. You end it: `with trial:`, or `tell`."""
        attempt, _ = self._asker.ask(None)
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
        return [
            Result(trial["number"], trial["params"], trial["values"], trial.get("standardErrors"))
            for trial in self._pages("best")
        ]

    def schedule(self, trial: int | None = None) -> list[Segment]:
        """The settings that led to a trial, by default to the best one, where trials go on from one another (`pbt`).

        A run repeats them as one trial: it trains from each `start` to `end` with the `params` of that segment.
        """
        query = "" if trial is None else f"trial={trial}"
        return [
            Segment(one["number"], one["from"] or 0, one["to"], one["params"], one["values"])
            for one in self._pages("lineage", query)
        ]

    @property
    def nested(self) -> dict[str, Any]:
        """What nested cross-validation has found: `folds` with their winners, `mean`, `sd`, `standardError` and `gap`."""
        found: dict[str, Any] | None = self.info().get("nested")
        if found is None:
            raise Error("The study is no nested cross-validation: create it with evaluation=hone.nested_cv(...).")
        return found

    def results(self) -> list[dict[str, Any]]:
        """All trials, as the API shows them: `number`, `state`, `params`, `values`, `reason` and more."""
        return list(self._pages("trials"))

    def info(self) -> dict[str, Any]:
        """The study as the API shows it: `state`, counts of `trials`, `message` and more."""
        return self.client.request("GET", self.path)

    # How

    def _pages(self, what: str, query: str = "") -> Iterator[dict[str, Any]]:
        cursor = ""
        while True:
            parts = [query, cursor and f"cursor={urllib.parse.quote(cursor, safe='')}"]
            wanted = "&".join(part for part in parts if part)
            page = self.client.request("GET", f"{self.path}/{what}{wanted and '?' + wanted}")
            yield from page["trials"]
            cursor = page.get("cursor") or ""
            if not cursor:
                return


def _slots(name: str | None, workers: int) -> list[str]:
    """A worker's name for each slot, because a worker that asks again gets its own running trials first."""
    if workers < 1:
        raise ValueError(f"workers: {workers} is below 1")
    name = name or f"{socket.gethostname()[:40]}-{uuid.uuid4().hex[:8]}"
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", name)[:MAX_WORKER_NAME]
    return [f"{name}.{slot}" for slot in range(1, workers + 1)]
