"""Asking for the trials of a study, and handing them to the program."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from hone.attempt import Attempt
from hone.client import Client
from hone.signals import terminable
from hone.trials import Trial

IDLE_SECONDS = 5.0  # between two asks when the service gives no time
SIGNAL_SECONDS = 0.5  # a Ctrl-C that another thread receives does not end a wait of the main thread


class Asker:
    """Asks for trials of one study, for all loops and threads of this process that work on it."""

    def __init__(self, client: Client, study: str) -> None:
        """`study`: its path below the team."""
        self._client, self._study = client, study
        self._changed = threading.Condition()  # a trial of ours has ended, or there will be no other
        self._changes = 0

    def one_by_one(self, slot: str, report_every: float | None) -> Iterator[Trial]:
        """Yields a trial, and the next one when the loop goes on. See `Study.trials`."""
        with terminable():
            while (attempt := self.next(slot)) is not None:
                trial = Trial(attempt, report_every)
                try:
                    yield trial
                except GeneratorExit:  # by `break`, or by an exception that we cannot see
                    attempt.leave()
                    raise
                trial.finish()

    def side_by_side(self, slots: list[str], report_every: float | None) -> Iterator[Trial]:
        """Yields as many open trials as there are slots, and another one when one of them has ended."""
        busy: dict[str, Attempt] = {}
        while True:
            with self._changed:
                while not (free := [slot for slot in slots if slot not in busy or busy[slot].state != "running"]):
                    self._changed.wait(SIGNAL_SECONDS)
            attempt = self.next(free[0])
            if attempt is None:
                return
            busy[free[0]] = attempt
            yield Trial(attempt, report_every)

    def next(self, slot: str, stopping: threading.Event | None = None) -> Attempt | None:
        """Waits for a trial. Returns None when the study is finished, or when we are stopping."""
        while True:
            changes = self._changes
            if stopping is not None and stopping.is_set():
                return None
            attempt, wait = self.ask(slot)
            if attempt is not None:
                return attempt
            if wait is None:
                self.wake_all()
                return None
            with self._changed:
                if self._changes == changes:
                    self._changed.wait(wait)

    def ask(self, worker: str | None) -> tuple[Attempt | None, float | None]:
        """A trial, or how many seconds to wait; neither when the study is finished."""
        body = {"count": 1} if worker is None else {"count": 1, "worker": worker}
        reply = self._client.request("POST", f"{self._study}/ask", body)
        for lease in reply["trials"]:
            return Attempt(self._client, self._study, lease, self._wake_one), None
        finished = reply["state"] in ("finished", "deleting")
        return None, None if finished else reply.get("retryAfter") or IDLE_SECONDS

    def wake_all(self) -> None:
        """Has all that wait ask again, or end."""
        with self._changed:
            self._changes += 1
            self._changed.notify_all()

    def _wake_one(self) -> None:
        with self._changed:
            self._changes += 1
            self._changed.notify()
