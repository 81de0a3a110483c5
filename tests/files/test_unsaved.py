"""What cannot be saved says so, and leaves nothing."""

from __future__ import annotations

import math
import os
from enum import IntEnum
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tnlearn as tnl
from saved_things import (
    A,
    Elsewhere,
    Tiny,
)
from tnlearn.errors import DataTypeError, FormatError, TnlearnError
from tnlearn.files import container, save

pytestmark = pytest.mark.filterwarnings("error")


class Colour(IntEnum):
    RED = 1


class Plan:
    """Of the name of a class that can be saved."""


class Other(tnl.TensorNetwork):
    pass


def tensor_with(**fields: Any) -> tnl.TensorNetwork:
    given: dict[str, Any] = {"data": A, "indices": "ij"}
    return tnl.TensorNetwork([tnl.Tensor(**(given | fields))])


def nested(levels: int) -> Any:
    return () if levels == 0 else (nested(levels - 1),)


UNSAVED = {
    "a list": ([1, 2], DataTypeError, "builtins.list cannot be saved, only TensorNetwork, Plan"),
    "a program": (tnl.compile(tnl.chain(2, 2)), DataTypeError, "Program cannot be saved"),
    "a namesake": (Plan(), DataTypeError, r"test_unsaved\.Plan cannot be saved"),
    "a subclass": (Other([tnl.Tensor(A, "ij")]), DataTypeError, "Other cannot be saved"),
    "bytes": (tensor_with(indices=("i", b"x")), FormatError, r"b'x' is of type builtins.bytes"),
    "an enum": (tensor_with(indices=("i", Colour.RED)), FormatError, "Colour, which a file cannot"),
    "NumPy": (tensor_with(indices=("i", np.float64(1))), FormatError, "type numpy.float64.*: use"),
    "a string of NumPy": (tensor_with(indices=("i", np.str_("x"))), FormatError, "numpy.str_, w"),
    "inside": (tensor_with(indices=("i", (1, Fraction(1, 2)))), FormatError, "fractions.Fraction"),
    "nan": (tensor_with(indices=("i", math.nan)), FormatError, "nan is not equal to itself"),
    "huge": (tensor_with(indices=("i", 10**5000)), FormatError, "over 14,000 bits"),
    "deep": (tensor_with(indices=("i", nested(60))), FormatError, "at most: "),
    "parameter": (tensor_with(name="T", parameter=1j), FormatError, "tensor 'T'.*type .*complex"),
    "name": (tensor_with(name=5), FormatError, "must be a string: it is 5"),
    "device": (
        tensor_with(data=Elsewhere(A, on_host=False), name="T"),
        DataTypeError,
        "tensor 'T' holds an array of .*on a device.*move it to the host",
    ),
    "a foreign dtype": (
        tensor_with(data=Elsewhere(A.astype("longdouble")), name="T"),
        TnlearnError,
        "tensor 'T'",
    ),
}


@pytest.mark.parametrize(("thing", "error", "text"), UNSAVED.values(), ids=UNSAVED)
def test_what_cannot_be_saved(thing: Any, error: type[Exception], text: str, path: Path) -> None:
    path.write_text("old")
    with pytest.raises(error, match=text):
        save(thing, path)
    assert os.listdir(path.parent) == ["thing"]
    assert path.read_text() == "old"


def test_a_model_is_told_to_save_its_network(path: Path) -> None:
    class Model:
        def network(self) -> None: ...

    with pytest.raises(DataTypeError, match=r"save its network, \.network\(\)"):
        save(Model(), path)


UNFIT = {
    "generator": ({"random_state": np.random.RandomState(0)}, {}, "random_state=.*RandomState"),
    "object": ({}, {"x_": object()}, "x_=.* cannot be saved"),
    "digits": ({}, {"x_": 10**5000}, "x_=some int cannot be saved: an integer of over"),
    "dtype": ({}, {"x_": np.zeros(2, "datetime64[s]")}, "datetime64"),
    "text": ({}, {"x_": np.zeros(2**20, "U20")}, "x_=.*67,108,864 bytes"),
}


@pytest.mark.parametrize(("parameters", "fitted", "text"), UNFIT.values(), ids=UNFIT)
def test_what_no_estimator_may_hold(
    tiny: type[Tiny], parameters: Any, fitted: Any, text: str, path: Path
) -> None:
    with pytest.raises(TnlearnError, match=text):
        save(tiny(**parameters).fit(**fitted), path)
    assert not path.exists()


def test_a_header_that_no_reader_would_take(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "LONGEST_HEADER", 1000)
    with pytest.raises(FormatError, match=r"need a header of .* a file can have 1,000"):
        save(tnl.chain(10, 2, seed=0), path)
    assert not path.exists()
