"""What can be saved: a line in one table for each class, and a module here that knows how."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any, NamedTuple, Protocol, cast

from tnlearn.errors import DataTypeError
from tnlearn.files.arrays import Array, Arrays


class Codec(Protocol):
    """What a module offers that knows how to write some classes down.

    Law: ``decode(encode(thing, arrays), arrays.all, type(thing))`` equals ``thing``, also when
    what `encode` returned has been through JSON.
    """

    def encode(self, thing: Any, arrays: Arrays) -> Any:
        """`thing` as what JSON can hold, its arrays put into `arrays` and called by number."""

    def decode(self, payload: Any, arrays: Sequence[Array], cls: type[Any]) -> Any:
        """The thing again; FormatError, or what its class raises, if the payload is wrong."""


class Kind(NamedTuple):
    """Where a class lives, and the module that is its codec."""

    room: str
    codec: str


#: Name of a class, which is the kind in the file. Nothing else is ever built from a file.
KINDS = {
    "TensorNetwork": Kind("tnlearn.network", "tnlearn.files.networks"),
    "Plan": Kind("tnlearn.planning", "tnlearn.files.plans"),
    "Ising": Kind("tnlearn.physics", "tnlearn.files.spins"),
    "FactorGraph": Kind("tnlearn.physics", "tnlearn.files.factors"),
    "BayesianNetwork": Kind("tnlearn.physics", "tnlearn.files.factors"),
    "Potts": Kind("tnlearn.physics", "tnlearn.files.models"),
    "GaussianRestrictedBoltzmann": Kind("tnlearn.physics", "tnlearn.files.models"),
    "Clock": Kind("tnlearn.physics", "tnlearn.files.models"),
    "Hopfield": Kind("tnlearn.physics", "tnlearn.files.models"),
    "BoltzmannMachine": Kind("tnlearn.physics", "tnlearn.files.models"),
    "RestrictedBoltzmann": Kind("tnlearn.physics", "tnlearn.files.models"),
    "MarkovChain": Kind("tnlearn.physics", "tnlearn.files.models"),
    "HiddenMarkovTree": Kind("tnlearn.physics", "tnlearn.files.models"),
    "MPSClassifier": Kind("tnlearn.learning", "tnlearn.files.estimators"),
}


def kind_of(thing: Any) -> str:
    """The kind of `thing`.

    Raises
    ------
    DataTypeError
        If it is of no class that can be saved; a subclass of one is another class.
    """
    cls = type(thing)
    if cls.__name__ in KINDS and class_of(cls.__name__) is cls:
        return cls.__name__
    hint = ": save its network, .network()" if hasattr(thing, "network") else ""
    raise DataTypeError(
        f"a {cls.__module__}.{cls.__qualname__} cannot be saved, only {', '.join(KINDS)}{hint}"
    )


def class_of(kind: str) -> type[Any]:
    """The class of that name."""
    return cast("type[Any]", getattr(import_module(KINDS[kind].room), kind))


def codec_of(kind: str) -> Codec:
    """The module that encodes and decodes that kind."""
    return cast("Codec", import_module(KINDS[kind].codec))
