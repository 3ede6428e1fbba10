"""A network on few of scikit-learn's digits, which needs regularisation: with responses (STN) or without."""

from __future__ import annotations

import torch
from hone_gradients.self_tuning import Knob, Knobs, ResponseLinear, Tuning, dropout, noise
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F

UNITS, BATCH = 64, 25
KNOBS = [
    Knob("drop0", 0, 0.95, 0.05),
    Knob("drop1", 0, 0.95, 0.05),
    Knob("drop2", 0, 0.95, 0.05),
    Knob("noise", 0, 1, 0.05),
    Knob("decay", 1e-6, 1e-1, 1e-4, scale="log"),
]

Batch = tuple[Tensor, Tensor]


class Plain(nn.Linear):
    """A linear layer that does not respond."""

    def __init__(self, inputs: int, outputs: int, _: int) -> None:
        super().__init__(inputs, outputs)

    def forward(self, x: Tensor, tuning: Tuning) -> Tensor:
        return F.linear(x, self.weight, self.bias)


class Network(nn.Module):
    """Two hidden layers, with noise on the pixels and dropout before each layer."""

    def __init__(self, layer=ResponseLinear) -> None:
        super().__init__()
        count = len(KNOBS)
        self.layers = nn.ModuleList([layer(64, UNITS, count), layer(UNITS, UNITS, count), layer(UNITS, 10, count)])

    def forward(self, batch: Batch, tuning: Tuning) -> Tensor:
        x = noise(batch[0], tuning.value("noise"))
        for i, layer in enumerate(self.layers):
            x = layer(dropout(x if i == 0 else x.relu(), tuning.value(f"drop{i}")), tuning)
        return x


def losses(outputs: Tensor, batch: Batch) -> Tensor:
    return F.cross_entropy(outputs, batch[1], reduction="none")


class Digits:
    """150 images to train with, 250 to validate with, the others to test with."""

    def __init__(self, seed: int) -> None:
        images, labels = load_digits(return_X_y=True)
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
        x, y = torch.tensor(images / 16).float()[order], torch.tensor(labels)[order]
        self.train, self.val, self.test = (x[:150], y[:150]), (x[150:400], y[150:400]), (x[400:], y[400:])

    @staticmethod
    def batches(part: Batch, size: int = BATCH) -> list[Batch]:
        order = torch.randperm(len(part[1]))
        return [(part[0][rows], part[1][rows]) for rows in order.split(size)]


def knobs() -> Knobs:
    return Knobs(KNOBS)
