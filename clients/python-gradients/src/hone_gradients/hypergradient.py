"""The one interface to all methods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from hone_gradients.modules import Bound
from hone_gradients.problem import Method, Problem
from hone_gradients.steps import Step
from hone_gradients.trees import Tensors, flatten

Loss = Callable[..., Tensor]


@dataclass(frozen=True)
class Hypergradient:
    """`value` is the validation loss after training, a scalar; `gradients` its gradient, in the shape of the
    hyperparameters; `weights` the trained weights, in the shape of the weights (of a module, by the parameters' names).
    """

    value: Tensor
    gradients: Any
    weights: Any


def hypergradient(
    train_loss: Loss,
    val_loss: Loss,
    weights: Any,
    hyper: Any,
    *,
    method: Method,
    step: Step | None = None,
    steps: int = 0,
    batches: Callable[[int], Any] | None = None,
) -> Hypergradient:
    """Trains from `weights` and gives the gradient of the validation loss by the hyperparameters.

    `train_loss(weights, hyper)` and `val_loss(weights, hyper)` give scalars. `weights` and `hyper` are tensors, or
    dicts, lists and tuples of them, on any one device. `weights` may be a module: the losses then get it as a `Bound`,
    a function of its inputs, whose `parameters` they may penalise.

    `step`, `steps`: how the weights are trained; implicit methods take weights that are trained already, with 0 steps.
    `batches(t)`: the data of step `t`, given to `train_loss` as a third argument; it must give the same for the same
    `t`. Implicit methods ask it for step `steps` too.

    Nothing that is given is changed. Raises ValueError or TypeError, naming the argument, when something does not fit.
    """
    if steps < 0:
        raise ValueError(f"`steps` is {steps}. Give 0, for weights that are trained, or more.")
    module = weights if isinstance(weights, nn.Module) else None
    flat_weights, weights_tree = flatten(dict(module.named_parameters()) if module else weights, "weights")
    flat_hyper, hyper_tree = flatten(hyper, "hyper")

    def shaped(flat: Tensors) -> Any:
        return Bound(module, weights_tree(flat)) if module else weights_tree(flat)

    def train(w: Tensors, h: Tensors, t: int) -> Tensor:
        batch = () if batches is None else (batches(t),)
        return _scalar(train_loss(shaped(w), hyper_tree(h), *batch), "train_loss")

    def val(w: Tensors, h: Tensors) -> Tensor:
        return _scalar(val_loss(shaped(w), hyper_tree(h)), "val_loss")

    outcome = method(Problem(train, val, step, steps, hyper_tree), flat_weights, flat_hyper)
    return Hypergradient(outcome.value, hyper_tree(outcome.gradients), weights_tree(outcome.weights))


def _scalar(value: Tensor, name: str) -> Tensor:
    if value.ndim != 0:
        raise ValueError(f"`{name}` gave a tensor of shape {tuple(value.shape)}. It must give a scalar: take the mean.")
    return value
