"""Search over categorical choices of a model by continuous relaxation: DARTS (Liu, Simonyan and Yang 2019)."""

from hone_gradients.darts.choice import Choice, choices, derive, fixed
from hone_gradients.darts.collapse import CollapseGuard, curvature
from hone_gradients.darts.search import Search

__all__ = ["Choice", "CollapseGuard", "Search", "choices", "curvature", "derive", "fixed"]
