"""The API of a team, with retries."""

from __future__ import annotations

import datetime
import email.message
import email.utils
import http.client
import itertools
import json
import logging
import random
import socket
import time
import urllib.parse
import uuid
from typing import Any

from hone.errors import Refused, Unreachable
from hone.numbers import to_json
from hone.settings import find_settings
from hone.transport import Reply, Transport
from hone.version import __version__

log = logging.getLogger("hone")

PATIENCE_SECONDS = 300.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.25, 10.0
PASSING = frozenset((429, 500, 502, 503, 504))
TRIES_BEFORE_WARNING = 3


class Client:
    """Calls the API of one team. Threads may share it."""

    def __init__(
        self,
        api: str | None = None,
        team: str | None = None,
        token: str | None = None,
        *,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        """What is not given comes from the environment or the local stack.

        `patience`: for how many seconds a request is tried. Raises NotConfigured.
        """
        self.settings = find_settings(api, team, token)
        self.patience = patience
        self._transport = Transport(self.settings.api)
        self._reached = False
        self._date: tuple[float, float] | None = None  # the service's clock, and ours at that moment

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        within: float | None = None,
        keyed: bool = True,
    ) -> dict[str, Any]:
        """Sends a request to a path below the team, such as `/studies`, and returns the reply.

        It is sent again after a lost connection and while the service is busy or failing, for at most `within` seconds
        (the client's patience). A write has an Idempotency-Key, the same in every try, so that it takes effect once;
        `keyed=False` leaves it out. Raises Refused or Unreachable.
        """
        headers = {"Authorization": f"Bearer {self.settings.token}", "User-Agent": f"hone-python/{__version__}"}
        data = None if body is None else to_json(body)
        if data is not None:
            headers["Content-Type"] = "application/json"
        if keyed and method != "GET":
            headers["Idempotency-Key"] = uuid.uuid4().hex
        deadline = time.monotonic() + (self.patience if within is None else within)
        for tries in itertools.count():
            retry_after = 0.0
            try:
                reply = self._send(method, path, headers, data)
            except (OSError, http.client.HTTPException) as error:
                fault = f"no reply from {self.settings.api}: {error or type(error).__name__}"
                if not self._reached and isinstance(error, ConnectionRefusedError | socket.gaierror):
                    raise Unreachable(f"{fault}. Is this the address, and does the service run?") from None
            else:
                answer = _object(reply.body)
                if 200 <= reply.status < 300:
                    if answer is not None:
                        return answer
                    fault = "the reply is not a JSON object"
                else:
                    problem = answer or {}
                    if reply.status not in PASSING and problem.get("retry") is not True:
                        raise Refused(reply.status, problem)
                    fault = f"{reply.status} {problem.get('detail') or http.client.responses.get(reply.status, '')}"
                retry_after = self._retry_after(reply.headers)
            left = deadline - time.monotonic()
            if left <= retry_after:
                raise Unreachable(f"{method} {path}: {fault}")
            if tries == TRIES_BEFORE_WARNING:
                log.warning("Hone: %s %s: %s; trying again", method, path, fault)
            pause = min(left, LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(tries, 10)) * random.random()
            # No earlier than the service says, and not all clients at the same moment.
            time.sleep(max(pause, retry_after * random.uniform(1.0, 1.2)))
        raise AssertionError("unreachable")

    def seconds_until(self, moment: str) -> float:
        """Seconds until a moment of the service's clock, by the Date header of its last reply; 0 when it sent none."""
        if self._date is None:
            return 0.0
        then = datetime.datetime.fromisoformat(moment.rstrip("Z")).replace(tzinfo=datetime.timezone.utc)
        theirs, ours = self._date
        return then.timestamp() - theirs - (time.monotonic() - ours)

    def _send(self, method: str, path: str, headers: dict[str, str], data: bytes | None) -> Reply:
        reply = self._transport.send(method, f"/teams/{quote(self.settings.team)}{path}", headers, data)
        self._reached = True
        date = _seconds(reply.headers.get("Date"))
        if date is not None:
            self._date = (date, time.monotonic())
        return reply

    def _retry_after(self, headers: email.message.Message) -> float:
        """`Retry-After` in seconds: a number, or a date by the service's clock; 0 without one."""
        text = headers.get("Retry-After", "").strip()
        if text.isdecimal():
            return float(text)
        then, now = _seconds(text), _seconds(headers.get("Date"))
        return 0.0 if then is None else max(0.0, then - (time.time() if now is None else now))


def quote(name: str) -> str:
    """A name as one segment of a path."""
    return urllib.parse.quote(name, safe="")


def _seconds(date: str | None) -> float | None:
    """A date of an HTTP header as seconds since 1970."""
    parsed = email.utils.parsedate_tz(date or "")
    return None if parsed is None else float(email.utils.mktime_tz(parsed))


def _object(body: bytes) -> dict[str, Any] | None:
    """A JSON object, empty for an empty body; None for anything else, such as a gateway's HTML."""
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
