"""The package as a user installs it, and its types."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[4] / "clients/python-gradients"


def run(*args: object, cwd: Path | None = None, **env: str) -> str:
    done = subprocess.run([str(arg) for arg in args], cwd=cwd, env=env or None, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def test_the_wheel_is_installed_and_gives_a_hypergradient(tmp_path):
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path, cwd=PACKAGE)
    (wheel,) = tmp_path.glob("hone_gradients-*.whl")
    options = ("--quiet", "--no-index", "--no-deps", "--disable-pip-version-check")
    run(sys.executable, "-m", "pip", "install", *options, "--target", tmp_path / "installed", wheel)
    script = """
import torch, hone_gradients as g
from importlib.metadata import distribution
package = distribution("hone-gradients")
found = g.hypergradient(
    lambda w, h: (w - h) ** 2, lambda w, h: (w - 3) ** 2, torch.tensor(1.0), torch.tensor(1.0),
    method=g.ConjugateGradient()
)
print(g.__file__, package.requires, any(file.name == "py.typed" for file in package.files), float(found.gradients))
"""
    where, *rest = run(sys.executable, "-c", script, PYTHONPATH=str(tmp_path / "installed")).split(" ", 1)
    assert Path(where).is_relative_to(tmp_path / "installed")
    assert rest == ["['torch>=2.4'] True -4.0"]


def test_its_types_are_checked():
    assert "no issues" in run(sys.executable, "-m", "mypy", "--cache-dir=/dev/null", cwd=PACKAGE)
