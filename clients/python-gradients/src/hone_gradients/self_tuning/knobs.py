"""Hyperparameters with bounds, tuned as numbers without bounds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Knob:
    """A hyperparameter between `low` and `high`, and where it starts.

    `scale` log spreads its values evenly by ratio. `perturbation`: the standard deviation with which it is varied at
    first, in the space without bounds, where the value is a sigmoid.
    """

    name: str
    low: float
    high: float
    start: float
    scale: Literal["linear", "log"] = "linear"
    perturbation: float = 0.5

    def __post_init__(self) -> None:
        if not self.low < self.start < self.high:
            raise ValueError(f"{self.name}: `start` is {self.start}. It must be between {self.low} and {self.high}.")
        if self.scale == "log" and self.low <= 0:
            raise ValueError(f"{self.name}: `low` is {self.low}. On a log scale it must be above 0.")
        if self.perturbation <= 0:
            raise ValueError(f"{self.name}: `perturbation` is {self.perturbation}. It must be above 0.")

    def value(self, raw: Tensor) -> Tensor:
        """The hyperparameter of a number without bounds."""
        share = raw.sigmoid()
        if self.scale == "linear":
            return self.low + (self.high - self.low) * share
        return torch.exp(math.log(self.low) + math.log(self.high / self.low) * share)

    def raw(self, value: float) -> float:
        """The number without bounds of a value, which is moved off the bounds by a millionth of the range."""
        if self.scale == "linear":
            share = (value - self.low) / (self.high - self.low)
        else:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        share = min(max(share, 1e-6), 1 - 1e-6)
        return math.log(share / (1 - share))


class Knobs(nn.Module):
    """The hyperparameters of a model, raw (n numbers), and how far each is varied (n standard deviations)."""

    def __init__(self, knobs: Sequence[Knob]) -> None:
        super().__init__()
        if not knobs:
            raise ValueError("`knobs` is empty. Give at least one.")
        self.knobs = tuple(knobs)
        self.raw = nn.Parameter(torch.tensor([knob.raw(knob.start) for knob in knobs]))
        # The inverse of softplus.
        self.spread = nn.Parameter(torch.tensor([math.log(math.expm1(knob.perturbation)) for knob in knobs]))

    def __len__(self) -> int:
        return len(self.knobs)

    def deviations(self) -> Tensor:
        """The standard deviations."""
        return F.softplus(self.spread)

    def perturbed(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """Raw hyperparameters for `count` examples, varied, (count, n), differentiable in both parameters."""
        normal = torch.randn((count, len(self)), generator=generator).to(self.raw)
        return self.raw + normal * self.deviations()

    def entropy(self) -> Tensor:
        """Of the distribution they are varied by, up to a constant."""
        return self.deviations().log().sum()

    def values(self, raw: Tensor) -> dict[str, Tensor]:
        """Each hyperparameter by name, of raw ones in the last dimension."""
        return {knob.name: knob.value(raw[..., i]) for i, knob in enumerate(self.knobs)}

    def now(self) -> dict[str, float]:
        """The hyperparameters as they are."""
        return {name: float(value) for name, value in self.values(self.raw.detach()).items()}

    def set(self, values: Mapping[str, float]) -> None:
        """Sets hyperparameters by name."""
        with torch.no_grad():
            for i, knob in enumerate(self.knobs):
                self.raw[i] = knob.raw(values[knob.name])
