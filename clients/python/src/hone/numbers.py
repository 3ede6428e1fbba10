"""Numbers of NumPy, PyTorch and others, as JSON can hold them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, SupportsFloat, TypeAlias

Metric: TypeAlias = int | float | str
"""A number, or what JSON has no number for: "nan", "inf", "-inf"."""

LARGEST_INT = 2**53  # JSON readers keep no larger integer exactly


def to_json(body: Any) -> bytes:
    """Raises TypeError or ValueError for what JSON cannot hold."""
    return json.dumps(body, allow_nan=False, default=_plain).encode()


def to_metrics(values: Mapping[str, SupportsFloat]) -> dict[str, Metric]:
    """Raises TypeError, naming the metric, for what is not a number."""
    return {name: _to_metric(name, value) for name, value in values.items()}


def _to_metric(name: str, value: Any) -> Metric:
    if isinstance(value, int) and abs(value) <= LARGEST_INT:
        return int(value)
    try:
        number = float(value)
    except OverflowError:
        number = math.copysign(math.inf, value)
    except (TypeError, ValueError):
        raise TypeError(f"{name}: {value!r} is not a number") from None
    return number if math.isfinite(number) else str(number)


def _plain(value: Any) -> Any:
    """A scalar of NumPy, PyTorch or JAX as Python's own."""
    item = getattr(value, "item", None)
    if item is None:
        raise TypeError(f"{value!r} cannot be sent as JSON")
    return item()
