"""One attempt of a trial that is in our hands: its lease, and what is sent for it."""

from __future__ import annotations

import atexit
import logging
import queue
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any

from hone.checkpoints import Checkpoint, Transfers, is_place
from hone.client import Client
from hone.errors import Error, Refused, Stopped, Unreachable
from hone.runner import KEPT_BY_HONE, Cancelled, without_secrets

log = logging.getLogger("hone")

SHORTEST_LEASE_SECONDS = 10.0
BEATS_PER_LEASE = 3  # so that two heartbeats may be lost
REPORT_SECONDS = 60.0  # how long a report is tried; it never ends a training that it cannot reach Hone
EXIT_SECONDS = 5.0
RELEASE_SECONDS = 5.0  # how long it is tried to give a trial back
UPLOAD_SECONDS = 20.0  # how long its checkpoint may take before; a container is killed 30 s after a SIGTERM
LEFT_SECONDS = 2.0  # in which an exception that ended a loop ends the program, too
MAX_REASON = 1024  # in UTF-16 units, as the service counts
GONE = (401, 403, 404, 409)  # to a heartbeat or a report: the attempt is no longer ours

INTERRUPTED = "The client was interrupted."
ABANDONED = "no result: the program dropped the trial without telling one"


class Attempt:
    """Holds the lease of a trial, with a thread that renews it, until the attempt ends or is released."""

    def __init__(
        self,
        client: Client,
        path: str,
        lease: Mapping[str, Any],
        on_end: Callable[[], None],
        *,
        is_job: bool = False,
    ) -> None:
        """`path`: the study's, below the team. `lease`: the trial in the reply to an ask or a claim.

        `is_job`: Hone sees by itself how this process ends, so that nothing need be given back.
        """
        self.lease = lease
        self.state = "running"
        """`running`, `released`, what the service made of the trial (`completed`, `pruned`, ...), or `lost`."""
        self.reason = ""
        self.told = False
        self.report_at: float | None = lease.get("reportAt")
        self._client, self._on_end, self._is_job = client, on_end, is_job
        self._path = f"{path}/trials/{lease['number']}"
        seconds = max(SHORTEST_LEASE_SECONDS, client.seconds_until(lease["leaseExpires"]))
        self._every: float = lease.get("heartbeatSeconds") or seconds / BEATS_PER_LEASE
        self._renewed = time.monotonic()
        self._abandoned = False
        self._let_go = False
        self._given_back = False
        self._transfers: Transfers | None = None
        self._over: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        _open.add(self)
        self._thread = threading.Thread(target=self._renew, name=f"hone {self._path}", daemon=True)
        self._thread.start()

    @property
    def is_open(self) -> bool:
        """Whether a result may be told."""
        return self.state == "running" or (self.state == "released" and not self._given_back)

    def awaits(self, step: float) -> bool:
        """Whether the scheduler waits for the report of this step."""
        return self.report_at is not None and step >= self.report_at

    def report(self, body: dict[str, Any]) -> None:
        """Sends a report. A service that cannot be reached costs the report, not the training."""
        self._post("report", body, within=REPORT_SECONDS)

    def keep(self, checkpoint: Checkpoint, waits: bool) -> str | None:
        """Takes a checkpoint. Returns by what name a report or a tell commits it.

        A file or folder is committed when it has arrived, unless the caller `waits` for that; it may be changed then.
        """
        return str(checkpoint) if is_place(checkpoint) else self._moving().save(checkpoint, waits)

    def commit(self, checkpoint: str | bool) -> None:
        """Has the next attempt begin with this checkpoint."""
        try:
            self._post("heartbeat", {"checkpoint": checkpoint}, within=REPORT_SECONDS)
        except Refused as refusal:
            log.warning("Hone: %s: the checkpoint was refused: %s", self._path, refusal)

    def restore(self) -> str | None:
        """The checkpoint to continue from: its path when Hone keeps it, otherwise the text that the program gave."""
        known: str | None = self.lease.get("checkpoint")
        if known is None or not known.startswith(KEPT_BY_HONE):
            return known
        try:
            return self._moving().restore()
        except Cancelled:
            raise Stopped(self.reason) from None

    def remove_files(self) -> None:
        """Removes what was downloaded."""
        if self._transfers is not None:
            self._transfers.close()

    def end(self, result: dict[str, Any], within: float | None = None) -> None:
        """Tells the result. When the attempt was lost meanwhile, its result is not needed, and nothing is raised."""
        self._finish_uploads(result, self._client.patience if within is None else within)
        try:
            body = {"attempt": self.lease["attempt"], **result}
            state = self._client.request("POST", f"{self._path}/tell", body, within=within)["state"]
        except Refused as refusal:
            if refusal.status not in (404, 409):
                raise
            log.warning("Hone: %s: the result is no longer needed: %s", self._path, refusal.detail)
            self._settle("lost", refusal.detail)
        else:
            self.told = True
            self._settle(state, "")

    def fail(self, reason: str, within: float | None = None) -> None:
        """Tells that the trial failed."""
        self.end({"failed": {"reason": self.shown(reason)}}, within)

    def shown(self, reason: str) -> str:
        """A reason as it is told: without secrets, and no longer than the service takes."""
        return shorten(without_secrets(reason, (self._client.settings.token,)))

    def fail_by(self, error: Exception) -> None:
        """Tells that an exception has ended the trial."""
        self.fail(describe(error))

    def release(self) -> None:
        """Gives the trial back, so that the next ask has it at once, and waits until that is done or hopeless."""
        self.let_go()
        self._thread.join(UPLOAD_SECONDS + RELEASE_SECONDS)

    def let_go(self) -> None:
        """The same without waiting. If it cannot be done, the trial is handed out again once its lease expires."""
        self._let_go = True
        self.leave()

    def leave(self) -> None:
        """The same, by a loop that was left. If an exception ends the program, it becomes the trial's failure."""
        with self._lock:
            if self.state == "running":
                self.state, self.reason = "released", "the trial was given back"
        self._over.put(None)
        self._on_end()

    def abandon(self) -> None:
        """Has the trial told as failed, by the renewing thread: this may run inside the garbage collector."""
        self._abandoned = True
        self._over.put(None)

    def raise_if_over(self) -> None:
        """Raises Stopped when the attempt has ended, or should."""
        if self.state != "running":
            raise Stopped(self.reason)

    def _renew(self) -> None:
        while not self._is_over_within(self._left()):
            if self._left() > 0:  # a report has renewed the lease
                continue
            try:
                self._post("heartbeat", {}, within=self._every)
            except Refused as refusal:
                log.warning("Hone: %s: the heartbeat was refused: %s", self._path, refusal)
        if self._abandoned and self.state == "running":
            try:
                self.fail(ABANDONED)
            except Error as error:
                log.warning("Hone: %s: %s", self._path, error)
        until = time.monotonic() + LEFT_SECONDS
        while self.state == "released" and not self._let_go and until > time.monotonic():
            self._is_over_within(until - time.monotonic())
        self._give_back()

    def _give_back(self) -> None:
        with self._lock:
            if self.state != "released":
                return
            self._given_back = True
        if self._transfers is not None:
            self._transfers.finish(UPLOAD_SECONDS)
        if not self._is_job:
            body = {"attempt": self.lease["attempt"], "released": {"reason": INTERRUPTED}}
            try:
                self._client.request("POST", f"{self._path}/tell", body, within=RELEASE_SECONDS)
            except Error as error:
                log.warning("Hone: %s: it is handed out again when its lease expires: %s", self._path, error)
        _open.discard(self)  # not before: a program that ends meanwhile waits for those that are in here

    def _moving(self) -> Transfers:
        with self._lock:
            if self._transfers is None:
                self._transfers = Transfers(self._client, self._path, self.lease["attempt"], self.commit)
            return self._transfers

    def _finish_uploads(self, result: Mapping[str, Any], within: float) -> None:
        """Waits for a checkpoint that another attempt may need: after a failure, or when a scheduler may go on."""
        if self._transfers is None:
            return
        may_go_on = "values" in result and "pruned" not in result and self.lease.get("resource") is not None
        self._transfers.finish(within if may_go_on or "failed" in result else 0)

    def _is_over_within(self, seconds: float) -> bool:
        try:
            self._over.get(timeout=max(0.0, seconds))
        except queue.Empty:
            return False
        return True

    def _left(self) -> float:
        return self._renewed + self._every - time.monotonic()

    def _post(self, route: str, body: dict[str, Any], within: float) -> None:
        self._renewed = time.monotonic()
        try:
            body = {"attempt": self.lease["attempt"], **body}
            keyed = route == "report"  # a heartbeat is idempotent by itself
            reply = self._client.request("POST", f"{self._path}/{route}", body, within=within, keyed=keyed)
        except Unreachable as error:
            log.warning("Hone: %s: the %s was not sent: %s", self._path, route, error)
        except Refused as refusal:
            if refusal.status not in GONE:
                raise
            self._settle("lost", refusal.detail)
        else:
            self.report_at = reply.get("reportAt")
            if reply["decision"] != "continue":
                self._settle("pruned" if reply["decision"] == "stop" else "paused", reply["reason"])

    def _settle(self, state: str, reason: str) -> None:
        with self._lock:
            if not self.is_open:
                return
            self.state, self.reason = state, reason
        self._over.put(None)
        _open.discard(self)
        if self._transfers is not None:
            self._transfers.cancel()
        log.info("Hone: %s: %s%s", self._path, state, reason and f": {reason}")
        self._on_end()


_open: set[Attempt] = set()


@atexit.register
def _end_open_attempts() -> None:
    """Tells the exception that ended the program for the trials that it left open; after Ctrl-C they are given back."""
    error = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    if not isinstance(error, Exception):
        left = [attempt for attempt in list(_open) if error is not None or attempt.state == "released"]
        for attempt in left:
            attempt.let_go()
        for attempt in left:
            attempt.release()
        return
    for attempt in list(_open):
        if not attempt.is_open:
            attempt.release()  # it is being given back
            continue
        try:
            attempt.fail(describe(error), within=EXIT_SECONDS)
        except Error as problem:
            log.warning("Hone: %s", problem)


def describe(error: BaseException) -> str:
    """An exception in one line: its type, its text, and the line of code that raised it."""
    text = f"{type(error).__name__}: {error}".removesuffix(": ")
    trace = error.__traceback__
    if trace is None:
        return text
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{text} ({PurePath(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno})"


def shorten(reason: str) -> str:
    """As much of the reason as the service takes."""
    return reason.encode("utf-16-le", "replace")[: 2 * MAX_REASON].decode("utf-16-le", "ignore")
