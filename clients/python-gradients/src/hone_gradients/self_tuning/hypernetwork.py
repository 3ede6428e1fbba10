"""Hypernetworks: a network that gives the weights that are best for hyperparameters (Lorraine and Duvenaud 2018)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor, nn

from hone_gradients.modules import Bound
from hone_gradients.self_tuning.knobs import Knobs
from hone_gradients.trees import gradient


class Hypernetwork(nn.Module):
    """Gives the parameters of `module` from raw hyperparameters: linear, or with one layer of `hidden` units.

    It begins with the parameters that the module has, whatever the hyperparameters. A module of P parameters takes P
    (n + 1) numbers, or P (hidden + 1): for small modules.
    """

    def __init__(self, module: nn.Module, knobs: int, hidden: int | None = None) -> None:
        super().__init__()
        self._module = [module]  # in a list, so that its parameters are not those of the hypernetwork
        parameters = dict(module.named_parameters())
        self._shapes = {name: p.shape for name, p in parameters.items()}
        flat = torch.cat([p.detach().flatten() for p in parameters.values()])
        last = nn.Linear(knobs if hidden is None else hidden, len(flat))
        with torch.no_grad():
            last.weight.zero_()
            last.bias.copy_(flat)
        self.net = last if hidden is None else nn.Sequential(nn.Linear(knobs, hidden), nn.Tanh(), last)

    def forward(self, raw: Tensor) -> Bound:
        """The module with the weights for raw hyperparameters, (n,)."""
        parts = torch.split(self.net(raw), [shape.numel() for shape in self._shapes.values()])
        named = {name: part.reshape(shape) for (name, shape), part in zip(self._shapes.items(), parts, strict=True)}
        return Bound(self._module[0], named)


class HypernetworkTuner:
    """Tunes by a hypernetwork. `train_loss(model, values, batch)` and `val_loss(model, batch)` give scalars.

    `local`: hyperparameters are drawn near the current ones, by the knobs' deviations, and the two are trained in
    turns. `global`: they are drawn over the whole range (a standard logistic distribution, uniform in value), so train
    the hypernetwork first and the knobs then.
    """

    def __init__(
        self,
        hypernetwork: Hypernetwork,
        knobs: Knobs,
        train_loss: Callable[[Bound, dict[str, Tensor], Any], Tensor],
        val_loss: Callable[[Bound, Any], Tensor],
        *,
        optimizer: torch.optim.Optimizer,
        hyper_optimizer: torch.optim.Optimizer,
        draws: Literal["local", "global"] = "local",
    ) -> None:
        self.hypernetwork, self.knobs = hypernetwork, knobs
        self.train_loss, self.val_loss = train_loss, val_loss
        self.optimizer, self.hyper_optimizer, self.draws = optimizer, hyper_optimizer, draws

    def train_step(self, batch: Any) -> float:
        """A step of the hypernetwork, at hyperparameters that are drawn. @returns its loss."""
        with torch.no_grad():
            raw = (
                self.knobs.perturbed(1)[0] if self.draws == "local" else torch.logit(torch.rand(len(self.knobs)), 1e-6)
            )
        loss = self.train_loss(self.hypernetwork(raw), self.knobs.values(raw), batch)
        return _step(self.optimizer, tuple(self.hypernetwork.parameters()), loss)

    def tune_step(self, batch: Any) -> float:
        """A step of the knobs. @returns the validation loss."""
        loss = self.val_loss(self.hypernetwork(self.knobs.raw), batch)
        return _step(self.hyper_optimizer, (self.knobs.raw,), loss)


def _step(optimizer: torch.optim.Optimizer, parameters: tuple[nn.Parameter, ...], loss: Tensor) -> float:
    for parameter, slope in zip(parameters, gradient(loss, parameters), strict=True):
        parameter.grad = slope
    optimizer.step()
    return float(loss.detach())
