"""A file of the right form whose plan, model or estimator is none."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tnlearn as tnl
from header_edits import Header, changed, join, put
from saved_things import (
    BAYES,
    GRAPH,
    MODEL,
    PLAN,
    A,
    Tiny,
    back,
)
from tnlearn.errors import FormatError
from tnlearn.files import container, load, plans, save

pytestmark = pytest.mark.filterwarnings("error")

WRONG_PLANS = {
    "a tensor twice": (put([0, 1], "payload", "path", 1), "not there to be joined"),
    "with itself": (put([5, 5], "payload", "path", 0), "not there to be joined"),
    "not yet made": (put([0, 99], "payload", "path", 0), "not there to be joined"),
    "three at once": (put([0, 1, 2], "payload", "path", 0), "does not join two"),
    "left over": (lambda _, ours: ours["payload"]["path"].pop(), "leaves 2 tensors"),
    "nothing": (put([], "payload", "path"), "leaves 9 tensors"),
    "negative": (put([-1, 0], "payload", "path", 0), "it is -1"),
    "no such index": (put([99], "payload", "structure", "inputs", 0), "it is 99"),
    "open twice": (put([0, 0], "payload", "structure", "output"), "each may be there once"),
    "sliced twice": (put([0, 0], "payload", "sliced"), "each may be there once"),
    "sliced nowhere": (put([99], "payload", "sliced"), "it is 99"),
    "other slices": (put(7, "payload", "cost", "slices"), "indices do not make 7 slices"),
    "an infinite cost": (put(math.inf, "payload", "cost", "flops"), "Infinity is not JSON"),
    "an endless cost": (put({"float": "inf"}, "payload", "cost", "flops"), "finite float"),
    "a negative cost": (put(-1.0, "payload", "cost", "flops"), "flops cannot be -1.0"),
    "a whole cost": (put(1, "payload", "cost", "width"), "finite float: it is 1"),
    "a cost of text": (put("1.0", "payload", "cost", "width"), "finite float: it is '1.0'"),
    "unprintable": (put(10**400, "payload", "cost", "peak_bytes"), "peak_bytes should be a whole"),
    "an unknown dtype": (put("object", "payload", "dtype"), "computes in 'object'"),
    "a backend of numbers": (put(1, "payload", "backend"), "backend should be a string"),
    "a negative size": (put(-2, "payload", "structure", "sizes", 0), "it is -2"),
}


@pytest.mark.parametrize(("change", "text"), WRONG_PLANS.values(), ids=WRONG_PLANS)
def test_a_wrong_plan_is_found(change: Any, text: str, path: Path) -> None:
    with pytest.raises(FormatError, match=text):
        load(changed(PLAN, path, change))


def test_a_cost_beyond_all_floats_is_found(path: Path) -> None:
    changed(PLAN, path, put("beyond", "payload", "cost", "flops"))
    raw = path.read_bytes()[8:].replace(rb"\"beyond\"", b"1e999")
    with pytest.raises(FormatError, match="flops should be a finite float: it is inf"):
        load(join(path, raw))


def test_an_output_index_on_no_tensor_is_found(path: Path) -> None:
    def change(_: Header, ours: Header) -> None:
        ours["payload"]["structure"]["sizes"].append(2)
        ours["payload"]["structure"]["output"] = [len(PLAN.structure.sizes)]

    with pytest.raises(FormatError, match="on no tensor"):
        load(changed(PLAN, path, change))


def test_a_plan_that_would_fill_the_memory_is_found(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every tensor has an open index, so the intermediates have 1, 2, 3, ... axes."""
    wide = tnl.chain(60, 1, 1, seed=0)
    dense = tnl.TensorNetwork([tnl.Tensor(A, "ij") for _ in range(5)], "j")
    for plan in (PLAN, tnl.plan(wide), tnl.plan(dense)):
        made = sum(len(pair.result) for pair in plan.pairs)
        monkeypatch.setattr(plans, "MOST_AXES_MADE", made)
        assert back(plan, path) == plan
        monkeypatch.setattr(plans, "MOST_AXES_MADE", made - 1)
        with pytest.raises(FormatError, match="axes in all"):
            load(path)


def test_more_sliced_indices_than_can_be_multiplied_are_found(path: Path) -> None:
    def change(_: Header, ours: Header) -> None:
        count = len(PLAN.structure.sizes)
        ours["payload"]["structure"]["sizes"] += [1] * 1001
        ours["payload"]["sliced"] = [*range(count, count + 1001)]
        ours["payload"]["cost"]["slices"] = 1

    with pytest.raises(FormatError, match="1001 sliced indices"):
        load(changed(PLAN, path, change))


WRONG_MODELS = {
    "a site twice": (put([0, 1, 1], "payload", "sites"), "twice"),
    "no site": (put([0, 1, None], "payload", "sites"), "None is no site"),
    "a bond twice": (put([[0, 1, 1.0], [1, 0, 1.0]], "payload", "couplings"), "twice"),
    "a loop": (put([[0, 0, 1.0]], "payload", "couplings"), "self-loop"),
    "a bond of two": (put([[0, 1]], "payload", "couplings"), "list of 3"),
    "no such site": (put([[0, 3, 1.0]], "payload", "couplings"), "it is 3"),
    "too few fields": (put([0.0], "payload", "fields"), "list of 3"),
    "a field of text": (put(["1", 0.0, 0.0], "payload", "fields"), "it is '1'"),
    "beta": (put(None, "payload", "beta"), "beta should be a finite float"),
    "no sites": (put([], "payload", "sites"), "0 to -1"),
}


@pytest.mark.parametrize(("change", "text"), WRONG_MODELS.values(), ids=WRONG_MODELS)
def test_a_wrong_model_is_found(change: Any, text: str, path: Path) -> None:
    with pytest.raises(FormatError, match=text):
        load(changed(MODEL, path, change))


def no_values(_: Header, ours: Header) -> None:
    ours["payload"]["values"][0] = None


WRONG_GRAPHS = {
    "a site twice": (put(["a", "a", "b"], "payload", "sites"), "twice"),
    "a site of lists": (put([], "payload", "sites", 0), "is no name"),
    "no such site": (put([1, 3], "payload", "factors", 0, "scope"), "it is 3"),
    "a site from behind": (put([-1, 1], "payload", "factors", 0, "scope"), "it is -1"),
    "a scope with one twice": (put([1, 1], "payload", "factors", 0, "scope"), "each variable once"),
    "too short a scope": (put([1], "payload", "factors", 0, "scope"), "an axis per variable"),
    "another scope": (put([2, 1], "payload", "factors", 0, "scope"), "3 values, but 2"),
    "no such table": (put(9, "payload", "factors", 0, "table"), "it is 9"),
    "more of a factor": (put(1, "payload", "factors", 0, "more"), "should have the fields scope"),
    "too few values": (put([], "payload", "values"), "list of 3"),
    "no values at all": (put([], "payload", "values", 0), "has no values"),
    "values by number": (put(2**60, "payload", "values", 0), "should be a list"),
    "values of nothing": (no_values, "must be listed"),
    "a value twice": (put([0, 0], "payload", "values", 0), "a value twice"),
    "a value too many": (put([0, 1, 2], "payload", "values", 1), "3 values, but 2"),
    "logarithms of numbers": (put(0, "payload", "log"), "true or false"),
}


@pytest.mark.parametrize(("change", "text"), WRONG_GRAPHS.values(), ids=WRONG_GRAPHS)
def test_a_wrong_factor_graph_is_found(change: Any, text: str, path: Path) -> None:
    with pytest.raises(FormatError, match=text):
        load(changed(GRAPH, path, change))


WRONG_NETWORKS = {
    "two tables of one": (put([1, 0], "payload", "factors", 2, "scope"), "has two tables"),
    "in a circle": (put([0, 1], "payload", "factors", 1, "scope"), "in a circle"),
    "logarithms": (put(True, "payload", "log"), "has probabilities"),
    "a constant": (put([], "payload", "factors", 1, "scope"), "a variable in every table"),
    "no table": (lambda _, ours: ours["payload"]["factors"].pop(1), "no table|listed"),
    "another order": (put([0, 1, 2], "payload", "factors", 0, "scope"), "."),
}


@pytest.mark.parametrize(("change", "text"), WRONG_NETWORKS.values(), ids=WRONG_NETWORKS)
def test_a_wrong_bayesian_network_is_found(change: Any, text: str, path: Path) -> None:
    with pytest.raises(FormatError, match=text):
        load(changed(BAYES, path, change))


@pytest.mark.parametrize("entry", [-1.0, float("nan"), float("inf")])
def test_weights_that_are_none_are_found(entry: float, path: Path) -> None:
    graph = tnl.FactorGraph([("a", [1.0, 123.0])])
    save(graph, path)
    raw = path.read_bytes()
    wrong, right = np.array([[entry], [123.0]])
    assert raw.count(right.tobytes()) == 1
    path.write_bytes(raw.replace(right.tobytes(), wrong.tobytes()))
    with pytest.raises(FormatError, match="weights must be finite and not negative"):
        load(path)


def test_a_table_of_no_bytes_vouches_for_no_values(path: Path) -> None:
    """One of its axes may be as long as it likes."""
    factor = {"scope": [0, 1], "table": 0}
    payload = {"sites": ["a", "b"], "values": [None, None], "factors": [factor], "log": False}
    header = {"format": "tnlearn", "version": 1, "kind": "FactorGraph", "payload": payload}
    path.write_bytes(container.encoded(json.dumps(header), [np.zeros((10**6, 0))]))
    with pytest.raises(FormatError, match="a table is empty: its shape is"):
        load(path)


def strings(entries: list[Any], shape: list[int], dtype: str = "U") -> Any:
    value = {"entries": entries, "shape": shape, "dtype": dtype}
    return put(value, "payload", "fitted", "x_")


WRONG_FITS = {
    "a method": (put(1, "payload", "fitted", "fit"), "'fit' is no name of a fitted"),
    "private": (put(1, "payload", "fitted", "_x_"), "no name of a fitted"),
    "the class": (put("x", "payload", "fitted", "__class__"), "no name of a fitted"),
    "a parameter too many": (put(1, "payload", "parameters", "evil"), "do not fit Tiny"),
    "no such array": (put({"array": 7}, "payload", "fitted", "x_"), "it is 7"),
    "an object": (put({"import": "os"}, "payload", "fitted", "x_"), "is no name"),
    "too few strings": (strings(["a"], [2]), "cannot reshape"),
    "no strings of absurd shape": (strings([], [0, 2**62, 2**62]), "."),
    "absurdly wide strings": (strings(["a" * 10_000] + [""] * 10_000, [10_001]), "up to 10,000"),
    "strings that are none": (strings([1], [1]), "should be a string"),
}


@pytest.mark.parametrize(("change", "text"), WRONG_FITS.values(), ids=WRONG_FITS)
def test_a_wrong_estimator_is_found(change: Any, text: str, tiny: type[Tiny], path: Path) -> None:
    with pytest.raises(FormatError, match=text):
        load(changed(tiny().fit(x_=1), path, change))


def test_truth_values_other_than_two_are_found(tiny: type[Tiny], path: Path) -> None:
    save(tiny().fit(x_=np.array([True])), path)
    path.write_bytes(path.read_bytes()[:-1] + b"\x02")
    with pytest.raises(FormatError, match="true and false"):
        load(path)
