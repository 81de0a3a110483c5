"""What others answer to a partition function of the UAI competition, in a process of its own.

Run by ``uai_answers.py --peers``, or ``python benchmarks/uai_peers.py PEER NAME``: prints a line of
JSON. Each is given the factors with the evidence put in, reads them with this library, and is
killed at the same limit of seconds; an address space of 8 GiB keeps the machine alive.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import tnlearn as tnl

#: Bytes that a peer may take.
MEMORY = 2**33


def cotengra(tensors: list[tuple[Any, tuple[int, ...]]]) -> float:
    """Its best order of a few seconds, the exponent taken out as it goes."""
    import cotengra as ctg

    mantissa, exponent = ctg.array_contract(
        [array for array, _ in tensors],
        [indices for _, indices in tensors],
        (),
        optimize=ctg.HyperOptimizer(max_time=10, parallel=False, progbar=False),
        strip_exponent=True,
    )
    return float(exponent) + math.log10(float(mantissa))


def pgmpy(tensors: list[tuple[Any, tuple[int, ...]]]) -> float:
    """Variable elimination down to one variable; the table that is left is not normalised."""
    from pgmpy.factors.discrete import DiscreteFactor
    from pgmpy.inference import VariableElimination
    from pgmpy.models import DiscreteMarkovNetwork

    model = DiscreteMarkovNetwork()
    constant = 0.0
    for array, indices in tensors:
        if not indices:
            constant += math.log10(float(array))
            continue
        names = [f"v{index}" for index in indices]
        model.add_nodes_from(names)
        model.add_edges_from((a, b) for k, a in enumerate(names) for b in names[:k])
        model.add_factors(DiscreteFactor(names, array.shape, array))
    kept = next(iter(model.nodes))
    left = VariableElimination(model).query(
        [kept], elimination_order="MinFill", show_progress=False
    )
    return constant + math.log10(float(left.values.sum()))


PEERS: dict[str, Callable[[list[tuple[Any, tuple[int, ...]]]], float]] = {
    "cotengra": cotengra,
    "pgmpy": pgmpy,
}


def tensors_of(path: Path) -> list[tuple[Any, tuple[int, ...]]]:
    """The factors, with the evidence put in, and the variables of each as numbers."""
    network = tnl.read(f"{path}.gz", evidence=path.with_suffix(".uai.evid")).network()
    numbers = {index: k for k, index in enumerate(network.sizes)}
    return [
        (
            np.exp(tensor.data) if tensor.log else np.asarray(tensor.data),
            tuple(numbers[index] for index in tensor.indices),
        )
        for tensor in network
    ]


def main() -> int:
    """Answer one problem."""
    import resource

    peer, name = sys.argv[1:]
    path = Path(os.environ["TNLEARN_DATA"]) / "uai2014" / "PR" / f"{name}.uai"
    tensors = tensors_of(path)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    start = time.perf_counter()
    found = PEERS[peer](tensors)
    print(json.dumps({"found": found, "seconds": time.perf_counter() - start}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
