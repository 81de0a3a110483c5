"""Problems too large to be run whole: planned, sliced, and one slice timed.

What all slices together would take is that times their number: it is said to be extrapolated, and
nothing of it was run.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import tnlearn as tnl
from benchmarks.confined import StoppedError, call
from benchmarks.limits import Limits
from benchmarks.peers.base import Peer
from benchmarks.peers.on_devices import OnPlace
from benchmarks.problems import Problem
from tnlearn.backend import get_backend

EXTRAPOLATED = "extrapolated: seconds of one slice times their number; the rest was not run"


def measure(problem: Problem, peers: list[Peer], seed: int, limits: Limits) -> list[dict[str, Any]]:
    """A row for tnlearn in every place."""
    instance = problem.build(seed)
    rows = []
    for peer in peers:
        if not peer.name.startswith("tnlearn"):
            continue
        row = {"problem": problem.name, "peer": peer.name, "dtype": instance.dtype}
        allowed = limits.preparing + 10 * limits.run
        try:
            work = partial(_one, instance, peer, seed, limits.memory // 2)
            row |= call(work, limits.memory, allowed)
        except StoppedError as error:
            row["status"] = str(error)
        rows.append(row)
    return rows


def _one(instance: Any, peer: Peer, seed: int, memory: int) -> dict[str, Any]:
    """The plan, and the median of a few runs of its first slice."""
    backend, put, wait = "numpy", list, lambda: None
    if isinstance(peer, OnPlace):
        backend, put, wait = peer.backend, peer.put, peer.synchronize
        put(instance.sets[0][:1])  # The default device is where plans are made for.
    start = time.perf_counter()
    plan = tnl.plan(instance.network, backend=backend, memory_limit=memory, seed=seed, cache=False)
    planning = time.perf_counter() - start
    program = tnl.compile(instance.network, plan=plan, backend=backend)
    executable = get_backend(backend).compile(program.instructions, program.dtype)
    packed = executable.pack(put(instance.sets[0]), True)
    seconds = []
    for _ in range(4):  # The first, with all that is done once, is not counted.
        start = time.perf_counter()
        executable.run(packed, range(1))
        wait()
        seconds.append(time.perf_counter() - start)
        if seconds[-1] > 30 and len(seconds) > 1:
            break
    one = sorted(seconds[1:])[len(seconds[1:]) // 2]
    return {
        "status": "ok",
        "planning_seconds": planning,
        "flops": plan.cost.flops,
        "width": plan.cost.width,
        "slices": plan.cost.slices,
        "peak_bytes": plan.cost.peak_bytes,
        "seconds_of_one_slice": one,
        "extrapolated_seconds": one * plan.cost.slices,
        "flops_per_second": plan.cost.flops / plan.cost.slices / one,
        "note": EXTRAPOLATED,
    }
