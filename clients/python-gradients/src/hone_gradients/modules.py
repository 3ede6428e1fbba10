"""A PyTorch module as a function of its parameters."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.func import functional_call


class Bound:
    """A module with given parameters in place of its own: call it as the module.

    Its buffers are the module's: statistics of batch normalisation change with every call, so fix them (`eval()`).
    """

    def __init__(self, module: nn.Module, parameters: dict[str, Tensor]) -> None:
        self.module = module
        self.parameters = parameters

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        return functional_call(self.module, self.parameters, inputs, named)
