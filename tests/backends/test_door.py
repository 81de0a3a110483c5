"""The door for a backend: a stranger's distribution, a folder on the path."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from law_tables import ABSENT, BACKENDS

pytestmark = pytest.mark.filterwarnings("error")

STRANGER = """
from tnlearn.backend import Backend, Machine, get_backend

COMPILED = []

class Loopback(Backend):
    name = "loopback"
    inner = property(lambda self: get_backend("numpy"))
    machine = Machine("an abacus", flops=1.0, bandwidth=1.0, latency=1.0)
    versions = property(lambda self: {"loopback": "1"})

    def asarray(self, data, dtype):
        return self.inner.asarray(data, dtype)

    def to_host(self, array):
        return self.inner.to_host(array)

    def compile(self, instructions, dtype, algebra):
        COMPILED.append(dtype)
        return self.inner.compile(instructions, dtype, algebra)

class NoBackend:
    pass
"""

QUESTIONS = """
import networkx as nx, stranger
matrix = np.arange(4.0).reshape(2, 2)
net = tnl.TensorNetwork([tnl.Tensor(matrix, "ij"), tnl.Tensor(matrix, "jk")], "ik")
value, gradient = tnl.value_and_gradient(net, np.ones((2, 2)), backend="loopback")
model = tnl.Ising(nx.cycle_graph(4), field=50.0)
before = len(stranger.COMPILED)
program = tnl.compile(net, backend="loopback")
x = program.pack([matrix, matrix])
for _ in range(3):
    program(x), program.value_and_gradient(x, np.ones((2, 2)))
once = len(stranger.COMPILED) - before
answer = {
    "installed": sorted(installed()),
    "contract": tnl.contract(net, backend="loopback").tolist(),
    "value": value.tolist(),
    "gradient": gradient["0"].tolist(),
    "plan": [(p.backend, p.cost.seconds) for p in [tnl.plan(net, backend="loopback")]],
    "once": once,
    "log": tnl.log_partition(model, backend="loopback"),
    "sample": tnl.sample(model, 2, backend="loopback").tolist(),
    "marginals": tnl.marginals(model, backend="loopback")[0].tolist(),
    "compiled": len(stranger.COMPILED),
    "numpy": tnl.contract(net).tolist(),
    "untouched": len(stranger.COMPILED),
}
"""


def ask(folder: Path, points: str, code: str, module: str = STRANGER) -> Any:
    """What `code` leaves in ``answer``, beside a distribution with these entry points."""
    (folder / "stranger.py").write_text(module)
    info = folder / "stranger-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[tnlearn.backends]\n{points}\n")
    head = "import json, numpy as np, tnlearn as tnl\nfrom tnlearn.backend import *\n"
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-c", f"{head}{code}\nprint(json.dumps(answer))"],
        env={**os.environ, "PYTHONPATH": path},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", ABSENT)
def test_the_laws_of_an_absent_backend(name: str) -> None:
    """One line for all the laws that are not tested here."""
    pytest.skip(ABSENT[name])


def test_a_stranger_s_backend(tmp_path: Path) -> None:
    """Found, used for every question, and left alone when another is asked for."""
    answer = ask(tmp_path, "loopback = stranger:Loopback", QUESTIONS)
    assert answer["installed"] == sorted({*BACKENDS, "loopback"} - {"strict"})
    assert answer["contract"] == answer["value"] == answer["numpy"] == [[2, 3], [6, 11]]
    assert answer["gradient"] == [[1, 5], [1, 5]]
    ((name, seconds),) = answer["plan"]
    assert name == "loopback"
    assert seconds > 100  # on an abacus: its own machine model was asked
    assert answer["once"] == 2  # the value, and the value with its gradient
    assert answer["log"] == pytest.approx(204)
    assert answer["sample"] == [[1] * 4] * 2
    assert answer["marginals"] == pytest.approx([0, 1])
    assert answer["untouched"] == answer["compiled"]


ERROR = """
try:
    {call}
    answer = None
except Exception as error:
    answer = [[kind.__name__ for kind in type(error).__mro__], str(error)]
"""

# name -> entry points, module, backend asked for, what the message must say
STRANGERS: dict[str, tuple[str, str, str, str]] = {
    "unknown": ("loopback = stranger:Loopback", STRANGER, "nobody",
                "no backend is called 'nobody'; installed: .*loopback.*numpy"),
    "no library": ("absent = stranger:Absent", "import a_library_that_is_not_there", "absent",
                   "'absent' cannot be used here: No module named 'a_library_that_is_not_there'"),
    "no device": ("absent = stranger:Absent", "raise ImportError('needs CUDA 12')", "absent",
                  "'absent' cannot be used here: needs CUDA 12"),
    "no module": ("gone = nowhere.at_all:Gone", STRANGER, "gone", "'gone' cannot be used here"),
    "no such class": ("typo = stranger:Lopback", STRANGER, "typo", "typo.*Lopback"),
    "no backend": ("plain = stranger:NoBackend", STRANGER, "plain",
                   "stranger:NoBackend is no subclass of tnlearn.backend.Backend"),
    "two of one name": ("numpy = stranger:Loopback", STRANGER, "numpy",
                        "two backends are called 'numpy': .*stranger:Loopback"),
}  # fmt: skip


@pytest.mark.parametrize(("points", "module", "name", "message"), STRANGERS.values(), ids=STRANGERS)
def test_backends_that_cannot_be_had(
    tmp_path: Path, points: str, module: str, name: str, message: str
) -> None:
    """One clear sentence, on one line, in a BackendError."""
    call = f"tnl.contract('i,i->', [1.0], [2.0], backend={name!r})"
    answer = ask(tmp_path, points, ERROR.format(call=call), module)
    assert answer is not None
    kinds, text = answer
    assert {"BackendError", "TnlearnError", "ValueError"} <= set(kinds), answer
    assert "\n" not in text
    assert re.search(message, text), text


def test_no_backend_is_imported_to_list_it(tmp_path: Path) -> None:
    """One that cannot be imported takes nothing from the others."""
    code = "answer = [sorted(installed()), float(tnl.contract('i,i->', [1.0], [2.0]))]"
    names, value = ask(tmp_path, "absent = stranger:Absent", code, "raise SystemExit(3)")
    assert "absent" in names
    assert value == 2.0
