"""Gradient-based tuning inside a PyTorch training job: start with `hypergradient`."""

from hone_gradients.hypergradient import Hypergradient, hypergradient
from hone_gradients.implicit import ConjugateGradient, Identity, Neumann
from hone_gradients.memory import PeakBytes
from hone_gradients.modules import Bound
from hone_gradients.problem import Method
from hone_gradients.reversible import Reversible
from hone_gradients.steps import SGD, Adam, Step
from hone_gradients.unrolled import Forward, Reverse
from hone_gradients.version import __version__

__all__ = [
    "SGD",
    "Adam",
    "Bound",
    "ConjugateGradient",
    "Forward",
    "Hypergradient",
    "Identity",
    "Method",
    "Neumann",
    "PeakBytes",
    "Reverse",
    "Reversible",
    "Step",
    "__version__",
    "hypergradient",
]
