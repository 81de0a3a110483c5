"""README's page on writing a backend, followed to the letter: a distribution of somebody else's."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "README.md").read_text(encoding="utf-8").partition("### Writing a backend")[2]


def block(language: str) -> str:
    """The first block of that language on the page."""
    found = re.search(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the distribution of the page installed in it."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("target")
    (source / "my_backend.py").write_text(block("python"))
    (source / "pyproject.toml").write_text(block("toml"))
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    pip = [sys.executable, "-m", "pip", "install", *options, "--target", str(target), str(source)]
    subprocess.run(pip, check=True, capture_output=True, text=True, timeout=200)
    return target


def run(installed: Path, *arguments: str) -> str:
    """What Python prints with the distribution on its path."""
    path = os.pathsep.join([str(installed), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": path},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


QUESTIONS = """
import json, networkx as nx, numpy as np, tnlearn as tnl
from tnlearn.backend import get_backend
mine = get_backend("mine")
array = mine.asarray(np.eye(2) + 1, "float64")
net = tnl.TensorNetwork([tnl.Tensor(array, "ij"), tnl.Tensor(array, "jk")], "ik")
value = tnl.contract(net, backend="mine")
model = tnl.Ising(nx.cycle_graph(4))
logs = [tnl.log_partition(model, backend=name) for name in ("mine", "numpy")]
print(json.dumps([type(value).__module__, mine.to_host(value).tolist(), logs]))
"""


def test_it_is_found_and_answers(installed: Path) -> None:
    module, value, logs = json.loads(run(installed, "-c", QUESTIONS))
    assert module.startswith("array_api_strict")
    assert value == [[5, 4], [4, 5]]
    assert logs[0] == pytest.approx(logs[1])


def test_it_gets_the_laws_by_registering(installed: Path) -> None:
    chosen = "mine and (name or magnitudes or slices or best or residues or svd)"
    printed = run(
        installed, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen, "tests/backends"
    )
    passed = re.search(r"(\d+) passed", printed)
    assert passed is not None
    assert int(passed[1]) > 40
    assert "skipped" not in printed
