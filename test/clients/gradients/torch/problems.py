"""Problems with known derivatives, the same for the library and for the reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import reference
import torch
from torch import Tensor
from torch.nn import functional as F

FEATURES = 6


@dataclass(frozen=True)
class Data:
    x: Tensor
    y: Tensor
    x_val: Tensor
    y_val: Tensor

    def arrays(self) -> list[np.ndarray]:
        return [t.numpy() for t in (self.x, self.y, self.x_val, self.y_val)]


def data(labels: bool, seed: int = 3, features: int = FEATURES) -> Data:
    chance = np.random.default_rng(seed)
    x, x_val = chance.normal(size=(40, features)), chance.normal(size=(30, features))
    truth = np.array([2.0, -1, 0.5, *[0.0] * (features - 3)])
    y, y_val = x @ truth + chance.normal(size=40), x_val @ truth + chance.normal(size=30)
    arrays = [x, (y > 0) * 1.0, x_val, (y_val > 0) * 1.0] if labels else [x, y, x_val, y_val]
    return Data(*(torch.tensor(a, dtype=torch.float64) for a in arrays))


class Ridge:
    """Least squares, with the logarithm of a penalty for each feature."""

    labels = False

    def __init__(self) -> None:
        self.data = data(self.labels)
        chance = np.random.default_rng(5)
        self.start = torch.tensor(chance.normal(size=FEATURES))
        self.hyper = torch.tensor(np.log(chance.uniform(0.05, 0.5, FEATURES)))
        make = reference.logistic if self.labels else reference.ridge
        self.reference = make(*self.data.arrays())

    def loss(self, x: Tensor, y: Tensor, w: Tensor) -> Tensor:
        return ((x @ w - y) ** 2).mean() / 2

    def train(self, w: Tensor, h: Tensor) -> Tensor:
        return self.loss(self.data.x, self.data.y, w) + (h.exp() * w * w).sum() / 2

    def val(self, w: Tensor, h: Tensor) -> Tensor:
        return self.loss(self.data.x_val, self.data.y_val, w)

    def optimum(self, h: Tensor) -> Tensor:
        return torch.tensor(reference.optimum(self.reference, np.zeros(FEATURES), h.numpy()))


class Logistic(Ridge):
    """Logistic regression of labels 0 and 1."""

    labels = True

    def loss(self, x: Tensor, y: Tensor, w: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(x @ w, y)


def differences(of: Any, h: Tensor, size: float = 1e-5) -> Tensor:
    return torch.tensor(reference.differences(lambda at: float(of(torch.tensor(at))), h.numpy(), size))


def near(a: Tensor, b: Any, tolerance: float = 1e-6) -> None:
    assert torch.max(torch.abs(a - torch.as_tensor(b))) < tolerance, (a, b)
