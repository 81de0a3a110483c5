"""What happens once in a process is no part of any time: it happens before, on small networks."""

from __future__ import annotations

from benchmarks import networks
from benchmarks.instances import Instance
from benchmarks.orders import PLANNERS, search
from benchmarks.peers.base import Peer


def rehearse_searches() -> None:
    """Import what the planners need."""
    for planner in PLANNERS:
        search(networks.bond_grid(2, 2, 0), planner, 0, None, 0.01)


def rehearse(peer: Peer, task: str, mode: str, dtype: str) -> None:
    """Import the library, and let it do what it does once for a task and a precision."""
    instance = _instance(peer, task, dtype)
    order = search(instance, "tnlearn", 0, None, 0.01) if peer.planners else None
    runner = peer.prepare(instance, task, order, mode)
    runner.run(runner.pack(instance.sets[0]))


def _instance(peer: Peer, task: str, dtype: str) -> Instance:
    """One that the library can express."""
    small = (networks.mps(4, 2, 2, dtype, 0), networks.bond_grid(2, 2, 0))
    return next(instance for instance in small if peer.objection(instance) is None)
