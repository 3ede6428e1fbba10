"""The job templates, as the runner starts them: killed after a checkpoint, and gone on with to the same end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
EXAMPLES = ROOT / "examples/gradients"

PARAMS = [
    ("ridge-logistic", {"model": "ridge", "start": -1.0}),
    ("ridge-logistic", {"model": "logistic", "start": -5.0}),
    ("digits", {"start": 1e-4, "rate": 0.1}),
    ("self-tuning", {"model": "cnn", "dropout": 0.1}),
    ("self-tuning", {"model": "lstm", "dropout": 0.1}),
    ("darts", {"order": 2, "seed": 3}),
]


class Attempt:
    """A trial's process, and what it prints."""

    def __init__(self, name: str, params: dict, out: Path, checkpoint: Path | None) -> None:
        runner = {"HONE_RUNNER": "1", "HONE_TRIAL": "0", "HONE_ATTEMPT": "1", "HONE_CHECKPOINT_OUT": str(out)}
        given = {"HONE_CHECKPOINT_IN": str(checkpoint)} if checkpoint else {}
        env = {**os.environ, **runner, **given, "HONE_PARAMS": json.dumps(params), "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", EXAMPLES / name / "train.py"], env=env, stdout=subprocess.PIPE, text=True
        )

    def lines(self):
        for line in self.process.stdout:
            yield json.loads(line)


@pytest.mark.parametrize(("name", "params"), PARAMS)
def test_a_job_that_is_killed_goes_on_from_its_checkpoint(name, params, tmp_path):
    first = Attempt(name, params, tmp_path / "state", None)
    before = []
    for line in first.lines():
        before.append(line)
        if len(before) == 2:
            first.process.send_signal(signal.SIGKILL)
            break
    first.process.wait()
    # A runner takes what was saved when it was; the process may have replaced it since.
    os.rename(tmp_path / "state", tmp_path / "taken")
    second = Attempt(name, params, tmp_path / "state", tmp_path / "taken")
    whole = Attempt(name, params, tmp_path / "whole", None)
    after, undisturbed = list(second.lines()), list(whole.lines())
    assert second.process.wait() == 0 and whole.process.wait() == 0
    steps = [line["step"] for line in after if "step" in line]
    assert steps[0] in (3, 4) and steps == list(range(steps[0], steps[-1] + 1))
    assert after[-1]["loss"] < before[0]["loss"]
    # Nothing was lost: each line that follows is that of a process that was never killed.
    assert after == undisturbed[-len(after) :]


@pytest.mark.parametrize("name", sorted({name for name, _ in PARAMS}))
def test_a_study_names_its_program(name):
    study = json.loads((EXAMPLES / name / "study.json").read_text())
    program = study["executor"]["command"][-1]
    assert (ROOT / program).is_file()
    params = [params for other, params in PARAMS if other == name]
    assert all(set(each) == set(study["space"]) for each in params)
