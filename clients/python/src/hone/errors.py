"""What the client raises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Error(Exception):
    """Anything that keeps the client from doing what it was asked for."""


class NotConfigured(Error):
    """The address of the service, the team or the token is missing or cannot be used."""


class Unreachable(Error):
    """No usable reply within the time allowed."""


class Refused(Error):
    """The service refused the request, and the same request would be refused again."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.type = str(problem.get("type") or status)
        """Stable, for programs: `invalid-input`, `study-not-found`, ..."""
        self.detail = str(problem.get("detail") or problem.get("title") or "The service gave no reason.")
        faults = problem.get("errors")
        self.errors: list[dict[str, str]] = faults if isinstance(faults, list) else []
        """Every fault that was found: `pointer`, a JSON pointer to the field, and `detail`."""
        super().__init__(status, problem)

    def __str__(self) -> str:
        faults = [f"{fault.get('pointer')}: {fault.get('detail')}" for fault in self.errors]
        if [fault.get("detail") for fault in self.errors] == [self.detail]:
            return f"{faults[0]} ({self.type})"
        return "\n  ".join([f"{self.detail} ({self.type})", *faults])


class Stopped(Exception):
    """The trial should end now. `with trial:` and `Study.optimize` catch it.

    Raised by `Trial.report`: Hone stopped or paused the trial, or its attempt is no longer ours; nothing more need be
    told. Raised by your own code: the trial is told as pruned, with the exception's text as the reason.
    """
