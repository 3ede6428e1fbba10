#!/usr/bin/env python3
"""Hone's runner: makes any program a trial. One file, Python 3.8 or newer, standard library only, Linux and macOS.

    hone exec -- python train.py              in a job: claim the trial, run the program, tell its result
    hone worker --study S -- python train.py  on any machine: ask for trials and run the program for each

docs/runner.md says what the program is given, what it may print, and what every exit code means.

Sections: the HTTP client, checkpoints, the program's input, the program's output, the process, the thread that sends
reports and heartbeats, one run, signals, the two commands.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import email.utils
import functools
import http.client
import itertools
import json
import math
import os
import pathlib
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import traceback
import urllib.error
import urllib.parse
import urllib.request
import uuid
from typing import Any, Callable, Dict, Iterator, Mapping, NamedTuple, Union

VERSION = "0.1.0"

# Exit codes of the runner. 75 is EX_TEMPFAIL; a program that exits with it asks to be run again.
DONE, FAILED, USAGE, RETRY, INTERRUPTED = 0, 1, 2, 75, 143

REQUEST_SECONDS = 35  # the API's own time-out is 30
MAX_BACKOFF_SECONDS = 10.0
MAX_REPLY_BYTES = 6 * 1024 * 1024
MAX_LINE_BYTES = 64 * 1024  # a longer line is forwarded but not parsed
MAX_PENDING_REPORTS = 1000  # when a program prints faster than the service answers, the oldest reports are dropped
REPORT_SECONDS = 1.0  # between two reports that no scheduler waits for
MAX_REASON = 1024  # in UTF-16 units, as the service counts
STDERR_LINES, STDERR_BYTES = 10, 8192  # how much error output the reason of a failed trial includes
FLUSH_SECONDS = 30.0  # to send the remaining reports when the program ends
FLUSH_AFTER_SIGTERM_SECONDS = 3.0  # the same after a SIGTERM: a container is killed 30 s after it
RELEASE_SECONDS = 5.0  # to give a trial back after a SIGTERM
DRAIN_SECONDS = 10.0  # for output that a surviving child process of the program keeps open
MAX_CHECKPOINT_BYTES = 5 * 1024**3  # what S3 takes in one upload; the service says so, too
TRANSFER_SECONDS = 60.0  # an upload or download that has stood still for so long has failed
MOST_PACKINGS = 3  # of a checkpoint that the program changes meanwhile
SHORTEST_LEASE_SECONDS = 10.0
BEATS_PER_LEASE = 3  # so that two heartbeats may be lost
IDLE_SECONDS = 5.0  # between two asks when the service gives no time

NAME = r"[A-Za-z0-9_.-]{1,64}"
UNSAFE_NAMES = ("__proto__", "constructor", "prototype")

Metric = Union[int, float, str]
Json = Dict[str, Any]

output_lock = threading.Lock()


def write(descriptor: int, data: bytes) -> bool:
    """Writes all of `data` without Python's buffers. Returns False when the reader is gone."""
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:  # the parent made the shared descriptor non-blocking
            select.select([], [descriptor], [])
        except OSError:
            return False
    return True


def log(message: str) -> None:
    """Prints one line of the runner's own on stderr."""
    with output_lock:
        write(2, f"hone: {message}\n".encode("utf-8", "replace"))


# The HTTP client -------------------------------------------------------------------------------------------------


class Refused(Exception):
    """The service refused the request, and a retry would not help."""

    def __init__(self, status: int, kind: str, detail: str) -> None:
        super().__init__(f"{detail} ({kind or status})")
        self.status = status
        self.kind = kind


class Unreachable(Exception):
    """No valid reply within the time allowed."""


class Cancelled(Exception):
    """The caller no longer needs the reply."""


class TryAgain(Exception):
    """A lost connection, or a throttled or failing service: a retry after `seconds` may succeed."""

    def __init__(self, reason: str, seconds: float = 0.0) -> None:
        super().__init__(reason)
        self.seconds = seconds


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """The API never redirects, and the token must not be sent to another host."""

    def redirect_request(self, *_: Any) -> None:
        """Refuses the redirect, which makes it an error."""


def opener_for(url: str) -> urllib.request.OpenerDirector:
    """What opens URLs of this host: through the environment's proxy, which cannot reach this machine's loopback interface."""
    handlers: list[urllib.request.BaseHandler] = [NoRedirects()]
    host = urllib.parse.urlsplit(url).hostname or ""
    if host in ("localhost", "::1") or host.startswith("127."):
        handlers.append(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener(*handlers)


class Service:
    """A team's tree of the API, with one bearer token."""

    def __init__(self, api: str, team: str, token: str) -> None:
        self.api, self.team, self.token = api.rstrip("/"), team, token
        self._opener = opener_for(api)
        self._date: tuple[float, float] | None = None  # the service's clock, and ours at that moment

    def seconds_until(self, moment: str) -> float:
        """Seconds until a moment of the service's clock, by the Date header of its last reply; 0 when it sent none."""
        if self._date is None:
            return 0.0
        then = datetime.datetime.fromisoformat(moment.rstrip("Z")).replace(tzinfo=datetime.timezone.utc)
        theirs, ours = self._date
        return then.timestamp() - theirs - (time.monotonic() - ours)

    def call(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        key: str | None = None,
        within: float | None = None,
        cancelled: threading.Event | None = None,
    ) -> Json:
        """Sends the request, with retries, and returns the reply.

        All tries have the same body and Idempotency-Key, so that a write whose reply is lost is not done twice.
        Raises Refused; Unreachable after `within` seconds (None: never); Cancelled.
        """
        waiter = cancelled or threading.Event()
        deadline = math.inf if within is None else time.monotonic() + within
        for tries in itertools.count():
            if waiter.is_set():
                raise Cancelled
            try:
                return self._send(method, path, body, key)
            except TryAgain as problem:
                pause = backoff(tries, problem)
                if time.monotonic() + pause > deadline:
                    raise Unreachable(str(problem)) from None
                if tries == 0:
                    log(f"{method} {path}: {problem}; retrying")
                waiter.wait(pause)
        raise AssertionError("unreachable")

    def _send(self, method: str, path: str, body: Json | None, key: str | None) -> Json:
        headers = {"Authorization": f"Bearer {self.token}", "User-Agent": f"hone-runner/{VERSION}"}
        data = None
        if body is not None:
            data = json.dumps(body, allow_nan=False).encode()
            headers["Content-Type"] = "application/json"
        if key is not None:
            headers["Idempotency-Key"] = key
        url = f"{self.api}/teams/{urllib.parse.quote(self.team, safe='')}{path}"
        request = urllib.request.Request(url, data, headers, method=method)
        try:
            with self._opener.open(request, timeout=REQUEST_SECONDS) as reply:
                date = email.utils.parsedate_tz(reply.headers.get("Date", ""))
                if date is not None:
                    self._date = (float(email.utils.mktime_tz(date)), time.monotonic())
                answer = json.loads(reply.read(MAX_REPLY_BYTES))
        except urllib.error.HTTPError as error:
            raise judge(error) from None
        except (OSError, http.client.HTTPException) as error:
            raise no_reply(error) from None
        except ValueError:
            raise TryAgain("the reply is not JSON") from None
        if not isinstance(answer, dict):
            raise TryAgain("the reply is not a JSON object")
        return answer


def backoff(tries: int, problem: TryAgain) -> float:
    """Seconds to wait: no fewer than the service said, and not the same for all callers."""
    pause: float = min(MAX_BACKOFF_SECONDS, 0.25 * 2 ** min(tries, 10)) * random.uniform(0.5, 1.0)
    return max(pause, problem.seconds * random.uniform(1.0, 1.2))


def judge(error: urllib.error.HTTPError) -> Exception:
    """Turns an error status into Refused or TryAgain, with the text of its problem+json."""
    try:
        with error:
            problem = json.loads(error.read(MAX_REPLY_BYTES))
    except (OSError, http.client.HTTPException, ValueError):
        problem = None
    if not isinstance(problem, dict):
        problem = {}
    detail = str(problem.get("detail") or problem.get("title") or error.reason)
    if error.code in (408, 425, 429) or error.code >= 500 or problem.get("retry") is True:
        after = error.headers.get("Retry-After", "")
        seconds = min(60.0, float(after)) if re.fullmatch(r"[0-9]{1,6}", after) else 0.0
        return TryAgain(f"{error.code} {detail}", seconds)
    return Refused(error.code, str(problem.get("type", "")).rsplit("/", 1)[-1], detail)


# Checkpoints -----------------------------------------------------------------------------------------------------


KEPT_BY_HONE = "hone:"  # how the checkpoints begin that Hone keeps; any other text is the program's own
CONTENT = "checkpoint"  # the name of the file or folder in the archive


class Saving:
    """A checkpoint on its way to Hone."""

    def __init__(self, archive: str, held: bool) -> None:
        """`archive`: the packed checkpoint. `held`: a report waits for it, and names it then."""
        self.archive, self.held = archive, held
        self.done = False
        self.name: str | None = None  # None when it could not be saved


class Checkpoints(threading.Thread):
    """Downloads the checkpoint of an earlier attempt, and uploads those of this one, one at a time.

    A newer one replaces one that still waits. The program's file or folder is packed as soon as its line is read, so that
    the program may go on to change it; it is uploaded meanwhile.
    """

    def __init__(self, service: Service, path: str, attempt: int, patience: float) -> None:
        """`path`: of the trial. `patience`: for how many seconds a transfer is repeated."""
        super().__init__(daemon=True)
        self._service, self._path, self._attempt, self._patience = service, path, attempt, patience
        self._folder = tempfile.mkdtemp(prefix="hone-")
        self._waiting: Saving | None = None
        self._current: Saving | None = None
        self._changed = threading.Condition()
        self._cancelled = threading.Event()
        self.place = os.path.join(self._folder, "out", CONTENT)
        self.on_saved: Callable[[Saving], None] = lambda _: None
        os.mkdir(os.path.dirname(self.place))

    def restore(self) -> str | None:
        """Downloads the last checkpoint. Returns its path; None when it is gone.

        Raises Refused, Unreachable or Cancelled, like a call of the service.
        """
        deadline = time.monotonic() + self._patience
        archive, into = (os.path.join(self._folder, name) for name in ("in.tar", "in"))
        for tries in itertools.count():
            source = self._urls()["download"]
            if source is None:
                return None
            try:
                if not download(source["url"], archive, self._cancelled):
                    return None
                with tarfile.open(archive) as tar:
                    if hasattr(tarfile, "data_filter"):
                        tar.extractall(into, filter="data")
                    else:
                        tar.extractall(into)
                os.remove(archive)
                return os.path.join(into, CONTENT)
            except (tarfile.TarError, EOFError) as error:  # not one of the runner's: the program knows what it is
                log(f"the checkpoint is no archive of the runner ({error}): it is handed on as a file")
                return archive
            except TryAgain as problem:
                self._wait(tries, problem, deadline)
        raise AssertionError("unreachable")

    def take(self, source: str, held: bool) -> Saving | None:
        """Packs what the program saved. Returns None, with the reason on stderr, when it cannot be saved."""
        archive = os.path.join(self._folder, f"{uuid.uuid4().hex}.tar")
        try:
            pack(source, archive)
        except (OSError, ValueError) as error:
            log(f"the checkpoint is not saved: {error}")
            with contextlib.suppress(OSError):
                os.remove(archive)
            return None
        saving = Saving(archive, held)
        with self._changed:
            given_up: Saving | None = saving
            if not self._cancelled.is_set():
                given_up, self._waiting = self._waiting, saving
            self._changed.notify_all()
        if given_up is not None:
            self._finish(given_up, None)
        return saving

    def run(self) -> None:
        """Uploads until cancelled."""
        while True:
            with self._changed:
                while self._waiting is None:
                    if self._cancelled.is_set():
                        return
                    self._changed.wait()
                saving, self._waiting = self._waiting, None
                self._current = saving
            name = None
            try:
                name = self._upload(saving.archive)
            except Cancelled:
                pass
            except (Refused, Unreachable, OSError, ValueError) as problem:
                log(f"the checkpoint is not saved: {problem}")
            self._finish(saving, name)
            with self._changed:
                self._current = None
                self._changed.notify_all()

    def wait(self, deadline: Callable[[], float]) -> None:
        """Waits until nothing is being uploaded any more, or the deadline, which may be brought forward meanwhile."""
        with self._changed:
            while self._waiting is not None or self._current is not None:
                left = deadline() - time.monotonic()
                if left <= 0:
                    return
                self._changed.wait(min(left, 0.5))

    def cancel(self) -> None:
        """Gives up what is not uploaded."""
        self._cancelled.set()
        with self._changed:
            waiting, self._waiting = self._waiting, None
            current = self._current
            self._changed.notify_all()
        for saving in (waiting, current):
            if saving is not None:
                self._finish(saving, None)

    def close(self) -> None:
        """Cancels, and removes all files."""
        self.cancel()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _finish(self, saving: Saving, name: str | None) -> None:
        with self._changed:
            if saving.done:
                return
            saving.name, saving.done = name, True
        with contextlib.suppress(OSError):
            os.remove(saving.archive)
        self.on_saved(saving)

    def _urls(self) -> Json:
        body = {"attempt": self._attempt}
        return self._service.call(
            "POST", f"{self._path}/checkpoint", body, within=self._patience, cancelled=self._cancelled
        )

    def _upload(self, archive: str) -> str:
        """Returns the checkpoint's name. Each try has a URL of its own: one may have expired."""
        deadline = time.monotonic() + self._patience
        for tries in itertools.count():
            target = self._urls()["upload"]
            size = os.path.getsize(archive)
            refuse_large(size, target["maxBytes"])
            try:
                upload(archive, size, target["url"], self._cancelled)
                return str(target["checkpoint"])
            except TryAgain as problem:
                self._wait(tries, problem, deadline)
        raise AssertionError("unreachable")

    def _wait(self, tries: int, problem: TryAgain, deadline: float) -> None:
        pause = backoff(tries, problem)
        if time.monotonic() + pause > deadline:
            raise Unreachable(str(problem)) from None
        if self._cancelled.wait(pause):
            raise Cancelled


def refuse_large(size: int, most: int) -> None:
    """Raises ValueError when a checkpoint is larger than one upload may be."""
    if size > most:
        sizes = [f"{count / 1024**3:.2f} GiB" for count in (size, most)]
        raise ValueError(f"it has {sizes[0]}, and one upload takes at most {sizes[1]}")


def pack(source: str, archive: str) -> None:
    """Packs a file or folder. Raises OSError or ValueError when it does not exist, is too large or keeps changing."""
    for _ in range(MOST_PACKINGS):
        before = fingerprint(source)
        refuse_large(sum(size for _, size, _ in before), MAX_CHECKPOINT_BYTES)
        with tarfile.open(archive, "w") as tar:
            tar.add(source, CONTENT)
        if fingerprint(source) == before:
            return
    raise ValueError("the program keeps changing it: print its line when it is complete, and write the next one later")


def fingerprint(source: str) -> list[tuple[str, int, int]]:
    """Name, size and time of every file, to see whether any has changed."""
    paths = [source]
    for folder, _, files in os.walk(source):
        paths.extend(os.path.join(folder, name) for name in files)
    stats = [(path, os.lstat(path)) for path in sorted(paths)]
    return [(path, stat.st_size, stat.st_mtime_ns) for path, stat in stats]


class Watched:
    """A file that is read for an upload, until that is cancelled."""

    def __init__(self, file: Any, cancelled: threading.Event) -> None:
        self._file, self._cancelled = file, cancelled

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        if self._cancelled.is_set():
            raise Cancelled
        return bytes(self._file.read(size))


def upload(archive: str, size: int, url: str, cancelled: threading.Event) -> None:
    """Puts a file to a presigned URL. Raises Refused, TryAgain or Cancelled."""
    headers = {"Content-Length": str(size), "Content-Type": "application/x-tar"}
    with open(archive, "rb") as file:
        body: Any = Watched(file, cancelled)
        with opened(urllib.request.Request(url, body, headers, method="PUT")) as reply:
            for _ in chunks(reply):
                pass


def download(url: str, archive: str, cancelled: threading.Event) -> bool:
    """Gets a file from a presigned URL. Returns False when it is gone. Raises Refused, TryAgain or Cancelled."""
    try:
        reply = opened(urllib.request.Request(url))
    except Refused as refusal:
        if refusal.status == 404:
            return False
        raise
    with reply, open(archive, "wb") as file:
        for chunk in chunks(reply):
            if cancelled.is_set():
                raise Cancelled
            file.write(chunk)
        if reply.headers.get("Content-Length", str(file.tell())) != str(file.tell()):
            raise TryAgain("the download broke off")
    return True


def opened(request: urllib.request.Request) -> Any:
    """The reply of a presigned URL, which takes no credential. Raises Refused, or TryAgain for whatever may pass."""
    try:
        return opener_for(request.full_url).open(request, timeout=TRANSFER_SECONDS)
    except urllib.error.HTTPError as error:
        kind = str(error.reason)
        with contextlib.suppress(OSError, http.client.HTTPException), error:
            code = re.search(rb"<Code>([A-Za-z]+)</Code>", error.read(65536))
            kind = code.group(1).decode() if code else kind
        if error.code in (403, 408, 429) or error.code >= 500:  # 403: the URL has expired
            raise TryAgain(f"the bucket answers {error.code} {kind}") from None
        raise Refused(error.code, kind, "the bucket refuses") from None
    except (OSError, http.client.HTTPException) as error:
        raise no_reply(error) from None


def chunks(reply: Any) -> Iterator[bytes]:
    """The bytes of a reply. Raises TryAgain."""
    while True:
        try:
            chunk = reply.read(1 << 20)
        except (OSError, http.client.HTTPException) as error:
            raise no_reply(error) from None
        if not chunk:
            return
        yield chunk


def no_reply(error: Exception) -> TryAgain:
    """A lost connection, in words."""
    return TryAgain(f"no reply ({getattr(error, 'reason', error) or type(error).__name__})")


# The program's input ---------------------------------------------------------------------------------------------


class Lease(NamedTuple):
    """One attempt of one trial, from the reply to a claim or an ask."""

    number: int
    attempt: int
    params: Json
    resource: float | None
    report_at: float | None  # the next step at which trials are compared
    checkpoint: str | None
    heartbeat: float  # seconds between two heartbeats

    def __str__(self) -> str:
        return f"trial {self.number}, attempt {self.attempt}"


def trial_path(study: str, number: int) -> str:
    """The trial's path below its team."""
    return f"/studies/{urllib.parse.quote(study, safe='')}/trials/{number}"


def lease_of(reply: Json, heartbeat: float) -> Lease:
    """Reads a trial in the reply to a claim or an ask."""
    return Lease(
        reply["number"],
        reply["attempt"],
        reply["params"],
        reply.get("resource"),
        reply.get("reportAt"),
        reply.get("checkpoint"),
        max(0.1, heartbeat),
    )


def fits_variable(text: str) -> bool:
    """Whether an environment variable can hold the text: no NUL, only characters of the system's encoding."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


def as_text(value: Any) -> str:
    """A parameter's value as an argument or a variable: a string unchanged, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def fill_in(command: list[str], params: Json) -> list[str]:
    """Replaces `{name}` by the value of that parameter of the trial; `{{name}}` stands for a literal `{name}`.

    All other braces are left unchanged, so that JSON, awk and shell code pass through.
    """

    def replace(match: re.Match[str]) -> str:
        escaped, name = match.groups()
        if escaped is not None:
            return "{" + escaped + "}" if escaped in params else match.group()
        return as_text(params[name]) if name in params else match.group()

    pattern = re.compile(rf"\{{\{{({NAME})\}}\}}|\{{({NAME})\}}")
    return [pattern.sub(replace, argument) for argument in command]


def parameter_variables(params: Json) -> dict[str, str]:
    """HONE_PARAM_<NAME> for each parameter: in capitals, with `_` for characters that variable names cannot have.

    Parameters that would get the same variable get none; HONE_PARAMS always holds all of them.
    """
    variables: dict[str, str] = {}
    names: dict[str, str] = {}
    for name, value in params.items():
        variable = "HONE_PARAM_" + re.sub(r"[^A-Z0-9_]", "_", name.upper())
        if variable in names:
            log(f"{names[variable]!r} and {name!r} would both be {variable}: read HONE_PARAMS instead")
            variables.pop(variable, None)
        elif not fits_variable(as_text(value)):
            log(f"no variable can hold the value of {name!r}: read HONE_PARAMS instead")
        else:
            variables[variable] = as_text(value)
        names[variable] = name
    return variables


def program_environment(
    inherited: Mapping[str, str], service: Service, study: str, lease: Lease, restored: str | None, place: str
) -> dict[str, str]:
    """The environment of the program: ours, plus the trial's variables. What the trial does not have is not set.

    `restored`: the checkpoint to continue from. `place`: where to save one, unless the job says where.
    """
    stale = ("HONE_RESOURCE", "HONE_CHECKPOINT_IN")
    environment = {
        name: value for name, value in inherited.items() if name not in stale and not name.startswith("HONE_PARAM_")
    }
    environment.setdefault("PYTHONUNBUFFERED", "1")  # otherwise the metrics of a Python program arrive only at its end
    environment.update(
        HONE_API=service.api,
        HONE_TEAM=service.team,
        HONE_STUDY=study,
        HONE_TRIAL=str(lease.number),
        HONE_ATTEMPT=str(lease.attempt),
        HONE_TOKEN=service.token,
        HONE_PARAMS=json.dumps(lease.params),
        HONE_RUNNER=VERSION,
    )
    if lease.resource is not None:
        environment["HONE_RESOURCE"] = as_text(lease.resource)
    if restored is not None:
        environment["HONE_CHECKPOINT_IN"] = restored
    environment.setdefault("HONE_CHECKPOINT_OUT", place)
    environment.update(parameter_variables(lease.params))
    return environment


# The program's output --------------------------------------------------------------------------------------------


class Line(NamedTuple):
    """A metric line: `{"step": 3, "loss": 0.2}`, `{"accuracy": 0.97}`, `{"checkpoint": true}`,
    `{"checkpoint": "s3://..."}` or `{"pruned": "why"}`.
    """

    step: float | None
    values: dict[str, Metric]
    checkpoint: str | None
    saved: bool = False  # whether a checkpoint is complete in HONE_CHECKPOINT_OUT
    pruned: str | None = None  # why the program ends its trial early, by a rule of its own


SPELLINGS = {
    **dict.fromkeys(("nan", "-nan", "+nan", "na"), "nan"),
    **dict.fromkeys(("inf", "+inf", "infinity", "+infinity"), "inf"),
    **dict.fromkeys(("-inf", "-infinity"), "-inf"),
}
BARE_WORD = re.compile(rb"(:\s*)([+-]?(?:nan|inf|infinity)|NA)(?=\s*[,}])", re.IGNORECASE)


def as_metric(value: Any) -> Metric | None:
    """A number in the form that the service accepts, including "nan", "inf" and "-inf"; None for anything else."""
    if isinstance(value, str):
        return SPELLINGS.get(value.lower())
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        number = math.copysign(math.inf, value)
    if math.isfinite(number):
        return value if abs(number) <= 2**53 else number  # JSON cannot carry a larger integer exactly
    return SPELLINGS[str(number)]


def read_line(raw: bytes) -> Line | None:
    """Parses a line of output as a metric line; None when it is not one."""
    text = raw.strip()
    if not (text.startswith(b"{") and text.endswith(b"}")):
        return None
    try:
        try:
            fields = json.loads(text)
        except ValueError:  # printf in C, R and Python writes nan and inf as bare words
            fields = json.loads(BARE_WORD.sub(rb'\1"\2"', text))
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    step = fields.pop("step", None)
    if isinstance(step, bool) or not isinstance(step, (int, float)) or not 0 <= step <= 1e9:
        step = None
    checkpoint = fields.pop("checkpoint", None)
    saved = checkpoint is True
    if not (isinstance(checkpoint, str) and 1 <= len(checkpoint) <= 1024):
        checkpoint = None
    pruned = fields.get("pruned")
    if isinstance(pruned, str):
        del fields["pruned"]
    else:
        pruned = None  # a metric of this name
    values: dict[str, Metric] = {}
    for name, value in fields.items():
        metric = as_metric(value)
        if metric is None:
            continue
        if re.fullmatch(NAME, name) and name not in UNSAFE_NAMES:
            values[name] = metric
        else:
            warn_once(f"{name!r} is not a valid name of a metric: use 1 to 64 letters, digits, '_', '.' and '-'")
    if not (values or checkpoint or saved or pruned is not None):
        return None
    return Line(step, values, checkpoint, saved, pruned)


warned: dict[str, None] = {}


def warn_once(message: str) -> None:
    """Logs a warning once; after a hundred different warnings nothing more is logged."""
    if message not in warned and len(warned) < 100:
        warned[message] = None
        log(message)


class Lines:
    """Splits a stream of bytes into lines. A line that is too long is split."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The lines that `chunk` completes."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            yield line + b"\n"
        if len(self._rest) > MAX_LINE_BYTES:
            yield from self.finish()

    def finish(self) -> Iterator[bytes]:
        """The rest without a newline, if there is one."""
        rest, self._rest = self._rest, b""
        if rest:
            yield rest


# The process -----------------------------------------------------------------------------------------------------


def die_with_us() -> Callable[[], Any] | None:
    """A call for a new process that makes Linux kill it when the runner is killed; None on other systems."""
    try:
        import ctypes

        prctl = ctypes.CDLL(None).prctl
    except (ImportError, OSError, AttributeError):
        return None
    return lambda: prctl(1, int(signal.SIGKILL))  # 1: PR_SET_PDEATHSIG


class Program:
    """The user's program, in a process group of its own; its output is forwarded immediately."""

    def __init__(
        self, command: list[str], environment: dict[str, str], on_line: Callable[[bytes], None], label: bytes
    ) -> None:
        """Starts it. `label`, if any, is put before each line of output. Raises OSError or ValueError."""
        self._process = subprocess.Popen(
            command,
            bufsize=0,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=die_with_us(),
        )
        self._ended = False
        self._lock = threading.Lock()
        self._label = label
        self._errors = b""
        self._pumps = [
            threading.Thread(target=self._pump, args=(self._process.stdout, 1, on_line), daemon=True),
            threading.Thread(target=self._pump, args=(self._process.stderr, 2, None), daemon=True),
        ]
        for pump in self._pumps:
            pump.start()

    def wait(self) -> int:
        """Waits for the end of the program and of its output. Returns the exit code, -n when signal n killed it."""
        if hasattr(os, "waitid"):  # does not reap the process, so that its group id cannot be reused yet
            os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        else:
            self._process.wait()
        with self._lock:
            self._signal(signal.SIGKILL)  # remaining child processes would keep the output open
            self._ended = True
        code = self._process.wait()
        deadline = time.monotonic() + DRAIN_SECONDS
        for pump in self._pumps:
            pump.join(max(0.0, deadline - time.monotonic()))
        return code

    def stop(self, grace: float) -> None:
        """SIGTERM now, SIGKILL after `grace` seconds."""
        self.signal(signal.SIGTERM)
        killer = threading.Timer(grace, self.signal, [signal.SIGKILL])
        killer.daemon = True
        killer.start()

    def signal(self, number: int) -> None:
        """Signals the whole group, unless the program has ended."""
        with self._lock:
            if not self._ended:
                self._signal(number)

    def errors(self) -> str:
        """The last lines of the error output."""
        return "\n".join(self._errors.decode("utf-8", "replace").splitlines()[-STDERR_LINES:])

    def _signal(self, number: int) -> None:
        with contextlib.suppress(OSError):  # the group may have no process any more
            os.killpg(self._process.pid, number)

    def _pump(self, source: Any, descriptor: int, on_line: Callable[[bytes], None] | None) -> None:
        lines, wanted, chunk = Lines(), True, b"-"
        while chunk:
            chunk = source.read(65536)  # what is available, empty at the end
            pieces = list(lines.feed(chunk) if chunk else lines.finish())
            if on_line is None:
                self._errors = (self._errors + chunk)[-STDERR_BYTES:]
            else:
                for piece in pieces:
                    on_line(piece)
            text = chunk
            if self._label:
                text = b"".join(self._label + piece.rstrip(b"\n") + b"\n" for piece in pieces)
            if wanted:
                with output_lock:
                    wanted = write(descriptor, text)  # keep reading when our reader is gone, or the program would block
        source.close()


# Reports and heartbeats ------------------------------------------------------------------------------------------


class Reporter(threading.Thread):
    """Sends reports and heartbeats to the service, one at a time and in order, and passes its decision on.

    Of the reports, those are sent that the scheduler waits for (each reply names the next such step), and those that name a
    checkpoint of the program's own. The others only draw the learning curve: the newest is sent after every pause; with a
    pause of 0, all are.
    """

    def __init__(
        self, service: Service, path: str, lease: Lease, pause: float, on_halt: Callable[[str, str], None]
    ) -> None:
        """`pause`: seconds between two reports for the curve. `on_halt(kind, reason)` is called at most once."""
        super().__init__(daemon=True)
        self._service, self._path, self._attempt = service, path, lease.attempt
        self._every, self._pause, self._report_at = lease.heartbeat, pause, lease.report_at
        self._on_halt = on_halt
        self._reported = -math.inf  # when the last report was sent
        self._reports: dict[float, Json] = {}  # by step, oldest first
        self._held: dict[float, Saving] = {}  # what the report of a step waits for, if it is one that must be sent
        self._checkpoint: str | None = None
        self._closing = False
        self._changed = threading.Condition()
        self._cancelled = threading.Event()

    def take(self, line: Line, saving: Saving | None = None) -> None:
        """Queues a metric line without blocking. `saving`: the checkpoint that it names, on its way."""
        with self._changed:
            if line.step is not None and line.values:
                report = self._reports.setdefault(line.step, {"step": line.step, "values": {}})
                report["values"].update(line.values)
                if line.checkpoint is not None:
                    report["checkpoint"] = line.checkpoint
                if saving is not None and saving.held:
                    self._held[line.step] = saving
            elif line.checkpoint is not None:
                self._checkpoint = line.checkpoint
            if len(self._reports) > MAX_PENDING_REPORTS:
                self._drop(next(iter(self._reports)))
                warn_once("the program prints metrics faster than the service accepts them: some are dropped")
            self._changed.notify()

    def saved(self, saving: Saving) -> None:
        """A checkpoint has arrived, or never will: the report that waits for it names it, or else a heartbeat."""
        with self._changed:
            if not saving.held and saving.name is not None:
                self._checkpoint = saving.name
            self._changed.notify()

    def _drop(self, step: float) -> None:
        """Does not send a report. A checkpoint that it waits for is named by a heartbeat, once it has arrived."""
        del self._reports[step]
        saving = self._held.pop(step, None)
        if saving is not None:
            saving.held = False
            self._checkpoint = saving.name or self._checkpoint

    def close(self, seconds: float) -> None:
        """Sends the remaining messages for at most `seconds`, then ends."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self.join(seconds)
        self._cancelled.set()

    def run(self) -> None:
        """Sends messages until closed, cancelled or halted."""
        while not self._cancelled.is_set():
            message = self._next()
            if message is None:
                return
            self._deliver(message)

    def _next(self) -> Json | None:
        """Waits for a report, a checkpoint or the next heartbeat; None when closing and nothing is left."""
        due = time.monotonic() + self._every
        with self._changed:
            while True:
                message = self._report() or self._saved_alone()
                if message is not None:
                    return {"attempt": self._attempt, **message}
                if self._closing and not self._reports:
                    return None
                now = time.monotonic()
                if now >= due:
                    return {"attempt": self._attempt}
                self._changed.wait(min(due, self._curve_at()) - now)

    def _report(self) -> Json | None:
        """The report to send now; None as long as it waits for its checkpoint, or for its time."""
        awaited = self._awaited()
        if awaited is None:
            if time.monotonic() < self._curve_at():
                return None
            newest = next(reversed(self._reports))
            self._drop_before(newest)
            report = self._reports[newest]
            self._drop(newest)
            return report
        self._drop_before(awaited)
        saving = self._held.get(awaited)
        if saving is not None and not saving.done:
            return None
        report = self._reports.pop(awaited)
        self._held.pop(awaited, None)
        if saving is not None and saving.name is not None:
            report["checkpoint"] = saving.name
        return report

    def _awaited(self) -> float | None:
        """The step of the oldest report that must be sent."""
        for step, report in self._reports.items():
            is_compared = self._report_at is not None and step >= self._report_at
            if is_compared or "checkpoint" in report or self._pause == 0:
                return step
        return None

    def _curve_at(self) -> float:
        """When the newest report is to be sent, although nothing waits for it."""
        if not self._reports or self._awaited() is not None:
            return math.inf
        return -math.inf if self._closing else self._reported + self._pause

    def _drop_before(self, step: float) -> None:
        for earlier in list(itertools.takewhile(lambda each: each != step, self._reports)):
            self._drop(earlier)

    def _saved_alone(self) -> Json | None:
        """A checkpoint that no report names."""
        if self._checkpoint is None:
            return None
        checkpoint, self._checkpoint = self._checkpoint, None
        return {"checkpoint": checkpoint}

    def _deliver(self, message: Json) -> None:
        report = "step" in message
        if report:
            self._reported = time.monotonic()
        key = uuid.uuid4().hex if report else None  # a heartbeat is idempotent by itself
        path = f"{self._path}/{'report' if report else 'heartbeat'}"
        try:
            reply = self._service.call("POST", path, message, key=key, cancelled=self._cancelled)
        except Cancelled:
            return
        except Refused as refusal:
            if refusal.status in (401, 403, 404, 409):
                self._halt("lost", str(refusal))
            elif message.pop("checkpoint", "").startswith(KEPT_BY_HONE):
                log(f"the checkpoint is not accepted: {refusal}")
                if report:
                    self._deliver(message)
            else:
                warn_once(f"not accepted: {refusal}")
            return
        self._report_at = reply.get("reportAt")
        if reply.get("decision") in ("stop", "pause"):
            self._halt(reply["decision"], str(reply.get("reason", "")))

    def _halt(self, kind: str, reason: str) -> None:
        self._cancelled.set()
        self._on_halt(kind, reason)


# One run ---------------------------------------------------------------------------------------------------------


class Options(NamedTuple):
    """The runner's time limits, in seconds."""

    grace: float
    patience: float
    timeout: float | None
    report_every: float


class Run:
    """Runs the program for one attempt, and tells the service how it ended."""

    def __init__(
        self, service: Service, study: str, lease: Lease, command: list[str], options: Options, gives_back: bool
    ) -> None:
        """`gives_back`: whether to give the trial back when we are interrupted; Hone sees by itself how its own jobs end."""
        self.label = b""
        self._gives_back = gives_back
        self._service, self._study, self._lease, self._options = service, study, lease, options
        self._command = command
        self._path = trial_path(study, lease.number)
        self._values: dict[str, Metric] = {}
        self._checkpoint: str | None = None
        self._pruned: str | None = None
        self._program: Program | None = None
        self._halted: str | None = None  # why it was ended early: interrupted, timeout, stop, pause or lost
        self._ended = False
        self._lock = threading.Lock()
        self._checkpoints = Checkpoints(service, self._path, lease.attempt, options.patience)
        self._uploads_until = math.inf

    def execute(self) -> int:
        """Returns DONE when there is nothing left to do for this attempt, otherwise the exit code that says why."""
        reporter = Reporter(
            self._service, self._path, self._lease, self._options.report_every, self._halt_for_service
        )
        self._checkpoints.on_saved = reporter.saved
        reporter.start()
        try:
            return self._execute(reporter)
        finally:
            reporter.close(0)
            self._checkpoints.close()

    def _execute(self, reporter: Reporter) -> int:
        checkpoints = self._checkpoints

        def on_line(raw: bytes) -> None:
            line = read_line(raw)
            if line is not None:
                self._values.update(line.values)
                self._checkpoint = None if line.saved else line.checkpoint or self._checkpoint
                if line.pruned is not None:
                    self._pruned = line.pruned
                # A scheduler may pause the trial at this report: what it continues from must be there by then.
                held = self._lease.resource is not None and line.step is not None and bool(line.values)
                reporter.take(line, checkpoints.take(place, held) if line.saved else None)

        try:
            restored = self._restore()
        except Cancelled:
            return self._unstarted()
        except Unreachable as problem:
            log(f"{self._lease}: the checkpoint could not be downloaded: {problem}")
            return RETRY
        command = fill_in(self._command, self._lease.params)
        environment = program_environment(
            os.environ, self._service, self._study, self._lease, restored, checkpoints.place
        )
        place = environment["HONE_CHECKPOINT_OUT"]
        try:
            with self._lock:
                if self._halted is not None:
                    return self._unstarted()
                program = self._program = Program(command, environment, on_line, self.label)
        except (OSError, ValueError) as error:
            return self._tell_failed(f"the program could not be started: {error}")
        checkpoints.start()
        code = self._wait(program)
        with self._lock:
            self._ended = True
        self._finish_uploads(code)
        reporter.close(FLUSH_AFTER_SIGTERM_SECONDS if self._halted == "interrupted" else FLUSH_SECONDS)
        return self._settle(code, program)

    def _restore(self) -> str | None:
        """The checkpoint to continue from: a path when Hone keeps it, otherwise the text that the program gave."""
        known = self._lease.checkpoint
        if known is None or not known.startswith(KEPT_BY_HONE):
            return known
        try:
            restored = self._checkpoints.restore()
        except Refused as refusal:
            log(f"{self._lease}: begins anew: its checkpoint cannot be downloaded: {refusal}")
            return None
        log(f"{self._lease}: {'continues from' if restored else 'begins anew: there is no'} checkpoint {known}")
        return restored

    def _unstarted(self) -> int:
        return self._end_interrupted() if self._halted == "interrupted" else DONE

    def _end_interrupted(self) -> int:
        """Gives a worker's trial back, so that it is handed out again at once and not when its lease expires."""
        if not self._gives_back:
            log(f"{self._lease}: interrupted; Hone will run the trial again")
            return INTERRUPTED
        body: Json = {"attempt": self._lease.attempt, "released": {"reason": "The worker was interrupted."}}
        if self._checkpoint is not None:
            body["checkpoint"] = self._checkpoint
        try:
            self._service.call("POST", f"{self._path}/tell", body, key=uuid.uuid4().hex, within=RELEASE_SECONDS)
            log(f"{self._lease}: interrupted, and given back")
        except (Refused, Unreachable) as problem:
            log(f"{self._lease}: interrupted; it is handed out again when its lease expires: {problem}")
        return INTERRUPTED

    def _finish_uploads(self, code: int) -> None:
        """Waits for checkpoints that another attempt may need, as long as there is time."""
        # Without a scheduler a program that is done needs none.
        is_done = code == 0 and self._lease.resource is None
        if self._halted in ("stop", "pause", "lost") or (self._halted is None and is_done):
            self._checkpoints.cancel()
            return
        patience = time.monotonic() + self._options.patience
        self._checkpoints.wait(lambda: min(patience, self._uploads_until))
        self._checkpoints.cancel()

    def interrupt(self) -> None:
        """End the program because this machine stops; the service runs the trial again."""
        self._uploads_until = time.monotonic() + self._options.grace
        self._halt("interrupted")

    def kill(self) -> None:
        """Kill the program immediately."""
        if self._program is not None:
            self._program.signal(signal.SIGKILL)

    def _wait(self, program: Program) -> int:
        limit = self._options.timeout
        if limit is None:
            return program.wait()
        timer = threading.Timer(limit, self._halt, ["timeout"])
        timer.daemon = True
        timer.start()
        try:
            return program.wait()
        finally:
            timer.cancel()

    def _halt_for_service(self, kind: str, reason: str) -> None:
        log(f"{self._lease}: {'no longer ours' if kind == 'lost' else kind}: {reason}")
        self._halt(kind)

    def _halt(self, kind: str) -> None:
        with self._lock:
            # Once the program has ended, a signal or a time limit has no effect; a decision of the service still has.
            late = self._ended and kind in ("interrupted", "timeout")
            if late or self._halted is not None:
                return
            self._halted = kind
            program = self._program
        if program is None:
            self._checkpoints.cancel()  # the program has not started: what is being downloaded for it is not needed
        else:
            program.stop(self._options.grace)

    def _settle(self, code: int, program: Program) -> int:
        """Tells the service the outcome, depending on how the program ended."""
        if self._halted == "interrupted":
            return self._end_interrupted()
        if self._halted == "timeout":
            reason = f"timeout: not finished after {self._options.timeout:g} seconds"
            return self._tell_failed(reason, program.errors())
        if self._halted is not None:
            return DONE
        if code == RETRY:
            log(f"{self._lease}: the program asks to be run again (exit code {RETRY})")
            return RETRY
        if code != 0:
            return self._tell_failed(describe(code), program.errors())
        if self._pruned is not None:
            result: Json = {"pruned": {"reason": shorten(self._pruned or "pruned by the program", "")}}
            return self._tell({**result, "values": dict(self._values)} if self._values else result)
        if not self._values:
            return self._tell_failed("no-result: the program ended without printing a metric line")
        return self._tell({"values": dict(self._values)})

    def _tell_failed(self, reason: str, errors: str = "") -> int:
        for secret in {self._service.token, os.environ.get("HONE_TOKEN", "")} - {""}:
            errors = errors.replace(secret, "[token]")
        return self._tell({"failed": {"reason": shorten(reason, errors)}})

    def _tell(self, result: Json) -> int:
        body = {"attempt": self._lease.attempt, **result}
        if self._checkpoint is not None:
            body["checkpoint"] = self._checkpoint
        try:
            reply = self._service.call(
                "POST",
                f"{self._path}/tell",
                body,
                key=uuid.uuid4().hex,
                within=self._options.patience,
            )
        except Unreachable as problem:
            log(f"{self._lease}: the result could not be sent: {problem}")
            return RETRY
        except Refused as refusal:
            if refusal.status in (404, 409):
                log(f"{self._lease}: the result is no longer needed: {refusal}")
                return DONE
            if refusal.status in (400, 413, 422) and "values" in result:
                if "pruned" in result:  # it was stopped before it had every objective
                    log(f"{self._lease}: pruned without its values: {refusal}")
                    return self._tell({"pruned": result["pruned"]})
                return self._tell_failed(f"the service refused the result: {refusal}")
            log(f"{self._lease}: the result was refused: {refusal}")
            return FAILED
        log(f"{self._lease}: {reply.get('state')} {json.dumps(result)}")
        return DONE


def describe(code: int) -> str:
    """An unsuccessful exit code in words; a shell returns 128 + n when signal n killed its child."""
    number = -code if code < 0 else code - 128
    try:
        name = signal.Signals(number).name
    except ValueError:
        return f"exit code {code}"
    hint = ": often out of memory; request more memory" if number == signal.SIGKILL else ""
    return f"killed by {name}{hint} (exit code {128 + number})"


def shorten(reason: str, errors: str) -> str:
    """The reason and as much of the end of the error output as fits, without control characters."""

    def units(text: str) -> bytes:
        return text.encode("utf-16-le", "replace")

    printable = "".join(c if c.isprintable() or c in "\n\t" else "" for c in errors).strip()
    head = units(reason)[: 2 * MAX_REASON].decode("utf-16-le", "ignore")
    room = MAX_REASON - len(units(head)) // 2 - 1
    if not printable or room <= 0:
        return head
    return head + "\n" + units(printable)[-2 * room :].decode("utf-16-le", "ignore")


# Signals ---------------------------------------------------------------------------------------------------------


SLOT_ENDED = b"\0"  # on the pipe of a session; every other byte is a signal number


class Session:
    """The runs of this process, and the signals that end them.

    The main thread only reads a pipe: it receives a byte when a slot (a thread) has ended, and when a signal arrives.
    Python writes signal numbers to the pipe no matter which thread receives them; waiting on a lock would miss some.
    """

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self._runs: dict[Run, None] = {}
        self._lock = threading.Lock()
        self._inbox, self._outbox = os.pipe()
        self._codes: list[int] = []

    def execute(self, run: Run) -> int:
        """Executes a run, which signals interrupt."""
        with self._lock:
            self._runs[run] = None
        if self.stopping.is_set():
            run.interrupt()
        try:
            return run.execute()
        finally:
            with self._lock:
                del self._runs[run]

    def serve(self, slots: list[Callable[[], int]]) -> int:
        """Runs the slots in parallel until all have ended. Returns the greatest of their exit codes."""
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # if the parent ignores it, we would get no exit codes
        os.set_blocking(self._outbox, False)
        signal.set_wakeup_fd(self._outbox)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
                signal.signal(number, lambda *_: None)  # the signal is read from the pipe
        for slot in slots:
            threading.Thread(target=self._work, args=(slot,), daemon=True).start()
        while len(self._codes) < len(slots):
            if os.read(self._inbox, 1) == SLOT_ENDED:
                continue
            with self._lock:
                runs = list(self._runs)
            if self.stopping.is_set():  # the second signal: end immediately
                for run in runs:
                    run.kill()
                return INTERRUPTED
            self.stopping.set()
            for run in runs:
                run.interrupt()
        return max(self._codes)

    def _work(self, slot: Callable[[], int]) -> None:
        try:
            code = slot()
        except Cancelled:
            code = INTERRUPTED
        except Refused as refusal:
            log(f"refused: {refusal}")
            code = FAILED
        except Unreachable as problem:
            log(f"the service cannot be reached: {problem}")
            code = RETRY
        except Exception:  # a bug in the runner: log it and end instead of hanging
            log(traceback.format_exc())
            code = FAILED
        self._codes.append(code)
        os.write(self._outbox, SLOT_ENDED)


# The commands ----------------------------------------------------------------------------------------------------


class Misuse(Exception):
    """The command line or the environment is wrong."""


def service_of(settings: Mapping[str, str | None]) -> Service:
    """The service given by HONE_API, HONE_TEAM and HONE_TOKEN. Raises Misuse."""
    missing = [name for name in ("HONE_API", "HONE_TEAM", "HONE_TOKEN") if not settings.get(name)]
    if missing:
        raise Misuse(f"{', '.join(missing)} not set")
    api, team, token = (str(settings[name]).strip() for name in ("HONE_API", "HONE_TEAM", "HONE_TOKEN"))
    if not re.fullmatch(r"https?://[!-~]+", api):
        raise Misuse("HONE_API is not an http or https URL")
    if not re.fullmatch(r"[!-~]+", token):
        raise Misuse("HONE_TOKEN has characters that a token cannot have")
    return Service(api, team, token)


def execute(arguments: argparse.Namespace, command: list[str]) -> int:
    """`hone exec`: claims the attempt given in the environment, and runs the program for it."""
    if os.environ.get("HONE_RUNNER"):  # the image's entrypoint and the study's command may both name the runner
        os.execvp(command[0], command)
    service = service_of(os.environ)
    study = os.environ.get("HONE_STUDY", "")
    numbers = [os.environ.get(name, "") for name in ("HONE_TRIAL", "HONE_ATTEMPT")]
    if not study or not all(number.isdecimal() for number in numbers):
        raise Misuse("HONE_STUDY, HONE_TRIAL and HONE_ATTEMPT must name an attempt; Hone sets them in its jobs")
    trial, attempt = numbers
    session = Session()

    def job() -> int:
        # The claimant is unique and the same in every try, so that a claim whose reply was lost can be repeated.
        body = {
            "attempt": int(attempt),
            "jobId": os.environ.get("AWS_BATCH_JOB_ID") or f"{socket.gethostname()}-{os.getpid()}",
            "claimant": uuid.uuid4().hex,
        }
        path = trial_path(study, int(trial))
        try:
            reply = service.call("POST", f"{path}/claim", body, within=arguments.patience, cancelled=session.stopping)
        except Refused as refusal:
            if refusal.status != 409:
                raise
            log(f"trial {trial}, attempt {attempt}: not run: {refusal}")
            return DONE
        own = Service(service.api, service.team, reply["token"])
        lease = lease_of(reply, reply["heartbeatSeconds"])
        return session.execute(Run(own, study, lease, command, options_of(arguments), gives_back=False))

    return session.serve([job])


def work(arguments: argparse.Namespace, command: list[str]) -> int:
    """`hone worker`: asks for trials of a client study and runs the program for each, until the study is finished."""
    service = service_of(os.environ if os.environ.get("HONE_API") else local_settings() or os.environ)
    if shutil.which(command[0]) is None:
        raise Misuse(f"program not found: {command[0]!r}")
    session = Session()
    path = f"/studies/{urllib.parse.quote(arguments.study, safe='')}"
    name = arguments.name or f"{socket.gethostname()[:40]}-{uuid.uuid4().hex[:8]}"
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", name)[:58]

    def slot(worker: str) -> int:
        patience = arguments.patience
        while True:
            body = {"count": 1, "worker": worker}
            key = uuid.uuid4().hex
            reply = service.call(
                "POST", f"{path}/ask", body, key=key, within=patience, cancelled=session.stopping
            )
            if not reply["trials"]:
                if reply["state"] in ("finished", "deleting"):
                    return DONE
                session.stopping.wait(reply.get("retryAfter") or IDLE_SECONDS)
                continue
            trial = reply["trials"][0]
            left = max(SHORTEST_LEASE_SECONDS, service.seconds_until(trial["leaseExpires"]))
            lease = lease_of(trial, left / BEATS_PER_LEASE)
            log(f"{lease}: {json.dumps(lease.params)}")
            run = Run(service, arguments.study, lease, command, options_of(arguments), gives_back=True)
            if arguments.jobs > 1:
                run.label = f"[{lease.number}] ".encode()
            code = session.execute(run)
            if code == RETRY:
                session.stopping.wait(IDLE_SECONDS)  # the next ask returns the same trial
            elif code != DONE:
                return code

    # Each slot is a separate worker, because a worker that asks again gets its own running trials first.
    return session.serve([functools.partial(slot, f"{name}.{i}") for i in range(1, arguments.jobs + 1)])


def local_settings() -> dict[str, str]:
    """How to reach the local stack of this folder, or of the nearest one above, if it is running."""
    here = pathlib.Path.cwd()
    for folder in (here, *here.parents):
        try:
            local = json.loads((folder / ".hone" / "local.json").read_text(encoding="utf-8"))
            return {f"HONE_{name.upper()}": str(local[name]) for name in ("api", "team", "token")}
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return {}


def options_of(arguments: argparse.Namespace) -> Options:
    """The time limits given on the command line."""
    return Options(arguments.grace, arguments.patience, arguments.timeout, arguments.report_every)


def seconds(text: str) -> float:
    """A number of seconds on the command line, zero or more."""
    value = float(text)
    if not 0 <= value <= threading.TIMEOUT_MAX:
        raise ValueError(text)
    return value


def count(text: str) -> int:
    """A number of parallel runs on the command line."""
    value = int(text)
    if not 1 <= value <= 256:
        raise ValueError(text)
    return value


def parser() -> argparse.ArgumentParser:
    """The runner's own options: everything before the first `--`."""
    top = argparse.ArgumentParser(prog="hone", description="Makes any program a trial of Hone.")
    top.add_argument("--version", action="version", version=f"hone runner {VERSION}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    wide = functools.partial(argparse.HelpFormatter, max_help_position=32)
    add_command = functools.partial(commands.add_parser, formatter_class=wide)
    one = add_command("exec", usage="hone exec [options] -- COMMAND", help="run one trial, in a job of Hone")
    many = add_command("worker", usage="hone worker --study STUDY [options] -- COMMAND", help="run trials here")
    many.add_argument("--study", required=True, help="a study whose executor is `client`")
    many.add_argument("--jobs", type=count, default=1, metavar="N", help="trials at a time (default %(default)s)")
    many.add_argument("--name", help="a fixed name: a worker that is restarted with it gets its running trials back")
    for command, function in ((one, execute), (many, work)):
        command.set_defaults(function=function)
        add = functools.partial(command.add_argument, type=seconds, metavar="SECONDS")
        add("--grace", default=25.0, help="between SIGTERM and SIGKILL of the program; uploads end then, too (default %(default)g)")
        add("--patience", default=300.0, help="how long to retry when Hone cannot be reached (default %(default)g)")
        add("--report-every", default=REPORT_SECONDS, help="between two reports that no scheduler waits for; 0 sends all (default %(default)g)")
        add("--timeout", help="time limit of the program, after which the trial has failed (default: none)")
    return top


def main(argv: list[str] | None = None) -> int:
    """Runs the command line. Everything after the first `--` is the program's command."""
    argv = sys.argv[1:] if argv is None else argv
    end = argv.index("--") if "--" in argv else len(argv)
    top = parser()
    arguments = top.parse_args(argv[:end])
    command = argv[end + 1 :]
    if not command:
        top.error("the program is missing: hone exec -- python train.py")
    try:
        return arguments.function(arguments, command)  # type: ignore[no-any-return]
    except Misuse as misuse:
        log(str(misuse))
        return USAGE


if __name__ == "__main__":
    sys.exit(main())
