"""Decompositions of matrices, looked at before they are handed out, on any array library.

Libraries of linear algebra fail now and then: they raise, or return nan or factors that are far
off, most often in singular value decompositions of matrices with many small or equal values. So
every result is checked, and there are other ways to it: the adjoint, or a triangular factor, takes
another path through the same routines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from tnlearn.errors import BackendError, DataError
from tnlearn_backends.array_backend.arithmetic import conjugate
from tnlearn_backends.array_backend.namespaces import Array, device_of, namespace
from tnlearn_backends.array_backend.powers import exponents, limits, parts, shifted

#: Errors allowed, in units of the rounding of one number times the larger side of the matrix.
SLACK = 32

Factors = tuple[Array, ...]


def svd(matrix: Array) -> tuple[Array, Array, Array]:
    """``matrix = u @ diag(s) @ vh``: singular values in falling order, as many as the short side.

    Raises
    ------
    DataError
        If an entry is nan or infinite.
    BackendError
        If all ways to it fail.
    """
    linalg, (scaled, power) = namespace(matrix).linalg, _scaled(matrix)

    def direct(a: Array) -> Factors:
        return tuple(linalg.svd(a, full_matrices=False))

    def of_adjoint() -> Factors:
        u, s, vh = direct(_adjoint(scaled))
        return _adjoint(vh), s, _adjoint(u)

    def of_triangle() -> Factors:
        q, r = linalg.qr(scaled)
        u, s, vh = direct(r)
        return q @ u, s, vh

    def holds(u: Array, s: Array, vh: Array) -> bool:
        product = (u * s[..., None, :]) @ vh
        return _same(product, scaled) and _orthonormal(u) and _orthonormal(_adjoint(vh))

    ways = (lambda: direct(scaled), of_adjoint, of_triangle)
    u, s, vh = _first_that_holds("svd", matrix, ways, holds)
    return u, shifted(s, power[..., 0]), vh


def qr(matrix: Array) -> tuple[Array, Array]:
    """``matrix = q @ r``: orthonormal columns, as many as the short side, and a triangle.

    Raises as `svd` does.
    """
    linalg, (scaled, power) = namespace(matrix).linalg, _scaled(matrix)

    def after_svd() -> Factors:
        u, s, vh = linalg.svd(scaled, full_matrices=False)
        q, r = linalg.qr(s[..., :, None] * vh)
        return u @ q, r

    def holds(q: Array, r: Array) -> bool:
        return _same(q @ r, scaled) and _orthonormal(q)

    ways = (lambda: tuple(linalg.qr(scaled)), after_svd)
    q, r = _first_that_holds("qr", matrix, ways, holds)
    return q, shifted(r, power)


def eigh(matrix: Array) -> tuple[Array, Array]:
    """``matrix = v @ diag(w) @ v^H`` of a Hermitian matrix: eigenvalues in rising order.

    Raises as `svd` does, and DataError if the matrix is not Hermitian within rounding.
    """
    xp, (scaled, power) = namespace(matrix), _scaled(matrix)
    if not _same(scaled, _adjoint(scaled)):
        raise DataError(
            f"eigh was given a matrix of shape {tuple(matrix.shape)} that is not Hermitian: "
            "take (a + a^H) / 2 if it is meant to be"
        )
    scaled = (scaled + _adjoint(scaled)) / 2
    one = xp.eye(scaled.shape[-1], dtype=scaled.dtype, device=device_of(scaled))

    def beside(shift: float) -> Factors:
        w, v = xp.linalg.eigh(scaled + shift * one)
        return w - shift, v

    def holds(w: Array, v: Array) -> bool:
        return _same((v * w[..., None, :]) @ _adjoint(v), scaled) and _orthonormal(v)

    # Eigenvalues that all are of one sign, or of the other, are found in another way.
    ways = tuple((lambda shift=shift: beside(shift)) for shift in (0.0, 2.0, -2.0))
    w, v = _first_that_holds("eigh", matrix, ways, holds)
    return shifted(w, power[..., 0]), v


def _first_that_holds(
    name: str,
    matrix: Array,
    ways: Iterable[Callable[[], Factors]],
    holds: Callable[..., bool],
) -> Any:
    problem = "the factors do not multiply to the matrix"
    for way in ways:
        try:
            factors = way()
        # What does not converge is NumPy's error, also in CuPy, or a child of RuntimeError.
        except (np.linalg.LinAlgError, RuntimeError) as error:
            problem = str(error)
            continue
        if holds(*factors):
            return factors
    raise BackendError(
        f"{name} of a matrix of shape {tuple(matrix.shape)} failed in every way: {problem}; "
        "its entries are finite, so try another backend or precision"
    )


def _scaled(matrix: Array) -> tuple[Array, Array]:
    """The matrix with its largest entry of order one, and the power of two taken out."""
    xp = namespace(matrix)
    if not xp.all(xp.isfinite(matrix)):
        raise DataError("a matrix to be decomposed holds nan or inf: entries must be finite")
    sizes = parts(matrix)
    top = xp.max(sizes, axis=tuple(range(matrix.ndim - 2, sizes.ndim)))
    power = exponents(top)[..., None, None]
    return shifted(matrix, -power), power


def _adjoint(array: Array) -> Array:
    return conjugate(namespace(array).matrix_transpose(array))


def _same(first: Array, second: Array) -> bool:
    """Whether matrices of order one are equal within rounding; nan never is."""
    xp, side = namespace(first), max(first.shape[-2:])
    return bool(xp.all(xp.abs(first - second) <= SLACK * side * 2.0 ** -limits(first.dtype).bits))


def _orthonormal(columns: Array) -> bool:
    one = namespace(columns).eye(columns.shape[-1], dtype=columns.dtype, device=device_of(columns))
    return _same(_adjoint(columns) @ columns, one)
