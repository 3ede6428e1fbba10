"""The threads that work on a study."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import SupportsFloat, TypeAlias

from hone.asking import SIGNAL_SECONDS, Asker
from hone.attempt import Attempt
from hone.trials import Trial

log = logging.getLogger("hone")

Values: TypeAlias = SupportsFloat | Mapping[str, SupportsFloat]
Objective: TypeAlias = Callable[[Trial], Values | None]


class Team:
    """Threads that call an objective for trial after trial. `Study.optimize` says what they do."""

    def __init__(
        self,
        asker: Asker,
        objective: Objective,
        metrics: list[str],
        catch: type[Exception] | tuple[type[Exception], ...],
        report_every: float | None,
    ) -> None:
        """`metrics`: of the study's objectives."""
        self._asker, self._objective, self._metrics = asker, objective, metrics
        self._catch, self._report_every = catch, report_every
        self._stopping = threading.Event()
        self._in_hand: dict[str, Attempt] = {}
        self._errors: list[BaseException] = []

    def run(self, slots: list[str]) -> None:
        """Works until the study is finished: here, or in a thread for each slot."""
        if len(slots) == 1:
            self._work(slots[0])
            return
        threads = [threading.Thread(target=self._work_aside, args=(slot,), daemon=True) for slot in slots]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                while thread.is_alive():
                    thread.join(SIGNAL_SECONDS)
        except BaseException:
            self._stopping.set()
            in_hand = list(self._in_hand.values())
            for attempt in in_hand:
                attempt.let_go()
            for attempt in in_hand:
                attempt.release()
            raise
        if self._errors:
            raise self._errors[0]

    def _work(self, slot: str) -> None:
        while (attempt := self._asker.next(slot, self._stopping)) is not None:
            self._in_hand[slot] = attempt
            if self._stopping.is_set():  # meanwhile
                attempt.release()
                return
            trial = Trial(attempt, self._report_every)
            try:
                with trial:
                    returned = self._objective(trial)
                    if returned is not None:
                        trial.tell(self._values_of(returned))
            except self._catch as error:
                log.warning("Hone: trial %d failed: %s: %s", trial.number, type(error).__name__, error)

    def _work_aside(self, slot: str) -> None:
        try:
            self._work(slot)
        except BaseException as error:
            log.error("Hone: no further trial is begun, because of %s: %s", type(error).__name__, error)
            self._errors.append(error)
            self._stopping.set()
            self._asker.wake_all()

    def _values_of(self, returned: Values) -> Mapping[str, SupportsFloat]:
        if isinstance(returned, Mapping):
            return returned
        if len(self._metrics) > 1:
            raise TypeError(f"the study has several objectives: return a dict with {', '.join(self._metrics)}")
        return {self._metrics[0]: returned}
