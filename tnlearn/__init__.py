"""tnlearn: tensor networks for physics-inspired machine learning.

Every model is written as a network of tensors; one engine contracts, differentiates and samples
them. Names are loaded when they are first used, so importing the package is cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

#: Every public name and the room it lives in.
_ROOMS = {
    "errors": ("TnlearnError",),
    "values": ("LogValue",),
    "network": ("Tensor", "TensorNetwork"),
    "network.builders": ("chain", "grid", "tree"),
    "planning": ("Plan", "plan"),
    "execution": (
        "Program",
        "compile",
        "contract",
        "integer_contract",
        "log_contract",
        "log_value_and_gradient",
        "ncon",
        "value_and_gradient",
    ),
    "inference": (
        "assess",
        "condition",
        "density_of_states",
        "entropy",
        "expectation",
        "fisher_information",
        "log_partition",
        "marginals",
        "mode",
        "optima",
        "sample",
        "susceptibility",
    ),
    "physics": (
        "BayesianNetwork",
        "BoltzmannMachine",
        "Clock",
        "FactorGraph",
        "HiddenMarkovTree",
        "Hopfield",
        "Ising",
        "MarkovChain",
        "Potts",
        "RestrictedBoltzmann",
    ),
    "learning": ("GaussianRBM", "MPSClassifier", "RBM", "fit"),
    "files": ("load", "read", "save", "write"),
}
_HOME = {name: room for room, names in _ROOMS.items() for name in names}

__version__ = "0.1.0"
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'tnlearn' has no attribute {name!r}")
    value = getattr(import_module(f"tnlearn.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
