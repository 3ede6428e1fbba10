"""A trial in our hands."""

from __future__ import annotations

import logging
import time
import weakref
from collections.abc import Mapping
from types import TracebackType
from typing import Any, SupportsFloat

from hone.attempt import Attempt, describe, shorten
from hone.errors import Error, Refused, Stopped, Unreachable
from hone.numbers import Metric, to_metrics

log = logging.getLogger("hone")

NO_RESULT = "no result: the trial was neither told nor reported"


class Trial:
    """One configuration under evaluation. Its lease is renewed in the background until it has a result.

    `with trial:` catches Stopped, tells an exception of its body as the trial's failure, gives the trial back on
    Ctrl-C, and, when the body told no result, tells the last reported values.
    """

    def __init__(self, attempt: Attempt, report_every: float | None) -> None:
        """Trials come from `Study.trials`, `Study.optimize` and `Study.ask`."""
        lease = attempt.lease
        self.number: int = lease["number"]
        self.attempt: int = lease["attempt"]
        self.params: dict[str, Any] = lease["params"]
        self.resource: int | None = lease.get("resource")
        """How far to run it now, in the scheduler's unit; None: to its own end."""
        self.checkpoint: str | None = lease.get("checkpoint")
        """Where an earlier attempt left its state."""
        self.algorithm: str = lease["algorithm"]
        self.why: str = lease["why"]
        self.values: dict[str, Metric] = {}
        """The last reported value of each metric."""
        self._attempt = attempt
        self._report_every = report_every
        self._reported = float("-inf")  # when the last report was sent
        # A trial that the program forgets must not be renewed for ever.
        weakref.finalize(self, attempt.abandon).atexit = False

    def __repr__(self) -> str:
        return f"<Trial {self.number}, attempt {self.attempt}, {self.state}: {self.params}>"

    @property
    def state(self) -> str:
        """`running`, or what became of it: `completed`, `failed`, `pruned`, `paused`, `queued`, `released`, `lost`."""
        return self._attempt.state

    def report(
        self,
        step: float,
        values: Mapping[str, SupportsFloat] | None = None,
        *,
        checkpoint: str | None = None,
        **metrics: SupportsFloat,
    ) -> None:
        """Reports metrics of a step, as keywords or as a mapping. Raises Stopped when the trial should end now.

        Call it at every step: it is sent when a scheduler waits for it, when it names a checkpoint, and otherwise at
        most once in `report_every` seconds. The others only become `values`.
        """
        given = to_metrics({**(values or {}), **metrics})
        self.values.update(given)
        self._attempt.raise_if_over()
        if checkpoint is not None or self._is_due(step):
            self._reported = time.monotonic()
            body = {"step": step, "values": given}
            self._attempt.report(body if checkpoint is None else {**body, "checkpoint": checkpoint})
            self._attempt.raise_if_over()

    def tell(
        self,
        values: Mapping[str, SupportsFloat] | None = None,
        *,
        checkpoint: str | None = None,
        **metrics: SupportsFloat,
    ) -> None:
        """Tells the result: every metric of objectives and outcomes. Without any, it is the last reported values."""
        given = to_metrics({**(values or {}), **metrics}) or self.values
        if not given:
            raise ValueError(f"trial {self.number}: tell needs a value, for example trial.tell(loss=0.2)")
        self._end({"values": given}, checkpoint)

    def prune(self, reason: str, *, checkpoint: str | None = None) -> None:
        """Tells that the program ended the trial by a rule of its own, with the last reported values."""
        pruned = {"pruned": {"reason": shorten(reason)}}
        if self.values:
            try:
                self._end({**pruned, "values": self.values}, checkpoint)
                return
            except Refused as refusal:  # it was stopped before it had every objective
                log.info("Hone: trial %d: pruned without its values: %s", self.number, refusal)
        self._end(pruned, checkpoint)

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

    def _is_due(self, step: float) -> bool:
        at = self._attempt.report_at
        if at is not None and step >= at:
            return True
        return self._report_every is not None and time.monotonic() - self._reported >= self._report_every

    def _end(self, result: dict[str, Any], checkpoint: str | None) -> None:
        if self._is_awaited():
            self._attempt.end(result if checkpoint is None else {**result, "checkpoint": checkpoint})

    def _is_awaited(self) -> bool:
        """Whether a result is still wanted: not after Hone stopped or paused it. Raises Error if one was told."""
        if self._attempt.told:
            raise Error(f"trial {self.number} has been told already: it is {self.state}")
        return self._attempt.is_open

    def _leave_by(self, error: BaseException) -> None:
        """Tells a failure of the trial; one of the connection, Ctrl-C and the like give it back. Hides no error."""
        if isinstance(error, Unreachable) or not isinstance(error, Exception):
            self._attempt.release()
        elif self._attempt.is_open:
            try:
                self.fail(describe(error))
            except Error as problem:
                log.warning("Hone: trial %d: its failure was not told: %s", self.number, problem)
