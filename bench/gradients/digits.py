"""Few of scikit-learn's digits, and networks with many hyperparameters that regularise them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from hone_gradients.self_tuning import Knob, ResponseConv2d, ResponseLinear, Tuning, dropout, noise
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F

BATCH = 25
Batch = tuple[Tensor, Tensor]


def _drop(name: str) -> Knob:
    return Knob(name, 0.01, 0.8, 0.05, scale="log")


def _noise() -> Knob:
    return Knob("noise", 0.01, 1, 0.05, scale="log")


def _decay(name: str) -> Knob:
    return Knob(name, 1e-6, 1e-1, 1e-4, scale="log")


def _dropped(x: Tensor, tuning: Tuning, names: Sequence[str]) -> Tensor:
    """A dropout rate for each of several parts of the units or channels."""
    parts = zip(x.chunk(len(names), dim=1), names, strict=True)
    return torch.cat([dropout(part, tuning.value(name)) for part, name in parts], dim=1)


class Five(nn.Module):
    """Two hidden layers: noise on the pixels, a dropout rate before each layer, one decay."""

    knobs = (_drop("drop0"), _drop("drop1"), _drop("drop2"), _noise(), _decay("decay"))

    def __init__(self) -> None:
        super().__init__()
        count = len(self.knobs)
        sizes = (64, 64, 64, 10)
        self.layers = nn.ModuleList(ResponseLinear(a, b, count) for a, b in zip(sizes, sizes[1:], strict=False))

    def decays(self) -> dict[str, nn.Module]:
        return {"decay": self}

    def forward(self, batch: Batch, tuning: Tuning) -> Tensor:
        x = noise(batch[0], tuning.value("noise"))
        for i, layer in enumerate(self.layers):
            x = layer(dropout(x if i == 0 else x.relu(), tuning.value(f"drop{i}")), tuning)
        return x


class Mlp(nn.Module):
    """Three hidden layers: a dropout rate for each quarter of the pixels and each half of a layer, a decay a layer."""

    parts = (("in0", "in1", "in2", "in3"), ("one0", "one1"), ("two0", "two1"), ("three0", "three1"))
    knobs = (*(_drop(name) for names in parts for name in names), *(_decay(f"decay{i}") for i in range(4)))

    def __init__(self) -> None:
        super().__init__()
        count = len(self.knobs)
        sizes = (64, 64, 64, 64, 10)
        self.layers = nn.ModuleList(ResponseLinear(a, b, count) for a, b in zip(sizes, sizes[1:], strict=False))

    def decays(self) -> dict[str, nn.Module]:
        return {f"decay{i}": layer for i, layer in enumerate(self.layers)}

    def forward(self, batch: Batch, tuning: Tuning) -> Tensor:
        x = batch[0]
        for i, (layer, names) in enumerate(zip(self.layers, self.parts, strict=True)):
            x = layer(_dropped(x if i == 0 else x.relu(), tuning, names), tuning)
        return x


class Cnn(nn.Module):
    """Two convolutions and a linear layer: noise, a dropout rate for every four channels, a decay a layer."""

    parts = (("one0", "one1"), ("two0", "two1", "two2", "two3"))
    knobs = (_noise(), *(_drop(name) for names in parts for name in names), *(_decay(f"decay{i}") for i in range(3)))

    def __init__(self) -> None:
        super().__init__()
        count = len(self.knobs)
        self.one = ResponseConv2d(1, 8, 3, count, padding=1)
        self.two = ResponseConv2d(8, 16, 3, count, stride=2, padding=1)
        self.last = ResponseLinear(256, 10, count)

    def decays(self) -> dict[str, nn.Module]:
        return {f"decay{i}": layer for i, layer in enumerate((self.one, self.two, self.last))}

    def forward(self, batch: Batch, tuning: Tuning) -> Tensor:
        x = noise(batch[0].reshape(-1, 1, 8, 8), tuning.value("noise"))
        x = _dropped(self.one(x, tuning).relu(), tuning, self.parts[0])
        x = _dropped(self.two(x, tuning).relu(), tuning, self.parts[1])
        return self.last(x.flatten(1), tuning)


@dataclass(frozen=True)
class Problem:
    """A network, and how long it is trained."""

    network: Callable[[], Five | Mlp | Cnn]
    knobs: tuple[Knob, ...]
    epochs: int


PROBLEMS = {"five": Problem(Five, Five.knobs, 30), "mlp": Problem(Mlp, Mlp.knobs, 40), "cnn": Problem(Cnn, Cnn.knobs, 40)}


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
