"""A categorical choice of a model, relaxed: all options at once, weighted by a softmax."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from typing import Any

import torch
from torch import Tensor, nn


class Choice(nn.Module):
    """A mixture of its options, which are any modules with the same inputs and with outputs that can be added.

    Its weights are the softmax of `alpha`, which begins almost uniform: normal numbers times `spread`.
    """

    def __init__(self, options: Mapping[str, nn.Module], spread: float = 1e-3) -> None:
        super().__init__()
        if len(options) < 2:
            raise ValueError(f"`options` has {len(options)} entries. Give at least 2 to choose from.")
        self.options = nn.ModuleDict(options)
        self.alpha = nn.Parameter(spread * torch.randn(len(options)))

    def weights(self) -> dict[str, float]:
        """The weight of each option; they sum to 1."""
        return dict(zip(self.options, self.alpha.detach().softmax(0).tolist(), strict=True))

    def forward(self, *inputs: Any) -> Tensor:
        """The weighted sum of the options' outputs."""
        outputs = [option(*inputs) for option in self.options.values()]
        return torch.stack([w * out for w, out in zip(self.alpha.softmax(0), outputs, strict=True)]).sum(0)


def choices(model: nn.Module) -> dict[str, Choice]:
    """All choices of a model by the names of their modules."""
    return {name: module for name, module in model.named_modules() if isinstance(module, Choice)}


def derive(model: nn.Module, ignore: Collection[str] = ("none",)) -> dict[str, str]:
    """The architecture: for each choice its option of the largest weight, but for those named in `ignore`."""

    def best(choice: Choice) -> str:
        weights = {name: weight for name, weight in choice.weights().items() if name not in ignore}
        if not weights:
            raise ValueError("`ignore` leaves a choice no option.")
        return max(weights, key=lambda name: weights[name])

    return {name: best(choice) for name, choice in choices(model).items()}


def fixed(model: nn.Module, architecture: Mapping[str, str]) -> nn.Module:
    """A copy of a model in which each choice is its option of an architecture, with weights as they are: retrain it.

    Raises KeyError when the architecture lacks a choice or names an option that there is not.
    """
    copied = copy.deepcopy(model)
    for name, choice in choices(copied).items():
        parent, _, last = name.rpartition(".")
        if architecture[name] not in choice.options:
            raise KeyError(f"{name} has no option {architecture[name]!r}, but {list(choice.options)}.")
        setattr(copied.get_submodule(parent), last, choice.options[architecture[name]])
    return copied
