"""Pytrees of tensors: nested dicts, lists and tuples, which the methods see as a flat tuple."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

Tensors = tuple[Tensor, ...]


def flatten(tree: Any, name: str) -> tuple[Tensors, Callable[[Tensors], Any]]:
    """The tensors of a tree, detached from any graph, and the function that puts such tensors into its shape.

    Raises TypeError, naming `name`, when a leaf is no tensor of floating-point numbers.
    """
    leaves, structure = pytree.tree_flatten(tree)
    for leaf in leaves:
        if not isinstance(leaf, Tensor) or not leaf.is_floating_point():
            kind = leaf.dtype if isinstance(leaf, Tensor) else type(leaf).__name__
            raise TypeError(f"`{name}` has a leaf of type {kind}. Make it a tensor of floating-point numbers.")
    if not leaves:
        raise TypeError(f"`{name}` has no tensors. Give at least one.")
    return tuple(leaf.detach() for leaf in leaves), lambda tensors: pytree.tree_unflatten(list(tensors), structure)


def gradient(output: Tensor, inputs: Tensors, *, graph: bool = False) -> Tensors:
    """The gradient of a scalar; `graph`: whether it can be differentiated itself."""
    return pull((output,), inputs, None, graph=graph)


def pull(
    outputs: Tensors, inputs: Tensors, cotangent: Tensors | None, *, graph: bool = False, keep: bool = False
) -> Tensors:
    """A vector times the Jacobian of outputs by inputs. Inputs that the outputs do not depend on get zeros.

    `graph`: whether the result can be differentiated; `keep`: whether the outputs' own graph is used again.
    """
    some = [(o, None if cotangent is None else cotangent[i]) for i, o in enumerate(outputs) if o.requires_grad]
    if not some:
        return tuple(torch.zeros_like(x) for x in inputs)
    parts = torch.autograd.grad(
        [output for output, _ in some],
        inputs,
        None if cotangent is None else [cast(Tensor, weight) for _, weight in some],
        create_graph=graph,
        retain_graph=graph or keep,
        allow_unused=True,
        materialize_grads=True,
    )
    return tuple(parts)


def leaves(tensors: Tensors) -> Tensors:
    """The same values as new leaves of a graph."""
    return tuple(tensor.detach().requires_grad_() for tensor in tensors)


def detached(tensors: Tensors) -> Tensors:
    """The same values without their graph."""
    return tuple(tensor.detach() for tensor in tensors)


def dot(a: Tensors, b: Tensors) -> Tensor:
    """The inner product over all tensors."""
    return torch.stack([(x * y).sum() for x, y in zip(a, b, strict=True)]).sum()


def plus(a: Tensors, b: Tensors, scale: float | Tensor = 1.0) -> Tensors:
    """`a + scale * b`."""
    return tuple(x + scale * y for x, y in zip(a, b, strict=True))


def times(a: Tensors, scale: float | Tensor) -> Tensors:
    """`scale * a`."""
    return tuple(scale * x for x in a)
