"""What a fresh process does for its first result; `benchmarks.cold` times it from outside.

``python first_result.py LIBRARY FOLDER`` reads a network from the folder and prints its value.
Nothing is imported but what the library needs.
"""

# mypy: allow-untyped-calls

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


def only_numpy(network: dict[str, Any], arrays: list[Any]) -> float:
    """No contraction: what the interpreter, NumPy and reading the file take."""
    return float("nan")


def with_tnlearn(network: dict[str, Any], arrays: list[Any]) -> float:
    """Plan, compile, contract."""
    import tnlearn as tnl

    tensors = map(tnl.Tensor, arrays, network["inputs"])
    return float(tnl.contract(tnl.TensorNetwork(tensors)))


def with_jax(network: dict[str, Any], arrays: list[Any]) -> float:
    """Compile (from JAX's cache on disk) and contract; the order is given."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def contract(tensors: list[Any]) -> Any:
        tensors = list(tensors)
        for first, second, formula in network["steps"]:
            tensors.append(jnp.einsum(formula, tensors[first], tensors[second]))
        return tensors[-1]

    return float(jax.jit(contract)(arrays))


def with_cotengra(network: dict[str, Any], arrays: list[Any]) -> float:
    """Contract; the order is given."""
    import cotengra

    return float(
        cotengra.array_contract(
            arrays, [tuple(term) for term in network["inputs"]], (), optimize=network["path"]
        )
    )


LIBRARIES: dict[str, Callable[[dict[str, Any], list[Any]], float]] = {
    "numpy": only_numpy,
    "tnlearn": with_tnlearn,
    "cotengra": with_cotengra,
    "jax": with_jax,
}


def main(library: str, folder: Path) -> None:
    """Read, contract, print."""
    network = json.loads((folder / "network.json").read_text(encoding="utf-8"))
    with np.load(folder / "arrays.npz") as file:
        arrays = [file[f"arr_{k}"] for k in range(len(network["inputs"]))]
    print(LIBRARIES[library](network, arrays))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
