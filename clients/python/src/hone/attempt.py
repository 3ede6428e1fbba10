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

from hone.client import Client
from hone.errors import Error, Refused, Stopped, Unreachable

log = logging.getLogger("hone")

SHORTEST_LEASE_SECONDS = 10.0
BEATS_PER_LEASE = 3  # so that two heartbeats may be lost
REPORT_SECONDS = 60.0  # how long a report is tried; it never ends a training that it cannot reach Hone
EXIT_SECONDS = 5.0
MAX_REASON = 1024  # in UTF-16 units, as the service counts
GONE = (401, 403, 404, 409)  # to a heartbeat or a report: the attempt is no longer ours

ABANDONED = "no result: the program dropped the trial without telling one"


class Attempt:
    """Holds the lease of a trial, with a thread that renews it, until the attempt ends or is released."""

    def __init__(self, client: Client, path: str, lease: Mapping[str, Any], on_end: Callable[[], None]) -> None:
        """`path`: the study's, below the team. `lease`: the trial in the reply to an ask."""
        self.lease = lease
        self.state = "running"
        """`running`, `released`, what the service made of the trial (`completed`, `pruned`, ...), or `lost`."""
        self.reason = ""
        self.told = False
        self.report_at: float | None = lease.get("reportAt")
        self._client, self._on_end = client, on_end
        self._path = f"{path}/trials/{lease['number']}"
        seconds = max(SHORTEST_LEASE_SECONDS, client.seconds_until(lease["leaseExpires"]))
        self._every = seconds / BEATS_PER_LEASE
        self._renewed = time.monotonic()
        self._abandoned = False
        self._over: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        _open.add(self)
        threading.Thread(target=self._renew, name=f"hone {self._path}", daemon=True).start()

    @property
    def is_open(self) -> bool:
        """Whether a result may be told."""
        return self.state in ("running", "released")

    def report(self, body: dict[str, Any]) -> None:
        """Sends a report. A service that cannot be reached costs the report, not the training."""
        self._post("report", body, within=REPORT_SECONDS)

    def end(self, result: dict[str, Any], within: float | None = None) -> None:
        """Tells the result. When the attempt was lost meanwhile, its result is not needed, and nothing is raised."""
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
        token = self._client.settings.token
        self.end({"failed": {"reason": shorten(reason.replace(token, "[token]"))}}, within)

    def release(self) -> None:
        """Gives the trial back: its lease is renewed no more, and once it expires the trial is handed out again."""
        self.leave()
        _open.discard(self)

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
        log.info("Hone: %s: %s%s", self._path, state, reason and f": {reason}")
        self._on_end()


_open: set[Attempt] = set()


@atexit.register
def _fail_open_attempts() -> None:
    """Tells the exception that ended the program for the trials that it left open; after Ctrl-C their leases expire."""
    error = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    if not isinstance(error, Exception):
        return
    for attempt in list(_open):
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
