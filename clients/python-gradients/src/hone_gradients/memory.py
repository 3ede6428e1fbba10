"""How much memory a computation takes, on any device."""

from __future__ import annotations

import weakref
from typing import Any

from torch import Tensor
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode


class PeakBytes(TorchDispatchMode):
    """`with PeakBytes() as memory:` and then `memory.peak`: the most bytes that tensors made inside it held at once.

    It cannot see into PyTorch's function transforms, so it cannot measure `Forward`, nor Delta-STN.
    """

    def __init__(self) -> None:
        super().__init__()
        self.peak = 0
        self._now = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        known_before = [x.untyped_storage() for x in pytree.tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        made = func(*args, **(kwargs or {}))
        old = {storage.data_ptr() for storage in known_before}
        for leaf in pytree.tree_leaves(made):
            if isinstance(leaf, Tensor):
                self._count(leaf.untyped_storage(), old)
        return made

    def _count(self, storage: Any, old: set[int]) -> None:
        place = storage.data_ptr()
        if place in self._known or place in old or place == 0:
            return
        size = storage.nbytes()
        self._known.add(place)
        self._now += size
        self.peak = max(self.peak, self._now)
        weakref.finalize(storage, self._forget, place, size)

    def _forget(self, place: int, size: int) -> None:
        self._known.discard(place)
        self._now -= size
