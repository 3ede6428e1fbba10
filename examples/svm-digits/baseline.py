"""The baseline for the study: the accuracy of scikit-learn's default SVC, and of a grid with as many fits as the study has trials.

Prints one JSON object: {"default": {"accuracy"}, "grid": {"accuracy", "C", "gamma", "sizes"}}. The grid covers the study's
space, with more values of gamma than of C, because the accuracy depends more on gamma.
"""

import json
from pathlib import Path

import numpy as np
from train import accuracy

C_VALUES, GAMMA_VALUES = 5, 8


def grid(space: dict) -> dict:
    """The best of all combinations of evenly spaced values, on the log scale as in the study's space."""
    values = {
        name: np.geomspace(space[name]["low"], space[name]["high"], count)
        for name, count in (("C", C_VALUES), ("gamma", GAMMA_VALUES))
    }
    points = [{"C": float(C), "gamma": float(gamma)} for C in values["C"] for gamma in values["gamma"]]
    return max(({"accuracy": accuracy(**point), **point} for point in points), key=lambda it: it["accuracy"])


if __name__ == "__main__":
    study = json.loads(Path(__file__).with_name("study.json").read_text())
    if C_VALUES * GAMMA_VALUES != study["budget"]["trials"]:
        raise SystemExit("The grid and the study have different budgets.")
    best = {**grid(study["space"]), "sizes": [C_VALUES, GAMMA_VALUES]}
    print(json.dumps({"default": {"accuracy": accuracy()}, "grid": best}))
