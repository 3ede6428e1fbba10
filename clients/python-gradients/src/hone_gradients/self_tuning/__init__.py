"""Hyperparameters that are tuned while the model trains once: hypernetworks, STN and Delta-STN."""

from hone_gradients.self_tuning.hypernetwork import Hypernetwork, HypernetworkTuner
from hone_gradients.self_tuning.knobs import Knob, Knobs
from hone_gradients.self_tuning.layers import (
    ResponseConv2d,
    ResponseEmbedding,
    ResponseLinear,
    ResponseLSTM,
    Tuning,
    dropout,
    noise,
    squares,
)
from hone_gradients.self_tuning.schedule import Schedule
from hone_gradients.self_tuning.tuner import SelfTuner

__all__ = [
    "Hypernetwork",
    "HypernetworkTuner",
    "Knob",
    "Knobs",
    "ResponseConv2d",
    "ResponseEmbedding",
    "ResponseLSTM",
    "ResponseLinear",
    "Schedule",
    "SelfTuner",
    "Tuning",
    "dropout",
    "noise",
    "squares",
]
