"""Files: what is saved comes back, nothing is left half written, and no file can do harm."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from copy import deepcopy
from enum import IntEnum
from fractions import Fraction
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any, TypeAlias

import hypothesis.extra.numpy as arrays_of
import networkx as nx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from sklearn.base import BaseEstimator

import tnlearn as tnl
from random_networks import random_case
from tnlearn.errors import DataTypeError, FormatError, TnlearnError
from tnlearn.files import container, kinds, load, names, plans, save

pytestmark = pytest.mark.filterwarnings("error")

Array: TypeAlias = np.ndarray[Any, Any]
Header: TypeAlias = dict[str, Any]

DTYPES = ("float32", "float64", "complex64", "complex128")
A = np.arange(1.0, 7.0).reshape(2, 3)
HERE = settings(
    deadline=None,
    max_examples=60,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

INTEGERS = st.integers() | st.sampled_from([2**63, -(2**200)])
NAMES = st.recursive(
    st.none() | st.booleans() | INTEGERS | st.floats(allow_nan=False) | st.text(),
    lambda parts: st.lists(parts, max_size=3).map(tuple) | st.frozensets(parts, max_size=3),
    max_leaves=8,
)


class Colour(IntEnum):
    RED = 1


class Elsewhere:
    """An array of another library, on the host or on a device."""

    def __init__(self, data: Array, on_host: bool = True) -> None:
        self.data, self.on_host = data, on_host
        self.shape, self.dtype = data.shape, data.dtype

    def __dlpack__(self, **options: Any) -> Any:
        if not self.on_host:
            raise BufferError("it is on a device")
        return self.data.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.data.__dlpack_device__()


class Tiny(BaseEstimator):  # type: ignore[misc]
    """The smallest estimator; `fit` keeps whatever it is given."""

    def __init__(self, alpha: Any = 1.0, shape: Any = (2, 3), random_state: Any = None) -> None:
        self.alpha, self.shape, self.random_state = alpha, shape, random_state

    def fit(self, **fitted: Any) -> Tiny:
        self.__dict__.update(fitted)
        return self


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "thing"


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> type[Tiny]:
    """Tiny, registered as a class that can be saved."""
    module = ModuleType("home_of_tiny")
    vars(module)["Tiny"] = Tiny
    monkeypatch.setitem(sys.modules, module.__name__, module)
    kind = kinds.Kind(module.__name__, "tnlearn.files.estimators")
    monkeypatch.setitem(kinds.KINDS, "Tiny", kind)
    return Tiny


def back(thing: Any, path: Path) -> Any:
    save(thing, path)
    return load(path)


def typed(name: Any) -> Any:
    """What is equal only for names of the same types all through."""
    if isinstance(name, tuple):
        return [typed(part) for part in name]
    if isinstance(name, frozenset):
        return "frozenset", sorted(repr(typed(part)) for part in name)
    return type(name).__name__, repr(name)


def assert_same_bits(a: Array, b: Array) -> None:
    native = b.dtype.newbyteorder("=")
    assert (a.shape, a.dtype) == (b.shape, native)
    assert a.tobytes() == b.astype(native).tobytes()


def assert_same_network(a: tnl.TensorNetwork, b: tnl.TensorNetwork) -> None:
    assert typed(a.output) == typed(b.output)
    assert a.names == b.names
    for one, other in zip(a.tensors, b.tensors, strict=True):
        for field in ("indices", "parameter", "name", "conj", "log"):
            assert typed(getattr(one, field)) == typed(getattr(other, field))
        assert_same_bits(one.data, other.data)
        assert not one.data.flags.writeable
    shared = [[np.may_share_memory(s.data, t.data) for s in b.tensors] for t in b.tensors]
    assert shared == [[s.data.base is t.data.base for s in a.tensors] for t in a.tensors]


# Round trips


@pytest.mark.parametrize("seed", range(60))
def test_networks_come_back(seed: int, path: Path) -> None:
    network = random_case(seed).network()
    found = back(network, path)
    assert [t.data.shape for t in found] == [t.data.shape for t in network]
    for one, other in zip(found.tensors, network.tensors, strict=True):
        assert_same_bits(one.data, other.data)
        assert (one.indices, one.parameter, one.conj) == (
            other.indices,
            other.parameter,
            other.conj,
        )
    assert (found.output, found.names) == (network.output, network.names)


def test_names_flags_parameters_and_sharing_come_back(path: Path) -> None:
    shared = A + 1j
    network = tnl.TensorNetwork(
        [
            tnl.Tensor(shared, ("i", ("a", 1)), "ket", parameter=("p", frozenset({1, "x"}))),
            tnl.Tensor(shared, ("i", ("a", 1.0)), "bra", parameter=None, conj=True),
            tnl.Tensor(A[0], (None,), log=True),
            tnl.Tensor(A[0], (False,)),
            tnl.Tensor(2.0, (), "scalar"),
        ],
        output=(False, ("a", 1), None),
    )
    found = back(network, path)
    assert_same_network(found, network)
    assert found["ket"].data.base is found["bra"].data.base
    assert [t.name for t in found] == ["ket", "bra", None, None, "scalar"]


def test_shared_data_are_written_once(path: Path) -> None:
    big = np.zeros(10_000)
    save(tnl.TensorNetwork([tnl.Tensor(big, "i") for _ in range(50)]), path)
    assert path.stat().st_size < 1.2 * big.nbytes


def test_views_that_differ_are_not_taken_for_one(path: Path) -> None:
    square, line = np.arange(4.0).reshape(2, 2), np.arange(4.0)
    views = [square, square.T, line, line.view("complex64"), line[:2], line[::2], line[2:]]
    tensors = [tnl.Tensor(a, [(k, i) for i in range(a.ndim)]) for k, a in enumerate(views)]
    for one, other in zip(back(tnl.TensorNetwork(tensors), path), views, strict=True):
        assert_same_bits(one.data, other)


@HERE
@given(NAMES)
def test_names_come_back_as_they_were(name: Any) -> None:
    found = names.decode(json.loads(json.dumps(names.encode(name))))
    assert found == name
    assert typed(found) == typed(name)


@HERE
@given(st.lists(NAMES, unique=True, max_size=5), NAMES)
def test_any_hashable_names_an_index_and_a_parameter(
    tmp_path: Path, indices: list[Any], parameter: Any
) -> None:
    data = np.zeros((1,) * len(indices))
    network = tnl.TensorNetwork([tnl.Tensor(data, indices, parameter=parameter)], indices[::-1])
    assert_same_network(back(network, tmp_path / "net"), network)


def test_one_true_and_one_point_zero_stay_apart(path: Path) -> None:
    tensors = [tnl.Tensor(A[0], (index,)) for index in (1, True, 1.0)]
    found = back(tnl.TensorNetwork(tensors, (1.0,)), path)
    assert [repr(t.indices[0]) for t in found] == ["1", "True", "1.0"]
    assert repr(found.output) == "(1.0,)"


def test_sets_are_written_in_one_order() -> None:
    encoded = [names.encode(frozenset(order)) for order in ("abc0123", "3210cba")]
    assert encoded[0] == encoded[1] == {"frozenset": sorted("abc0123")}


def layouts(array: Array) -> Iterator[Array]:
    yield array
    yield np.array(array, order="F")
    yield array.astype(array.dtype.newbyteorder())
    strided = np.repeat(array, 2, axis=-1)[..., ::2] if array.ndim else array
    yield strided[::-1] if array.ndim else strided
    fixed = array.copy()
    fixed.flags.writeable = False
    yield fixed


@HERE
@given(
    st.sampled_from(DTYPES).flatmap(
        lambda dtype: arrays_of.arrays(dtype, arrays_of.array_shapes(min_dims=0, min_side=0))
    )
)
def test_arrays_come_back_to_the_last_bit(tmp_path: Path, array: Array) -> None:
    indices = range(array.ndim)
    for held in layouts(array):
        found = back(tnl.TensorNetwork([tnl.Tensor(held, indices)]), tmp_path / "net")
        assert_same_bits(found.tensors[0].data, held)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (1,) * 64, (0, 2**30), (3, 0, 2)])
def test_shapes_at_the_edge_come_back(dtype: str, shape: tuple[int, ...], path: Path) -> None:
    data = np.full(shape, np.nan, dtype)
    found = back(tnl.TensorNetwork([tnl.Tensor(data, range(len(shape)))]), path)
    assert_same_bits(found.tensors[0].data, data)


def test_arrays_of_other_libraries_come_back_as_numpy(path: Path) -> None:
    network = tnl.TensorNetwork([tnl.Tensor(Elsewhere(A), "ij")])
    found = back(network, path).tensors[0].data
    assert isinstance(found, np.ndarray)
    assert_same_bits(found, A)


def test_the_safetensors_library_reads_the_arrays(path: Path) -> None:
    save(tnl.TensorNetwork([tnl.Tensor(A, "ij"), tnl.Tensor(A[0] * 1j, "j")]), path)
    with safe_open(path, framework="np") as file:
        np.testing.assert_array_equal(file.get_tensor("0"), A)
        pairs = file.get_tensor("1")
        assert json.loads(file.metadata()["complex"]) == {"1": [3]}
    np.testing.assert_array_equal(pairs.reshape(3, 2)[:, 1], A[0])
    assert int.from_bytes(path.read_bytes()[:8], "little") % 8 == 0, "arrays should be aligned"


def some_plans() -> Iterator[tnl.Plan]:
    yield tnl.plan(tnl.TensorNetwork([tnl.Tensor(A, "ij")], "j"))
    yield tnl.plan(tnl.chain(8, 3, 2, seed=0))
    yield tnl.plan(tnl.grid(4, 4, 3, seed=0), search="fast", seed=5)
    yield tnl.plan(tnl.grid(5, 5, 4, seed=0), search="fast", memory_limit="70KiB")


@pytest.mark.parametrize("plan", [*some_plans()], ids=lambda plan: plan.order)
def test_plans_come_back(plan: tnl.Plan, path: Path) -> None:
    found = back(plan, path)
    assert found == plan
    assert str(found) == str(plan)
    assert found.pairs == plan.pairs


def test_a_plan_that_came_back_contracts(path: Path) -> None:
    network = tnl.grid(3, 3, 2, seed=0)
    program = tnl.compile(network, plan=back(tnl.plan(network, memory_limit=850), path))
    assert program.plan.cost.slices > 1
    assert program([t.data for t in network]) == pytest.approx(float(tnl.contract(network)))


def test_an_ising_model_comes_back(path: Path) -> None:
    graph = nx.MultiGraph([("b", "a"), ("a", (1, 2)), ("a", "b"), (3, "b")])
    coupling = {edge: 0.1 * k - 0.2 for k, edge in enumerate(graph.edges(keys=True))}
    model = tnl.Ising(graph, coupling, field={"a": -0.3}, beta=0.7)
    found = back(model, path)
    assert (found.sites, found.beta) == (model.sites, model.beta)
    assert list(found.couplings.items()) == list(model.couplings.items())
    assert list(found.fields.items()) == list(model.fields.items())


@pytest.mark.parametrize("classes", [(0, 1), ("no", "yes"), (2.0, 3.0), (False, True)])
def test_a_classifier_comes_back(classes: tuple[Any, Any], path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(40, 3))
    y = np.array(classes)[(X[:, 0] > 0).astype(int)]
    model = tnl.MPSClassifier(bond_dimension=2, epochs=1, random_state=0).fit(X, y)
    found = back(model, path)
    assert found.get_params() == model.get_params()
    assert vars(found).keys() == vars(model).keys()
    assert_same_bits(found.predict_proba(X), model.predict_proba(X))
    assert found.classes_.dtype == model.classes_.dtype
    assert list(found.predict(X)) == list(model.predict(X))


FITTED = {
    "n_iter_": 3,
    "loss_": np.float64(0.1) + 0.2,
    "curve_": [0.1, math.inf, math.nan, np.float32(0.5)],
    "nothing_": None,
    "kind_": "é\ud800",
    "path_": ((1, 2), "x"),
    "tensors_": [np.arange(6, dtype="float32").reshape(2, 3), np.array(1j)],
    "mask_": np.array([True, False]),
    "counts_": np.arange(3),
    "bytes_": np.arange(3, dtype=">i2"),
    "labels_": np.array([["a", "bcd"], ["", "é"]]),
    "feature_names_in_": np.array(["x", "a longer one"], dtype=object),
    "mixed_": np.array([None, (1, 2), "a", 2.5], dtype=object),
    "pairs_": np.fromiter([(1, 2), (3, 4)], object),
    "empty_": np.array([], dtype="<U3"),
}


def test_every_fitted_attribute_comes_back(tiny: type[Tiny], path: Path) -> None:
    model = tiny(alpha=None, shape=((1, 2.0), True)).fit(**FITTED, _cache=object(), other=object())
    found = back(model, path)
    assert typed(found.shape) == typed(model.shape)
    assert found.alpha is None
    for name, value in FITTED.items():
        other = getattr(found, name)
        if isinstance(value, np.ndarray):
            assert other.dtype.kind == value.dtype.kind
            assert other.shape == value.shape
            np.testing.assert_array_equal(other, value)
        elif isinstance(value, list):
            for one, two in zip(value, other, strict=True):
                np.testing.assert_array_equal(two, one)
        else:
            assert other == value
    assert not {"_cache", "other"} & vars(found).keys()


def test_an_estimator_can_go_on_changing_its_arrays(tiny: type[Tiny], path: Path) -> None:
    back(tiny().fit(tensors_=[A]), path).tensors_[0][0, 0] = 5


def test_many_tensors(path: Path) -> None:
    network = tnl.chain(20_000, 1, fill=lambda node, shape: np.full(shape, float(node)))
    found = back(network, path)
    assert len(found) == 20_000
    assert found.tensors[-1].data.item() == 19_999


# What cannot be saved says so, and leaves nothing


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
    "a namesake": (Plan(), DataTypeError, r"test_files\.Plan cannot be saved"),
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


# Writing is atomic


def fail(*_: Any) -> None:
    raise OSError("the disk is gone")


@pytest.mark.parametrize("broken", ["fsync", "replace"])
@pytest.mark.parametrize("existed", [True, False])
def test_a_failed_write_leaves_all_as_it_was(
    broken: str, existed: bool, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tnl.chain(3, 2, seed=0)
    if existed:
        save(before, path)
    monkeypatch.setattr(os, broken, fail)
    with pytest.raises(OSError, match="the disk is gone"):
        save(tnl.chain(4, 2, seed=1), path)
    assert os.listdir(path.parent) == (["thing"] if existed else [])
    if existed:
        assert_same_network(load(path), before)


def test_an_interrupted_write_leaves_all_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    path.write_text("old")
    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save(tnl.chain(4, 2, seed=1), path)
    assert os.listdir(path.parent) == ["thing"]
    assert path.read_text() == "old"


def test_all_is_on_the_disk_before_it_takes_the_place(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    sync, replace = os.fsync, os.replace

    def synced(number: int) -> None:
        sync(number)
        sizes.append(os.fstat(number).st_size)

    def replaced(source: Any, target: Any) -> None:
        assert Path(source).parent == Path(target).parent
        sizes.append(os.stat(source).st_size)
        replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    save(tnl.chain(4, 2, seed=1), path)
    assert sizes == [path.stat().st_size] * 2


def test_saving_again_replaces_and_keeps_permissions_and_links(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    save(tnl.chain(3, 2, seed=0), file)
    file.chmod(0o600)
    link.symlink_to(file)
    save(tnl.chain(5, 2, seed=0), str(link))
    assert link.is_symlink()
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(load(os.fspath(file))) == 5


def test_a_new_file_has_the_usual_permissions(path: Path) -> None:
    save(tnl.chain(3, 2, seed=0), path)
    ordinary = path.with_name("ordinary")
    ordinary.touch()
    assert path.stat().st_mode == ordinary.stat().st_mode


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*nowhere'; create it first"):
        save(tnl.chain(3, 2), tmp_path / "nowhere" / "thing")
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nowhere")
    with pytest.raises(IsADirectoryError, match="it is a folder"):
        save(tnl.chain(3, 2), tmp_path)
    assert os.listdir(tmp_path) == []


# Hostile files


def split(whole: bytes) -> tuple[Header, Header, bytes]:
    """The header of a file, our text in it, and the rest."""
    end = 8 + int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8:end])
    return header, json.loads(header["__metadata__"]["tnlearn"]), whole[end:]


def join(path: Path, header: str | bytes, rest: bytes = b"") -> Path:
    raw = header.encode() if isinstance(header, str) else header
    path.write_bytes(len(raw).to_bytes(8, "little") + raw + rest)
    return path


def changed(thing: Any, path: Path, change: Callable[[Header, Header], Any]) -> Path:
    """The file of `thing` with its header, and our text in it, changed."""
    save(thing, path)
    return rewritten(path.read_bytes(), path, change)


def rewritten(whole: bytes, path: Path, change: Callable[[Header, Header], Any]) -> Path:
    header, ours, rest = split(whole)
    change(header, ours)
    if isinstance(header.get("__metadata__"), dict):
        header["__metadata__"]["tnlearn"] = json.dumps(ours)
    return join(path, json.dumps(header), rest)


def put(value: Any, *keys: Any) -> Callable[[Header, Header], None]:
    """Sets an entry of the header; of our text, if the first key is "payload" or its like."""

    def change(header: Header, ours: Header) -> None:
        at: Any = ours if keys[0] in ours else header
        for key in keys[:-1]:
            at = at[key]
        at[keys[-1]] = value

    return change


def entry(shape: list[int], size: int, dtype: str = "F64") -> Callable[[Header, Header], None]:
    return put({"dtype": dtype, "shape": shape, "data_offsets": [0, size]}, "0")


NETWORK = tnl.TensorNetwork([tnl.Tensor(A, "ij", "A"), tnl.Tensor(A * 1j, "ij", "B")], "j")

#: Said by the library when sizes, places and the file do not agree.
FITS = "its arrays do not fit the file"
LIES = {
    "version 999": (put(999, "version"), "version 999, and this tnlearn reads version 1"),
    "version true": (put(True, "version"), "version True"),
    "another format": (put("pickle", "format"), "does not say that its format is 'tnlearn'"),
    "another kind": (put("os.system", "kind"), "holds a 'os.system'; known are TensorNetwork"),
    "a kind that is no text": (put(["Plan"], "kind"), "kind should be a string"),
    "the wrong kind": (put("Plan", "kind"), "the plan should have the fields"),
    "no metadata": (lambda header, _: header.clear(), "no text of tnlearn"),
    "more metadata": (put("x", "__metadata__", "more"), "should have the fields"),
    "metadata of numbers": (put(1, "__metadata__", "complex"), "should be a string"),
    "an array of another name": (put({}, "x"), "not called 0, 1"),
    "no such pairs": (put('{"2":[1]}', "__metadata__", "complex"), "not all there"),
    "pairs that are none": (put('{"0":[3]}', "__metadata__", "complex"), "no pairs of real"),
    "integers": (entry([2, 3], 48, "I64"), "array 0 is of int64, not float32, float64, complex"),
    "an unknown dtype": (entry([6], 48, "F4"), "of dtype 'F4'"),
    "an absurd shape": (entry([2**60, 2**60], 48), FITS),
    "an absurd size": (entry([2**58], 2**61), FITS),
    "more than the file": (
        put({"dtype": "F64", "shape": [6, 3, 2], "data_offsets": [48, 336]}, "1"),
        FITS,
    ),
    "nothing of absurd shape": (entry([0, 2**62, 2**62], 0), FITS),
    "too many axes": (entry([1] * 65, 8), FITS),
    "a negative size": (entry([-2, -3], 48), FITS),
    "a size that is none": (entry([2.0, 3], 48), FITS),  # type: ignore[list-item]
    "a size of true": (entry([True, 6], 48), FITS),
    "backwards": (put([48, 0], "0", "data_offsets"), FITS),
    "three ends": (put([0, 48, 48], "0", "data_offsets"), FITS),
    "a gap": (put([8, 56], "0", "data_offsets"), FITS),
    "on top of each other": (put([0, 96], "1", "data_offsets"), FITS),
    "more of an array": (put(1, "0", "more"), "should have the fields dtype"),
    "no such array": (put(2, "payload", "tensors", 0, "data"), "0 to 1: it is 2"),
    "an array from behind": (put(-1, "payload", "tensors", 0, "data"), "it is -1"),
    "no such index": (put([0, 9], "payload", "tensors", 0, "indices"), "it is 9"),
    "too few indices": (put([0], "payload", "tensors", 0, "indices"), "one index per axis"),
    "an index of lists": (put([[]], "payload", "indices"), r"\[\] is no name"),
    "an index of endless lists": (put([{"float": []}], "payload", "indices"), "is no name"),
    "an index of objects": (put([{"eval": "1"}], "payload", "indices"), "is no name"),
    "a flag of numbers": (put(1, "payload", "tensors", 0, "conj"), "true or false"),
    "a name of numbers": (put(1, "payload", "tensors", 0, "name"), "must be a string"),
    "one name for two": (put("B", "payload", "tensors", 0, "name"), "two tensors are called 'B'"),
    "complex logarithms": (put(True, "payload", "tensors", 1, "log"), "log=True and complex"),
    "no tensors": (put([], "payload", "tensors"), "at least one tensor"),
    "an output that is nowhere": (put("x", "payload", "output"), "the number of an index"),
    "a payload of text": (put("x", "payload"), "should have the fields"),
}


@pytest.mark.parametrize(("change", "text"), LIES.values(), ids=LIES)
def test_a_lie_in_the_header_is_found(
    change: Callable[[Header, Header], Any], text: str, path: Path
) -> None:
    hostile = changed(NETWORK, path, change)
    tracemalloc.start()
    try:
        with pytest.raises(FormatError, match=text) as error:
            load(hostile)
        assert tracemalloc.get_traced_memory()[1] < 10**6
    finally:
        tracemalloc.stop()
    assert str(error.value).startswith(f"{str(path)!r} cannot be loaded: ")


def test_an_unchanged_header_is_loaded(path: Path) -> None:
    """Else the tests above would pass for a reason of their own."""
    assert_same_network(load(changed(NETWORK, path, lambda *_: None)), NETWORK)


PLAN = tnl.plan(tnl.grid(3, 3, 2, seed=0), memory_limit=1000)

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


MODEL = tnl.Ising(nx.path_graph(3), 1.0, 0.5, 0.4)

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


def outer(text: str) -> str:
    return json.dumps({"__metadata__": {"tnlearn": text, "complex": "{}"}})


RAW = {
    "a key twice": ('{"a":1,"a":1}', "the key 'a' is given twice"),
    "a key twice in our text": (outer('{"format":"tnlearn","format":"x"}'), "'format' is given tw"),
    "nan": ('{"a":NaN}', "NaN is not JSON"),
    "no JSON": ("{]", "the header is not JSON"),
    "no JSON in ours": (outer("{]"), "the text of tnlearn is not JSON"),
    "a list": ("[1, 2]", "should be an object"),
    "deep": ("[" * 50_000, "not JSON"),
    "deep in ours": (outer('{"a":' * 50_000), "not JSON"),
    "a long integer": ('{"a":' + "1" * 5000 + "}", "not JSON"),
    "UTF-16": ("{}".encode("utf-16"), "not text"),
    "of another program": ('{"__metadata__":{"format":"pt"}}', "no text of tnlearn"),
    "metadata of text": ('{"__metadata__":"tnlearn"}', "metadata should be an object"),
}


@pytest.mark.parametrize(("header", "text"), RAW.values(), ids=RAW)
def test_a_header_that_is_none_is_found(header: str | bytes, text: str, path: Path) -> None:
    with pytest.raises(FormatError, match=text):
        load(join(path, header))


@pytest.mark.parametrize("raw", [b"", b"x", b"\xff" * 8, b"\xff" * 7 + b"\x0f{}", b"\0" * 100])
def test_an_absurd_header_length_is_found(raw: bytes, path: Path) -> None:
    path.write_bytes(raw)
    with pytest.raises(FormatError, match="does not fit a file of"):
        load(path)


def test_a_file_of_zeros_that_takes_no_room_is_found(path: Path) -> None:
    with path.open("wb") as file:
        file.write((2**33).to_bytes(8, "little"))
        file.truncate(2**34)
    with pytest.raises(FormatError, match="does not fit"):
        load(path)


def test_what_is_no_file_is_found(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(FormatError, match="not a regular file"):
            load(path)


@pytest.mark.parametrize("extra", [b"\0", b"\0" * 4096])
def test_bytes_behind_the_arrays_are_found(extra: bytes, path: Path) -> None:
    save(NETWORK, path)
    path.write_bytes(path.read_bytes() + extra)
    with pytest.raises(FormatError, match=FITS):
        load(path)


def specimens() -> list[Any]:
    fit = Tiny(alpha=0.5).fit(x_=A, y_=["a", 1, None], z_=np.array(["a", "b"]))
    return [NETWORK, random_case(7).network(), PLAN, MODEL, fit]


def use(thing: Any) -> None:
    """What a user does first: nothing that was loaded may fail here."""
    assert repr(thing)
    if isinstance(thing, tnl.Plan):
        assert str(thing)
        assert len(thing.pairs) == len(thing.path)
        hash(thing)
    if isinstance(thing, tnl.TensorNetwork):
        assert len(thing.names) == len(thing)
        assert math.prod(thing.shape) >= 0
    if isinstance(thing, tnl.Ising):
        thing.network()


def survives(path: Path) -> bool:
    """Whether a file loads; FormatError is the only error it may raise."""
    try:
        use(load(path))
    except FormatError:
        return False
    return True


@pytest.mark.parametrize("number", range(5))
def test_random_damage_is_a_format_error_or_harmless(
    number: int, tiny: type[Tiny], path: Path
) -> None:
    save(specimens()[number], path)
    whole = path.read_bytes()
    random = Random(number)
    refused = 0
    for _ in range(250):
        raw = bytearray(whole)
        for _ in range(random.choice((1, 1, 2, 5))):
            at = random.randrange(len(raw))
            how = random.randrange(4)
            if how == 0:
                raw[at] ^= 1 << random.randrange(8)
            elif how == 1:
                raw[at : at + random.randrange(9)] = random.randbytes(random.randrange(9))
            elif how == 2:
                raw[at:at] = raw[random.randrange(len(raw)) :][: random.randrange(40)]
            else:
                raw[at] = random.choice(b'0123456789-,:"[]{}e\\')
        path.write_bytes(raw[: random.randrange(1, len(raw))] if random.random() < 0.2 else raw)
        refused += not survives(path)
    assert refused > 100


NASTY: list[Any] = [
    *(None, True, -1, 0, 1, 2, 7, 2**31, 2**62, 2**63, 10**400, -0.0, 0.5, 1e308, "", "x", "0"),
    *([], [[]], {}, [0], [0, 0], [2**62, 2**62], [0, 1], {"tuple": []}, {"tuple": 1}),
    *({"frozenset": [{"tuple": [[]]}]}, {"float": "inf"}, {"float": "nan"}, {"array": 0}, 10**5),
]


def places(at: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in a JSON value, and a key of it."""
    for key in list(at) if isinstance(at, dict) else range(len(at)):
        yield at, key
        if isinstance(at[key], dict | list):
            yield from places(at[key])


def spoil(random: Random, header: Header, ours: Header) -> None:
    at, key = random.choice([*places(ours), *places(ours.get("payload", {})), *places(header)])
    how = random.randrange(6)
    if how == 0:
        del at[key]
    elif how == 1 and isinstance(at, list):
        at.append(deepcopy(at[key]))
    elif how == 2 and isinstance(at[key], int):
        at[key] += random.choice((-1, 1))
    else:
        at[key] = deepcopy(random.choice(NASTY))


@pytest.mark.parametrize("number", range(5))
def test_a_spoilt_header_is_a_format_error_or_harmless(
    number: int, tiny: type[Tiny], path: Path
) -> None:
    save(specimens()[number], path)
    whole = path.read_bytes()
    random = Random(number)
    refused = 0
    for _ in range(300):
        refused += not survives(rewritten(whole, path, lambda h, ours: spoil(random, h, ours)))
    assert refused > 150


def test_loading_runs_no_code(tmp_path: Path) -> None:
    """The hook sees every import, exec, compile and unpickling, and cannot be taken off again."""
    save(NETWORK, tmp_path / "network")
    save(PLAN, tmp_path / "plan")
    save(MODEL, tmp_path / "model")
    (tmp_path / "pickle").write_bytes(b"\x80\x04cos\nsystem\n(S'true'\ntR.")
    changed(NETWORK, tmp_path / "hostile", put("os.system", "kind"))
    program = """
        import sys
        from pathlib import Path
        from tnlearn.errors import FormatError
        from tnlearn.files import load
        def load_all():
            for path in sorted(Path(sys.argv[1]).iterdir()):
                try:
                    print(path.name, type(load(path)).__name__)
                except FormatError:
                    print(path.name, "refused")
        load_all()
        def watch(event, arguments):
            if event.split(".")[0] in ("exec", "compile", "import", "pickle", "subprocess", "os"):
                if event not in ("os.listdir", "os.scandir"):
                    print(event, arguments, flush=True)
        sys.addaudithook(watch)
        print("watching")
        load_all()
        exec("1")
    """
    lines = [line.removeprefix(" " * 8) for line in program.splitlines()]
    command = [sys.executable, "-c", "\n".join(lines), str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    _, seen = ended.stdout.split("watching\n")
    *loaded, compiled, executed = seen.splitlines()
    assert loaded == [
        "hostile refused",
        "model Ising",
        "network TensorNetwork",
        "pickle refused",
        "plan Plan",
    ]
    assert compiled.startswith("compile (b'1'"), "the hook sees what it should"
    assert executed.startswith("exec ")


def test_the_names_of_the_top_level_are_these() -> None:
    assert (tnl.save, tnl.load) == (save, load)
