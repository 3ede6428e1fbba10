"""Hone, hyperparameter tuning as a service: start with `create_study`."""

from hone.client import Client
from hone.errors import Error, NotConfigured, Refused, Stopped, Unreachable
from hone.job import trial
from hone.space import beta, categorical, float, int, normal, ordinal
from hone.study import Result, Study, create_study, load_study
from hone.trials import Trial
from hone.version import __version__

__all__ = [
    "Client",
    "Error",
    "NotConfigured",
    "Refused",
    "Result",
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
    "normal",
    "ordinal",
    "trial",
]
