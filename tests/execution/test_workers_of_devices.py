"""README's command lines for one worker a device, followed with workers that have none."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from tnlearn.backend import get_backend

ROOT = Path(__file__).parents[2]
LINES = re.search(
    r"```text\n(dask scheduler.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A client of the scheduler and workers that the lines start."""
    distributed = pytest.importorskip("distributed")
    assert LINES is not None
    with closing(socket.create_server(("127.0.0.1", 0))) as found:
        port = found.getsockname()[1]
    text = LINES[1].replace("tcp://scheduler:8786", f"tcp://127.0.0.1:{port}")
    text = text.replace("8786", f"{port} --host 127.0.0.1 --dashboard-address :0")
    processes = []
    folder = tmp_path_factory.mktemp("dask")
    paths = [str(ROOT), str(ROOT / "tests" / "strict"), os.environ.get("PYTHONPATH", "")]
    for line in text.strip().splitlines():
        *variables, program, command = re.split(r" (?=dask )| (?=scheduler|worker)", line[:-2])[-3:]
        given = dict(v.split("=") for v in variables if "=" in v)
        words = [sys.executable, "-m", "dask", *command.split()]
        assert program == "dask"
        kept = {**os.environ, **given, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
        processes.append(
            subprocess.Popen(
                words, cwd=folder, env=kept, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        )
    try:
        with distributed.Client(f"tcp://127.0.0.1:{port}", timeout=100) as found:
            found.wait_for_workers(2, timeout=100)
            yield found
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait(20)


@pytest.mark.parametrize("backend", ["torch", "strict"])
def test_the_bits_are_those_of_one_process(client: Any, backend: str) -> None:
    if backend == "torch":
        pytest.importorskip("torch")
    model = tnl.Ising(nx.random_regular_graph(3, 30, seed=0), 0.4, 0.2)
    net = model.network()
    plan = tnl.plan(net, backend=backend)
    plan = replace(plan, sliced=(0, 3, 5))
    answers = []
    for executor in (None, client.get_executor()):
        program = tnl.compile(net, plan=plan, backend=backend, executor=executor)
        log, gradient = program.log_value_and_gradient([tensor.data for tensor in net])
        slopes = program.unpack(gradient, log=True)
        to_host = get_backend(backend).log_to_host
        found = [to_host(value) for value in (program.log([t.data for t in net]), log, *slopes)]
        answers.append([np.asarray(part) for v in found for part in (v.phase, v.log)])
    for one, other in zip(*answers, strict=True):
        np.testing.assert_array_equal(one, other)
    assert float(answers[0][1]) == pytest.approx(tnl.log_partition(model), rel=1e-13)


def test_every_worker_has_a_device_and_a_thread_of_its_own(client: Any) -> None:
    seen = client.run(lambda: os.environ["CUDA_VISIBLE_DEVICES"])
    assert sorted(seen.values()) == ["0", "1"]
    assert set(client.nthreads().values()) == {1}
