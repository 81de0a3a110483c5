"""Decompositions: what each must give on every backend, and what happens when a library fails."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pytest

from law_tables import DTYPES, on_host
from tnlearn.backend import Backend, get_backend
from tnlearn.errors import BackendError, DataError

pytestmark = pytest.mark.filterwarnings("error")

Array: TypeAlias = np.ndarray[Any, Any]

SHAPES = [(1, 1), (4, 2), (2, 5), (6, 6), (3, 4, 2)]


def matrix(shape: tuple[int, ...], dtype: str, scale: float = 1.0) -> Array:
    random = np.random.default_rng(0)
    found = random.standard_normal(shape) + 1j * random.standard_normal(shape)
    return np.asarray((found if dtype.startswith("complex") else found.real) * scale).astype(dtype)


def adjoint(array: Array) -> Array:
    return np.asarray(array.conj().swapaxes(-1, -2))


def assert_close(found: Array, wanted: Array, dtype: str) -> None:
    top = np.abs(wanted).max(initial=0) or 1.0
    np.testing.assert_allclose(found / top, wanted / top, atol=10 * DTYPES[dtype])


def assert_orthonormal(columns: Array, dtype: str) -> None:
    one = np.broadcast_to(np.eye(columns.shape[-1]), (*columns.shape[:-2], *columns.shape[-1:] * 2))
    np.testing.assert_allclose(adjoint(columns) @ columns, one, atol=10 * DTYPES[dtype])


def factors(backend: Backend, name: str, array: Array) -> list[Array]:
    given = backend.asarray(array, array.dtype.name)
    return [on_host(backend, part) for part in getattr(backend, name)(given)]


def special(name: str) -> Array:
    """Matrices that are no matter of course."""
    random = np.random.default_rng(1)
    column = random.standard_normal((5, 1))
    tables = {
        "zeros": np.zeros((3, 4)),
        "of rank one": column @ column.T,
        "equal values": np.eye(5)[::-1],
        "far apart": np.diag([1.0, 1e-200, 1e-300, 0.0]),
        "small": 1e-300 * random.standard_normal((4, 3)),
        "large": 1e300 * random.standard_normal((3, 4)),
    }
    return np.asarray(tables[name].copy())


SPECIAL = ["zeros", "of rank one", "equal values", "far apart", "small", "large"]
CASES = [(shape, dtype) for shape in SHAPES for dtype in DTYPES]
ARRAYS = {f"{shape} {dtype}": matrix(shape, dtype) for shape, dtype in CASES}
ARRAYS |= {name: special(name) for name in SPECIAL}
each = pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)


@each
def test_svd(backend: Backend, array: Array) -> None:
    u, s, vh = factors(backend, "svd", array)
    dtype = array.dtype.name
    assert u.dtype == vh.dtype == array.dtype
    assert s.shape[-1] == u.shape[-1] == vh.shape[-2] == min(array.shape[-2:])
    assert np.all(s >= 0)
    assert np.all(s[..., 1:] <= s[..., :-1])
    assert_close((u * s[..., None, :]) @ vh, array, dtype)
    assert_orthonormal(u, dtype)
    assert_orthonormal(adjoint(vh), dtype)


@each
def test_qr(backend: Backend, array: Array) -> None:
    q, r = factors(backend, "qr", array)
    assert q.shape[-1] == r.shape[-2] == min(array.shape[-2:])
    np.testing.assert_array_equal(r, np.triu(r))
    assert_close(q @ r, array, array.dtype.name)
    assert_orthonormal(q, array.dtype.name)


@each
def test_eigh(backend: Backend, array: Array) -> None:
    scale = np.abs(array).max() or 1.0
    array = np.asarray((array / scale) @ adjoint(array / scale) * scale)
    array = ((array + adjoint(array)) / 2).astype(array.dtype)
    w, v = factors(backend, "eigh", array)
    assert np.all(w[..., 1:] >= w[..., :-1])
    assert_close((v * w[..., None, :]) @ adjoint(v), array, array.dtype.name)
    assert_orthonormal(v, array.dtype.name)


@pytest.mark.parametrize("name", ["svd", "qr", "eigh"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_refused(backend: Backend, name: str, bad: float) -> None:
    with pytest.raises(DataError, match="nan or inf"):
        factors(backend, name, np.array([[1.0, bad], [bad, 1.0]]))


def test_eigh_wants_a_hermitian_matrix(backend: Backend) -> None:
    with pytest.raises(DataError, match=r"not Hermitian.*a\^H"):
        factors(backend, "eigh", np.array([[1.0, 2.0], [0.0, 1.0]]))


#: Decomposition -> the routine that fails first.
ROUTINES = {"svd": "svd", "qr": "qr", "eigh": "eigh"}


def fails(*_arguments: Any, **_options: Any) -> Any:
    raise np.linalg.LinAlgError("did not converge")


def is_off(found: Any) -> Any:
    return type(found)(*(2 * part for part in found))


def is_nan(found: Any) -> Any:
    return type(found)(*(np.nan * part for part in found))


@pytest.mark.parametrize("fault", [fails, is_off, is_nan])
@pytest.mark.parametrize("name", ROUTINES)
def test_another_way_is_taken(monkeypatch: Any, name: str, fault: Any) -> None:
    right, calls = getattr(np.linalg, name), []

    def once(*arguments: Any, **options: Any) -> Any:
        calls.append(arguments)
        found = right(*arguments, **options)
        return fault(found) if len(calls) == 1 else found

    monkeypatch.setattr(np.linalg, name, once)
    array = matrix((4, 4), "float64")
    array = array + array.T
    found = factors(get_backend("numpy"), name, array)
    assert len(calls) > 1
    middle = {"svd": np.diag(found[1]), "qr": np.eye(4), "eigh": np.diag(found[0])}[name]
    left, last = (found[1], found[1].T) if name == "eigh" else (found[0], found[-1])
    assert_close(left @ middle @ last, array, "float64")


def test_where_no_way_leads_there(monkeypatch: Any) -> None:
    monkeypatch.setattr(np.linalg, "svd", fails)
    with pytest.raises(BackendError, match=r"svd .*\(3, 3\) failed in every way: did not converge"):
        get_backend("numpy").svd(matrix((3, 3), "float64"))
