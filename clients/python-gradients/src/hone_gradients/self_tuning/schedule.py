"""The hyperparameters of each epoch, kept as lines of JSON and replayed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Schedule:
    """What was learned: the hyperparameters by name after each epoch. A replay trains epoch e with those of epoch e."""

    epochs: list[dict[str, float]] = field(default_factory=list)

    def add(self, values: Mapping[str, float]) -> None:
        """Notes an epoch."""
        self.epochs.append(dict(values))

    def at(self, epoch: int) -> dict[str, float]:
        """The hyperparameters of an epoch, from 0; those of the last, when it has fewer."""
        return self.epochs[min(epoch, len(self.epochs) - 1)]

    def save(self, path: Path | str) -> None:
        """Writes it, a line an epoch."""
        Path(path).write_text("".join(json.dumps(values) + "\n" for values in self.epochs))

    @classmethod
    def load(cls, path: Path | str) -> Schedule:
        """Reads what `save` wrote."""
        return cls([json.loads(line) for line in Path(path).read_text().splitlines()])
