"""The collapse of DARTS to options without weights, as skip connections, and when to stop before it (Zela et al.
2020)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from hone_gradients.darts.choice import choices
from hone_gradients.trees import gradient, pull


def curvature(model: nn.Module, loss: Callable[[nn.Module], Tensor]) -> float:
    """The largest absolute eigenvalue of the Hessian of a loss, the validation loss, by all mixtures together.

    The Hessian is made whole: there are as many products with it as options in all choices.
    """
    alphas = tuple(choice.alpha for choice in choices(model).values())
    slope = gradient(loss(model), alphas, graph=True)
    flat = torch.cat([part.flatten() for part in slope])
    rows = []
    for unit in torch.eye(len(flat), dtype=flat.dtype, device=flat.device):
        rows.append(torch.cat([part.flatten() for part in pull((flat,), alphas, (unit,), keep=True)]))
    hessian = torch.stack(rows)
    return float(torch.linalg.eigvalsh((hessian + hessian.T) / 2).abs().max())


@dataclass
class CollapseGuard:
    """Early stopping of DARTS: the search ends when the curvature grows fast, and an earlier architecture is taken.

    The curvature of each epoch is smoothed over the last `window` ones. The search should stop when the smoothed one
    of `window` epochs before is below `ratio` of today's; `architecture` is then that of those epochs before. Defaults
    are those of the paper.
    """

    window: int = 5
    ratio: float = 0.75
    curvatures: list[float] = field(default_factory=list)
    architectures: list[Mapping[str, str]] = field(default_factory=list)

    def stops(self, curvature: float, architecture: Mapping[str, str]) -> bool:
        """Notes an epoch. @returns whether to stop."""
        self.curvatures.append(curvature)
        self.architectures.append(architecture)
        return self._collapsed()

    @property
    def architecture(self) -> Mapping[str, str]:
        """The one to take: the last, or the one before the curvature grew."""
        return self.architectures[-1 - self.window if self._collapsed() else -1]

    def _collapsed(self) -> bool:
        if len(self.curvatures) < 2 * self.window:
            return False
        return self._smooth(len(self.curvatures) - self.window) < self.ratio * self._smooth(len(self.curvatures))

    def _smooth(self, until: int) -> float:
        recent = self.curvatures[until - self.window : until]
        return sum(recent) / len(recent)
