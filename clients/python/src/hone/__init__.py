"""Hone, hyperparameter tuning as a service: start with `create_study`."""

from hone.client import Client
from hone.errors import Error, NotConfigured, Refused, Stopped, Unreachable
from hone.job import trial
from hone.space import beta, categorical, float, int, normal, ordinal
from hone.splits import nested_cv
from hone.study import Result, Segment, Study, create_study, load_study
from hone.trials import Trial
from hone.version import __version__

__all__ = [
    "Client",
    "Error",
    "NotConfigured",
    "Refused",
    "Result",
    "Segment",
    "Stopped",
    "Study",
    "Trial",
    "Unreachable",
    "__version__",
    "beta",
    "categorical",
    "create_study",
    "float",
    "int",
    "load_study",
    "nested_cv",
    "normal",
    "ordinal",
    "trial",
]
