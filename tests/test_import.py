"""What importing the library costs, and which names it offers."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

import tnlearn

PACKAGE = Path(tnlearn.__file__).parent

#: The public names. They change on purpose only: a name taken away breaks somebody's program.
PUBLIC = [
    "BayesianNetwork",
    "BoltzmannMachine",
    "Clock",
    "FactorGraph",
    "GaussianRBM",
    "HiddenMarkovTree",
    "Hopfield",
    "Ising",
    "LogValue",
    "MPSClassifier",
    "MarkovChain",
    "Plan",
    "Potts",
    "Program",
    "RBM",
    "RestrictedBoltzmann",
    "Tensor",
    "TensorNetwork",
    "TnlearnError",
    "assess",
    "chain",
    "compile",
    "condition",
    "contract",
    "density_of_states",
    "entropy",
    "expectation",
    "fisher_information",
    "fit",
    "grid",
    "integer_contract",
    "load",
    "log_contract",
    "log_partition",
    "log_value_and_gradient",
    "marginals",
    "mode",
    "ncon",
    "optima",
    "plan",
    "read",
    "sample",
    "save",
    "susceptibility",
    "tree",
    "value_and_gradient",
    "write",
]
MOST_NAMES = 48

#: Libraries that cost time or memory to load, and wait until something needs them.
HEAVY = {
    "cotengra",
    "cupy",
    "jax",
    "joblib",
    "matplotlib",
    "networkx",
    "numba",
    "opt_einsum",
    "pandas",
    "quimb",
    "scipy",
    "sklearn",
    "tensorflow",
    "torch",
    "tqdm",
}

#: A public name -> the heavy libraries that touching it may load.
NEEDS = {
    "TnlearnError": set(),
    "LogValue": set(),
    "Tensor": set(),
    "TensorNetwork": set(),
    "log_contract": {"tqdm"},
    "plan": set(),
    "grid": {"networkx"},
    "MPSClassifier": {"joblib", "pandas", "scipy", "sklearn", "tqdm"},
}


def loaded_by(statement: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after running `statement`."""
    report = "import json, sys; print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    finished = subprocess.run(
        [sys.executable, "-c", f"{statement}\n{report}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return set(json.loads(finished.stdout))


def test_the_check_sees_what_is_loaded() -> None:
    assert "networkx" in loaded_by("import networkx")


def test_import_loads_no_heavy_library() -> None:
    loaded = loaded_by("import tnlearn")
    assert loaded & HEAVY == set()
    assert "tnlearn_backends" not in loaded


def test_a_spawned_worker_finds_both_packages() -> None:
    """It must by itself: with an editable install only a hook leads to ``tnlearn_backends``."""
    program = "__import__('tnlearn_backends').__name__, __import__('tnlearn').__name__"
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert pool.submit(eval, program).result() == ("tnlearn_backends", "tnlearn")


@pytest.mark.parametrize("name", NEEDS)
def test_a_name_loads_only_what_it_needs(name: str) -> None:
    assert loaded_by(f"import tnlearn; tnlearn.{name}") & HEAVY <= NEEDS[name]


def test_no_name_loads_a_backend_or_an_array_library() -> None:
    """All at once: what is loaded after touching every name was loaded by one of them."""
    loaded = loaded_by("import tnlearn\nfor name in tnlearn.__all__: getattr(tnlearn, name)")
    assert loaded & {"cupy", "jax", "matplotlib", "numba", "tensorflow", "torch"} == set()
    assert "tnlearn_backends" not in loaded


def test_the_public_names_are_these() -> None:
    assert sorted(tnlearn.__all__) == PUBLIC
    assert [name for name in dir(tnlearn) if not name.startswith("_")] == PUBLIC
    assert len(PUBLIC) <= MOST_NAMES


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_there(name: str) -> None:
    thing = getattr(tnlearn, name)
    assert callable(thing)
    assert thing.__doc__


def test_star_import_gives_the_public_names() -> None:
    namespace: dict[str, object] = {}
    exec("from tnlearn import *", namespace)
    assert set(PUBLIC) == set(namespace) - {"__builtins__"}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        tnlearn.no_such_name  # noqa: B018


def stub_names() -> dict[str, tuple[str, str]]:
    """Name -> (module, name there) of every re-export in the stub that type checkers read."""
    tree = ast.parse((PACKAGE / "__init__.pyi").read_text(encoding="utf-8"))
    return {
        alias.asname: (node.module or "", alias.name)
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname
    }


def test_the_stub_has_the_same_names_for_the_same_things() -> None:
    stub = stub_names()
    assert sorted(name for name in stub if not name.startswith("_")) == PUBLIC
    for name, (module, original) in stub.items():
        assert getattr(importlib.import_module(module), original) is getattr(tnlearn, name), name
