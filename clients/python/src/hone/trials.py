"""A trial in our hands."""

from __future__ import annotations

import functools
import logging
import time
import weakref
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Protocol, SupportsFloat

from hone.checkpoints import Checkpoint, is_place
from hone.errors import Error, Refused, Stopped, Unreachable
from hone.numbers import Metric, to_metrics
from hone.splits import Indices, inner_folds

log = logging.getLogger("hone")

REPORT_EVERY_SECONDS = 1.0
NO_RESULT = "no result: the trial was neither told nor reported"


class Handle(Protocol):
    """What a trial is reported and told through: to Hone (`Attempt`), or to the runner (`Printer`)."""

    @property
    def lease(self) -> Mapping[str, Any]: ...
    @property
    def state(self) -> str: ...
    @property
    def told(self) -> bool: ...
    @property
    def is_open(self) -> bool: ...
    def awaits(self, step: float) -> bool: ...
    def report(self, body: dict[str, Any]) -> None: ...
    def keep(self, checkpoint: Checkpoint, waits: bool) -> str | bool | None: ...
    def commit(self, checkpoint: str | bool) -> None: ...
    def restore(self) -> str | None: ...
    def remove_files(self) -> None: ...
    def end(self, result: dict[str, Any]) -> None: ...
    def fail(self, reason: str) -> None: ...
    def shown(self, reason: str) -> str: ...
    def fail_by(self, error: Exception) -> None: ...
    def release(self) -> None: ...
    def let_go(self) -> None: ...
    def abandon(self) -> None: ...
    def raise_if_over(self) -> None: ...


class Trial:
    """One configuration under evaluation. Its lease is renewed in the background until it has a result.

    `with trial:` catches Stopped, tells an exception of its body as the trial's failure, gives the trial back on
    Ctrl-C, and, when the body told no result, tells the last reported values.
    """

    def __init__(self, attempt: Handle, report_every: float | None) -> None:
        """Trials come from `Study.trials`, `Study.optimize`, `Study.ask` and `hone.trial`."""
        lease = attempt.lease
        self.number: int = lease["number"]
        self.attempt: int = lease["attempt"]
        self.params: dict[str, Any] = lease["params"]
        self.resource: int | None = lease.get("resource")
        """How far to run it now, in the scheduler's unit; None: to its own end."""
        self.parent: int | None = lease.get("parent")
        """The trial that it goes on from, whose state is its `checkpoint`; None when it begins a run (`pbt`)."""
        self.resumes_at: float | None = lease.get("resumesAt")
        """How far that one ran: it runs from there to `resource`. None where trials are no segments of runs."""
        self.split: dict[str, Any] | None = lease.get("split")
        """Which samples it is about, in nested cross-validation: `phase`, `repeat`, `outer`, `inner` and more."""
        self.configuration: int | None = lease.get("configuration")
        """Where a configuration has several runs (`evaluation`): the number of its first trial."""
        self.instance: int | None = lease.get("instance")
        """The replicate, fold or other instance it is run on, from 0."""
        self.instance_name: str | None = lease.get("instanceName")
        self.seed: int | None = lease.get("seed")
        """Seeds the run: the same for all configurations on this instance."""
        self.algorithm: str = lease.get("algorithm", "")
        self.why: str = lease.get("why", "")
        """Who proposed it, and why; empty in a trial of `hone.trial`."""
        self.values: dict[str, Metric] = {}
        """The last reported value of each metric."""
        self._attempt = attempt
        self._report_every = report_every
        self._reported = float("-inf")  # when the last report was sent
        # A trial that the program forgets must not be renewed for ever.
        weakref.finalize(self, attempt.abandon).atexit = False
        weakref.finalize(self, attempt.remove_files)

    def __repr__(self) -> str:
        return f"<Trial {self.number}, attempt {self.attempt}, {self.state}: {self.params}>"

    @property
    def state(self) -> str:
        """`running`, or what became of it: `completed`, `failed`, `pruned`, `paused`, `queued`, `released`, `lost`."""
        return self._attempt.state

    def indices(self, *, labels: Iterable[Any] | None = None, groups: Iterable[Any] | None = None) -> Indices:
        """The samples to train on and to score on, in nested cross-validation.

        `labels`, `groups`: one for each sample, in their order; stratified folds need the labels, grouped folds the groups.
        Raises ValueError when they are missing or not those of the study.
        """
        folds = self.folds(labels=labels, groups=groups)
        if len(folds) > 1:
            raise ValueError(f"trial {self.number} is scored on {len(folds)} inner folds: use folds, not indices")
        return folds[0]

    def folds(self, *, labels: Iterable[Any] | None = None, groups: Iterable[Any] | None = None) -> list[Indices]:
        """The same for every fold that the trial is scored on: all inner folds where it is scored on them together."""
        if self.split is None:
            raise ValueError(f"trial {self.number} has no split: its study is no nested cross-validation")
        return inner_folds(self.split, labels, groups)

    @functools.cached_property
    def checkpoint(self) -> str | None:
        """Where the state of an earlier attempt is, or None: the path of the file or folder that was saved, which is
        downloaded when this is first read, or the program's own text. Raises Unreachable.
        """
        return self._attempt.restore()

    def save(self, checkpoint: Checkpoint) -> None:
        """Has the next attempt continue from this file or folder: it is uploaded in the background, the newest first.

        It may be changed when this returns. One that cannot be uploaded, because it has more than 5 GB, is logged, and
        the one before stays. Raises FileNotFoundError.
        """
        self._attempt.raise_if_over()
        name = self._attempt.keep(checkpoint, waits=False)
        if name is not None:
            self._attempt.commit(name)

    def report(
        self,
        step: float,
        values: Mapping[str, SupportsFloat] | None = None,
        *,
        checkpoint: Checkpoint | None = None,
        **metrics: SupportsFloat,
    ) -> None:
        """Reports metrics of a step, as keywords or as a mapping. Raises Stopped when the trial should end now.

        Call it at every step: it is sent when a scheduler waits for it, when it names a checkpoint of your own, and
        otherwise at most once in `report_every` seconds. The others only become `values`.

        `checkpoint`: the state after this step, as in `save`; or a text such as `s3://bucket/key`, for state that you
        keep yourself. A report that a scheduler waits for is sent when the file or folder has been uploaded.
        """
        given = to_metrics({**(values or {}), **metrics})
        self.values.update(given)
        self._attempt.raise_if_over()
        awaited = self._attempt.awaits(step)
        name = None if checkpoint is None else self._attempt.keep(checkpoint, waits=awaited)
        if name is not None or awaited or self._is_time():
            self._reported = time.monotonic()
            body = {"step": step, "values": given}
            self._attempt.report(body if name is None else {**body, "checkpoint": name})
            self._attempt.raise_if_over()

    def tell(
        self,
        values: Mapping[str, SupportsFloat] | None = None,
        *,
        checkpoint: Checkpoint | None = None,
        **metrics: SupportsFloat,
    ) -> None:
        """Tells the result: every metric of objectives and outcomes. Without any, it is the last reported values.

        `checkpoint`: as in `report`, for a scheduler that may go on with the trial.
        """
        given = to_metrics({**(values or {}), **metrics}) or self.values
        if not given:
            raise ValueError(f"trial {self.number}: tell needs a value, for example trial.tell(loss=0.2)")
        self._end({"values": given}, checkpoint)

    def prune(self, reason: str) -> None:
        """Tells that the program ended the trial by a rule of its own, with the last reported values."""
        pruned = {"pruned": {"reason": self._attempt.shown(reason)}}
        if self.values:
            try:
                self._end({**pruned, "values": self.values})
                return
            except Refused as refusal:  # it was stopped before it had every objective
                log.info("Hone: trial %d: pruned without its values: %s", self.number, refusal)
        self._end(pruned)

    def fail(self, reason: str) -> None:
        """Tells that the trial failed."""
        if self._is_awaited():
            self._attempt.fail(reason)

    def finish(self) -> None:
        """Tells the last reported values, or that there are none, unless it has ended. `with trial:` does this."""
        if self.state != "running":
            return
        if not self.values:
            self.fail(NO_RESULT)
            return
        try:
            self.tell()
        except Error as error:
            self._leave_by(error)
            raise

    def __enter__(self) -> Trial:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is None:
            self.finish()
        elif isinstance(error, Stopped):
            if self.state == "running":
                self.prune(str(error) or "stopped by the program")
            return True
        else:
            self._leave_by(error)
        return False

    def _is_time(self) -> bool:
        return self._report_every is not None and time.monotonic() - self._reported >= self._report_every

    def _end(self, result: dict[str, Any], checkpoint: Checkpoint | None = None) -> None:
        if not self._is_awaited():
            return
        name = None
        # Without a scheduler nothing continues from what a trial with a result has saved.
        if checkpoint is not None and (self.resource is not None or is_place(checkpoint)):
            name = self._attempt.keep(checkpoint, waits=True)
        self._attempt.end(result if name is None else {**result, "checkpoint": name})

    def _is_awaited(self) -> bool:
        """Whether a result is still wanted: not after Hone stopped or paused it. Raises Error if one was told."""
        if self._attempt.told:
            raise Error(f"trial {self.number} has been told already: it is {self.state}")
        return self._attempt.is_open

    def _leave_by(self, error: BaseException) -> None:
        """Tells a failure of the trial; one of the connection, Ctrl-C and the like give it back. Hides no error."""
        if isinstance(error, Unreachable):
            self._attempt.let_go()
        elif not isinstance(error, Exception):
            self._attempt.release()
        elif self._attempt.is_open:
            try:
                self._attempt.fail_by(error)
            except Error as problem:
                log.warning("Hone: trial %d: its failure was not told: %s", self.number, problem)
