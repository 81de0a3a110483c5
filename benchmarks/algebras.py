"""Ground states and densities of states: how long exact answers take on square lattices.

Run with ``python benchmarks/algebras.py``; writes ``results/algebras.json``. The densities of the
tori whose numbers are published are compared with them, and all sums with 2**sites.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import networkx as nx
import numpy as np
from environment import write_result

import tnlearn as tnl

#: Sides of open lattices with couplings -1 and +1, and of ferromagnetic tori.
GLASSES, TORI = (8, 12, 16, 20), (4, 6, 8)
#: Largest side of which the five best states are asked for: they take five times the memory.
FIVE = 16
#: States 4 k J above the ground state of the 6 x 6 torus.
SIX = [2, 0, 72, 144, 1620, 6048, 35148, 159840, 804078, 3846576, 17569080, 71789328]


def timed(question: Callable[[], Any]) -> tuple[Any, float]:
    """An answer, and the seconds that it took."""
    start = time.perf_counter()
    answer = question()
    return answer, time.perf_counter() - start


def glass(side: int) -> tnl.Ising:
    """An open lattice whose couplings are -1 or +1, as seed 0 has them."""
    random = np.random.default_rng(0)
    graph = nx.grid_2d_graph(side, side)
    return tnl.Ising(graph, {edge: float(random.choice([-1, 1])) for edge in graph.edges})


def ground_state(side: int) -> dict[str, Any]:
    """One row: a state, the same with its number, and the five best; each is planned anew."""
    model = glass(side)
    found, alone = timed(lambda: tnl.mode(model, cache=False))
    counted, with_count = timed(lambda: tnl.mode(model, count=True, cache=False))
    assert found.energy == counted.energy
    row = {
        "lattice": f"{side} x {side}",
        "energy": found.energy,
        "states": counted.degeneracy,
        "seconds": alone,
        "with count": with_count,
    }
    if side <= FIVE:
        five, row["five best"] = timed(lambda: tnl.mode(model, 5, cache=False))
        assert five.energy == found.energy
    return row


def density(side: int) -> dict[str, Any]:
    """One row of a torus."""
    model = tnl.Ising(nx.grid_2d_graph(side, side, periodic=True))
    found, seconds = timed(lambda: tnl.density_of_states(model, cache=False))
    assert sum(found.values()) == 2**side**2
    if side == 6:
        assert [found.get(-72.0 + 4 * k, 0) for k in range(len(SIX))] == SIX
    return {"torus": f"{side} x {side}", "levels": len(found), "seconds": seconds}


def main() -> int:
    """Time every lattice, print and write the result."""
    tnl.mode(glass(3), 2, count=True)  # Compiles.
    tnl.density_of_states(glass(3))
    modes = [ground_state(side) for side in GLASSES]
    densities = [density(side) for side in TORI]
    print(*modes, *densities, sep="\n")
    write_result("algebras", {"ground states": modes, "densities of states": densities})
    return 0


if __name__ == "__main__":
    sys.exit(main())
