"""A trial's state between its attempts: files and folders that Hone keeps, moved by the runner's threads."""

from __future__ import annotations

import errno
import logging
import os
import re
import threading
import time
from collections.abc import Callable
from typing import TypeAlias

from hone import runner
from hone.client import Client
from hone.errors import Unreachable

log = logging.getLogger("hone")

Checkpoint: TypeAlias = str | os.PathLike[str]
"""A file or folder that Hone keeps, or a place of the program's own, such as `s3://bucket/key`."""


def is_place(checkpoint: Checkpoint) -> bool:
    """Whether it is a text that begins as a URL does, which is handed on as it is. `C:` begins a path."""
    return isinstance(checkpoint, str) and re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", checkpoint) is not None


class Transfers:
    """Downloads the checkpoint of an earlier attempt, and uploads those of this one, one at a time, the newest next."""

    def __init__(self, client: Client, path: str, attempt: int, commit: Callable[[str], None]) -> None:
        """`path`: of the trial. `commit`: takes the name of one that has arrived, unless a report waits for it."""
        service = runner.Service(*client.settings)
        self._checkpoints = runner.Checkpoints(service, path, attempt, client.patience)
        self._checkpoints.on_saved = self._on_saved
        self._commit = commit
        self._arrived = threading.Condition()

    def restore(self) -> str | None:
        """Downloads the last checkpoint. Returns its path; None when it is gone. Raises Unreachable, or Cancelled."""
        try:
            return self._checkpoints.restore()
        except runner.Refused as refusal:
            log.warning("Hone: the trial begins anew: its checkpoint cannot be downloaded: %s", refusal)
            return None
        except runner.Unreachable as problem:
            raise Unreachable(f"the checkpoint could not be downloaded: {problem}") from None

    def save(self, source: Checkpoint, waits: bool) -> str | None:
        """Packs a file or folder, which may then be changed, and uploads it in the background.

        `waits`: until it has arrived. Returns its name then; None when it could not be saved, which is logged. Raises
        FileNotFoundError.
        """
        if not os.path.lexists(source):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.fspath(source))
        saving = self._checkpoints.take(os.fspath(source), waits)
        if self._checkpoints.ident is None:
            self._checkpoints.start()
        if saving is None or not waits:
            return None
        with self._arrived:
            self._arrived.wait_for(lambda: saving.done)
        return saving.name

    def finish(self, seconds: float) -> None:
        """Waits until what is being uploaded is committed, for at most so long; gives up the rest."""
        deadline = time.monotonic() + seconds
        self._checkpoints.wait(lambda: deadline)
        self._checkpoints.cancel()

    def cancel(self) -> None:
        """Gives up what is not uploaded. What was downloaded stays, as the program may be reading it."""
        self._checkpoints.cancel()

    def close(self) -> None:
        """Cancels, and removes all files."""
        self._checkpoints.close()

    def _on_saved(self, saving: runner.Saving) -> None:
        with self._arrived:
            self._arrived.notify_all()
        if saving.name is not None and not saving.held:
            self._commit(saving.name)
