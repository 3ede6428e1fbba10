"""Parameters of a search space. Each function returns the JSON that docs/search-space.md describes."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

Parameter: TypeAlias = dict[str, Any]
Scale: TypeAlias = Literal["linear", "log", "reverse-log"]
Choice: TypeAlias = str | builtins.float | bool | None
When: TypeAlias = Mapping[str, Sequence[Choice] | Mapping[str, builtins.float]]
"""For each parent the values under which a parameter is active: `{"optimizer": ["sgd"], "layers": {"low": 2}}`."""


def float(
    low: builtins.float,
    high: builtins.float,
    *,
    scale: Scale = "linear",
    step: builtins.float | None = None,
    prior: Mapping[str, Any] | None = None,
    points: builtins.int | None = None,
    when: When | None = None,
) -> Parameter:
    """A real number between `low` and `high`, both included. `points`: how many values the algorithm `grid` takes."""
    return _given(type="float", low=low, high=high, scale=scale, step=step, prior=prior, points=points, when=when)


def int(
    low: builtins.int,
    high: builtins.int,
    *,
    scale: Scale = "linear",
    step: builtins.int | None = None,
    prior: Mapping[str, Any] | None = None,
    points: builtins.int | None = None,
    when: When | None = None,
) -> Parameter:
    """A whole number between `low` and `high`, both included. `points`: how many values the algorithm `grid` takes."""
    return _given(type="int", low=low, high=high, scale=scale, step=step, prior=prior, points=points, when=when)


def categorical(
    choices: Sequence[Choice], *, weights: Sequence[builtins.float] | None = None, when: When | None = None
) -> Parameter:
    """One of several choices that have no order."""
    return {**_given(type="categorical", weights=weights, when=when), "choices": list(choices)}


def ordinal(
    choices: Sequence[Choice], *, weights: Sequence[builtins.float] | None = None, when: When | None = None
) -> Parameter:
    """One of several choices, listed in their order."""
    return {**_given(type="ordinal", weights=weights, when=when), "choices": list(choices)}


def normal(mean: builtins.float, sd: builtins.float) -> Parameter:
    """A prior around `mean`, a value of the parameter; `sd` is in natural-log units if the scale is logarithmic."""
    return {"type": "normal", "mean": mean, "sd": sd}


def beta(alpha: builtins.float, beta: builtins.float) -> Parameter:
    """A prior over the parameter's scale; `alpha` above `beta` prefers large values."""
    return {"type": "beta", "alpha": alpha, "beta": beta}


def _given(**fields: Any) -> Parameter:
    return {name: value for name, value in fields.items() if value is not None}
