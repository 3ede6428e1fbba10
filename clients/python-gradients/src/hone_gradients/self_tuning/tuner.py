"""Self-Tuning Networks (MacKay et al. 2019) and Delta-STN (Bae and Grosse 2020)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from hone_gradients.self_tuning.knobs import Knobs
from hone_gradients.self_tuning.layers import Tuning, linearised, response_parameters, squares
from hone_gradients.trees import gradient

Loss = Callable[[Tensor, Any], Tensor]
"""Of the model's outputs and a batch: a loss for each example, (B,)."""


class SelfTuner:
    """Trains a model once, and its hyperparameters with it.

    `model(batch, tuning)` gives outputs; it drops, disturbs and augments by `tuning.value(name)` and has the layers of
    `self_tuning.layers`. `size(batch)` is the number B of its examples. `decay` names the knob that multiplies the
    squared norm of the weights, or the knobs of several, each with the module whose weights are meant.

    The model learns how its best weights respond to hyperparameters near the current ones, on training batches whose
    examples have perturbed hyperparameters; the hyperparameters follow the gradient of the validation loss through the
    response, and so does how far they are perturbed, held up by `entropy` times its entropy.

    `delta`: the response is centred at the current hyperparameters and its outputs are linearised there, so that the
    weights train on unperturbed hyperparameters and only the response on perturbed ones: more stable, and up to twice
    the time a step.

    `optimizer` trains the model, `hyper_optimizer` the knobs; nothing else is drawn than from PyTorch's generator.
    """

    def __init__(
        self,
        model: nn.Module,
        knobs: Knobs,
        loss: Loss,
        *,
        size: Callable[[Any], int],
        optimizer: torch.optim.Optimizer,
        hyper_optimizer: torch.optim.Optimizer,
        decay: str | Mapping[str, nn.Module] | None = None,
        entropy: float = 1e-3,
        delta: bool = False,
    ) -> None:
        self.model, self.knobs, self.loss, self.size = model, knobs, loss, size
        self.optimizer, self.hyper_optimizer = optimizer, hyper_optimizer
        self.entropy, self.delta = entropy, delta
        self.decays = {decay: model} if isinstance(decay, str) else dict(decay or {})
        responds = {id(p) for p in response_parameters(model)}
        self._response = tuple(p for p in model.parameters() if id(p) in responds)
        self._general = tuple(p for p in model.parameters() if id(p) not in responds)

    def epoch(self, train: Iterable[Any], val: Iterable[Any], *, train_steps: int = 2, tunes: bool = True) -> None:
        """Goes through the training batches once, with a step of the knobs after each `train_steps`. `val` begins anew
        when it ends; without `tunes`, in the first epochs, the knobs stay."""
        held = _endless(val)
        for count, batch in enumerate(train, start=1):
            self.train_step(batch)
            if tunes and count % train_steps == 0:
                self.tune_step(next(held))

    def train_step(self, batch: Any) -> float:
        """A step of the model. @returns its loss."""
        with torch.no_grad():
            raw = self.knobs.perturbed(self.size(batch))
        if not self.delta:
            loss = self._train_loss(batch, raw, raw)
            _step(self.optimizer, (*self._general, *self._response), loss)
            return float(loss.detach())
        now = self.knobs.raw.detach().expand_as(raw)
        loss = self._train_loss(batch, None, now)
        general = gradient(loss, self._general)
        response = gradient(self._train_loss(batch, raw - now, raw, linear=True), self._response)
        _step(self.optimizer, (*self._general, *self._response), None, (*general, *response))
        return float(loss.detach())

    def tune_step(self, batch: Any) -> float:
        """A step of the knobs. @returns the validation loss."""
        raw = self.knobs.perturbed(self.size(batch))
        response = raw - self.knobs.raw.detach() if self.delta else raw
        loss = self.loss(self._outputs(batch, response, None, self.delta), batch).mean()
        _step(self.hyper_optimizer, tuple(self.knobs.parameters()), loss - self.entropy * self.knobs.entropy())
        return float(loss.detach())

    @torch.no_grad()
    def validate(self, batches: Iterable[Any]) -> float:
        """The mean loss an example at the current hyperparameters, with nothing dropped or disturbed."""
        total, count = 0.0, 0
        self.model.eval()
        for batch in batches:
            raw = self.knobs.raw.expand(self.size(batch), -1)
            losses = self.loss(self._outputs(batch, None if self.delta else raw, None), batch)
            total, count = total + float(losses.sum()), count + losses.numel()
        self.model.train()
        return total / count

    def state_dict(self) -> dict[str, Any]:
        """All that it needs to go on, with PyTorch's generator."""
        return {
            "model": self.model.state_dict(),
            "knobs": self.knobs.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "hyper_optimizer": self.hyper_optimizer.state_dict(),
            "chance": torch.get_rng_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a state."""
        self.model.load_state_dict(state["model"])
        self.knobs.load_state_dict(state["knobs"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.hyper_optimizer.load_state_dict(state["hyper_optimizer"])
        torch.set_rng_state(state["chance"])

    def _train_loss(self, batch: Any, response: Tensor | None, raw: Tensor, linear: bool = False) -> Tensor:
        """With the penalties, which are never linearised: what the response costs is quadratic in it, and without that
        term nothing holds it where the outputs do not depend on it."""
        values = self.knobs.values(raw)
        loss = self.loss(self._outputs(batch, response, values, linear), batch).mean()
        for name, module in self.decays.items():
            loss = loss + (values[name] * squares(module, response)).mean()
        return loss

    def _outputs(
        self, batch: Any, response: Tensor | None, values: dict[str, Tensor] | None, linear: bool = False
    ) -> Tensor:
        if linear and response is not None:
            return linearised(self.model, batch, response, values)
        outputs: Tensor = self.model(batch, Tuning(response, values))
        return outputs


def _step(
    optimizer: torch.optim.Optimizer,
    parameters: tuple[nn.Parameter, ...],
    loss: Tensor | None,
    slopes: tuple[Tensor, ...] = (),
) -> None:
    for parameter, slope in zip(parameters, gradient(loss, parameters) if loss is not None else slopes, strict=True):
        parameter.grad = slope
    optimizer.step()


def _endless(batches: Iterable[Any]) -> Any:
    while True:
        yield from batches
