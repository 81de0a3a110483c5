"""The memory limit is kept: growth of the peak resident memory, each time in a fresh process."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("resource", reason="Windows does not say how much a process has had")

#: Bytes that Python, tapes and the like may take besides.
BESIDES = 24 * 2**20

START = """
import resource, sys
from pathlib import Path
import networkx as nx, numpy as np, tnlearn as tnl
def peak():
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # In bytes on macOS.
    # Linux's ru_maxrss starts from the peak of the process that started this one.
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
def grid(bond):
    return tnl.grid(5, 5, bond, seed=1)
def lattice(length):
    graph = nx.grid_2d_graph(length, length)
    return tnl.Ising(graph, coupling={e: (-1.0) ** sum(e[0]) for e in graph.edges}, field=0.1)
"""
QUESTIONS = {
    "gradient": ("tnl.log_value_and_gradient(grid({}), memory_limit=limit)", 3, 12, 0.7),
    "gradient in slices": ("tnl.log_value_and_gradient(grid({}), memory_limit=limit)", 3, 12, 0.4),
    "sample": ("tnl.sample(lattice({}), 10, seed=0, memory_limit=limit)", 4, 21, 0.6),
    "mode": ("tnl.mode(lattice({}), memory_limit=limit)", 4, 21, 0.6),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_limit_is_kept(name: str) -> None:
    """A part of what the question takes without a limit."""
    question, small, large, part = QUESTIONS[name]
    free = growth(question, small, large, "1 TB")
    assert free > 2 * BESIDES, "too small to tell"
    limit = int(part * free)
    assert growth(question, small, large, limit) <= 1.05 * limit + BESIDES


def growth(question: str, small: int, large: int, limit: int | str) -> int:
    """Bytes that a process grows by, its kernels warm."""
    body = f"limit = '1 TB'\n{question.format(small)}\nlimit = {limit!r}\nbefore = peak()\n"
    script = f"{START}{body}{question.format(large)}\nprint(peak() - before)"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)
