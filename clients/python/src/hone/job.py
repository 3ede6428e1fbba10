"""The trial of this process, when Hone or the runner started it for one."""

from __future__ import annotations

import json
import logging
import os
import shutil
import socket
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hone.attempt import Attempt, shorten
from hone.checkpoints import Checkpoint, is_place
from hone.client import Client, quote
from hone.errors import NotConfigured, Refused, Stopped
from hone.numbers import to_json
from hone.runner import FIELD_VARIABLES, without_secrets
from hone.trials import REPORT_EVERY_SECONDS, Trial

log = logging.getLogger("hone")


def trial(*, report_every: float | None = REPORT_EVERY_SECONDS) -> Trial:
    """The trial that this process was started for, by `hone exec`, by `hone worker` or as a job of Hone.

    Under the runner it prints its reports and results for the runner to send. In a job without the runner it claims the
    trial and calls Hone itself; when another job has the trial, it ends the program with exit code 0.

    `report_every`: as in `Study.trials`; the runner has an option for it. Raises NotConfigured when this process was
    started for no trial.
    """
    environment = os.environ
    if "HONE_RUNNER" in environment and "HONE_PARAMS" in environment:
        return Trial(Printer(environment), report_every)
    if all(name in environment for name in ("HONE_STUDY", "HONE_TRIAL", "HONE_ATTEMPT")):
        return Trial(_claim(environment), report_every)
    raise NotConfigured(
        "This program was started for no trial. Run it as a job of Hone, or by `hone worker --study STUDY -- python "
        "train.py`; to ask for trials itself, use hone.load_study(STUDY)."
    )


def _claim(environment: Mapping[str, str]) -> Attempt:
    bootstrap = Client()
    path = f"/studies/{quote(environment['HONE_STUDY'])}"
    # The claimant is the same in every try, so that a claim whose reply was lost can be repeated.
    body = {
        "attempt": int(environment["HONE_ATTEMPT"]),
        "jobId": environment.get("AWS_BATCH_JOB_ID") or f"{socket.gethostname()}-{os.getpid()}",
        "claimant": uuid.uuid4().hex,
    }
    number = int(environment["HONE_TRIAL"])
    try:
        claimed = bootstrap.request("POST", f"{path}/trials/{number}/claim", body, keyed=False)
    except Refused as refusal:
        if refusal.status != 409:
            raise
        log.warning("Hone: trial %d is not run: %s", number, refusal.detail)
        raise SystemExit(0) from None
    api, team, _ = bootstrap.settings
    return Attempt(Client(api, team, claimed["token"]), path, claimed, lambda: None, is_job=True)


class Printer:
    """An attempt whose runner reads what it prints; docs/runner.md has the lines. The runner ends the program, too."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.lease: dict[str, Any] = {
            "number": int(environment["HONE_TRIAL"]),
            "attempt": int(environment["HONE_ATTEMPT"]),
            "params": json.loads(environment["HONE_PARAMS"]),
        }
        for field, variable in FIELD_VARIABLES.items():
            if variable in environment:
                text = environment[variable]
                self.lease[field] = text if field == "instanceName" else json.loads(text)
        self.state = "running"
        self._in, self._out = environment.get("HONE_CHECKPOINT_IN"), environment.get("HONE_CHECKPOINT_OUT")

    @property
    def is_open(self) -> bool:
        """Whether a result may be told."""
        return self.state == "running"

    @property
    def told(self) -> bool:
        """Whether one was told."""
        return self.state != "running"

    def awaits(self, step: float) -> bool:
        """Every report is printed: the runner decides which it sends."""
        return True

    def report(self, body: Mapping[str, Any]) -> None:
        """Prints a step."""
        _print({**body["values"], **{name: body[name] for name in ("step", "checkpoint") if name in body}})

    def keep(self, checkpoint: Checkpoint, waits: bool) -> str | bool | None:
        """Puts a file or folder where the runner takes it from."""
        if is_place(checkpoint):
            return os.fspath(checkpoint)
        if self._out is None:
            raise NotConfigured("HONE_CHECKPOINT_OUT is not set: the runner that started this program sets it.")
        _copy(Path(checkpoint), Path(self._out))
        return True

    def commit(self, checkpoint: str | bool) -> None:
        """Prints that there is a checkpoint."""
        _print({"checkpoint": checkpoint})

    def restore(self) -> str | None:
        """What the runner has downloaded."""
        return self._in

    def end(self, result: Mapping[str, Any]) -> None:
        """Prints the result."""
        checkpoint = {"checkpoint": result["checkpoint"]} if "checkpoint" in result else {}
        if result.get("values") or checkpoint:
            _print({**result.get("values", {}), **checkpoint})
        self.state = "completed"
        if "pruned" in result:
            _print({"pruned": result["pruned"]["reason"]})
            self.state = "pruned"

    def fail(self, reason: str) -> None:
        """Ends the program, whose exit code and error output tell the runner."""
        self.state = "failed"
        raise SystemExit(reason)

    def shown(self, reason: str) -> str:
        """A reason as the runner may cut it: without secrets, of which a part would not be found any more."""
        return shorten(without_secrets(reason, (os.environ.get("HONE_TOKEN", ""),)))

    def fail_by(self, error: Exception) -> None:
        """Nothing: the exception ends the program, and its traceback is in the error output."""

    def release(self) -> None:
        """Nothing: what interrupts the program ends it."""

    def let_go(self) -> None:
        """The same."""

    def abandon(self) -> None:
        """The same: the runner sees how the program ends."""

    def remove_files(self) -> None:
        """Nothing: they are the runner's."""

    def raise_if_over(self) -> None:
        """Raises Stopped after the end; before that, the runner ends the program when it should."""
        if self.state != "running":
            raise Stopped(f"the trial is {self.state}")


def _print(line: Mapping[str, Any]) -> None:
    print(to_json(line).decode(), flush=True)


def _copy(source: Path, target: Path) -> None:
    """Copies a file or folder in one step, as the runner may be reading the one before."""
    if not source.exists():
        raise FileNotFoundError(f"There is no checkpoint at {source}")
    if target.exists() and source.samefile(target):
        return
    new = target.with_name(f"{target.name}.{uuid.uuid4().hex}")
    if not source.is_dir():
        shutil.copy2(source, new)
    else:
        shutil.copytree(source, new, symlinks=True)
    if target.is_dir():
        shutil.rmtree(target)
    os.replace(new, target)
