"""Rings and open chains by transfer matrices, multiplied in pairs: no plan, and any length.

``Z = tr prod_k M_k`` with ``M_k[a, b] = exp(beta (J_k K[a, b] + h_k[a]))`` (Kramers and Wannier
1941, Phys. Rev. 60, 252). Neighbours in the product are multiplied all at once, then neighbours
among the results, until one matrix is left. Matrices are held as logarithms with their maxima
taken out, so that no temperature and no length overflows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from tnlearn.inference import LogPartition
from tnlearn.physics.parameters import Array

Ints = npt.NDArray[np.int64]
#: Sites one after another, and the bonds between them; a ring has one more, back to the first.
Line = tuple[list[int], list[int]]

#: Values of a site up to which products of matrices are cheaper than planning them.
MOST_VALUES = 16


def lines_of(sites: int, left: Ints, right: Ints) -> list[Line] | None:
    """The rings and chains that a graph is made of, or None if it is made of anything else.

    Linear in its sites. No pair of sites may have two bonds.
    """
    ends, others = np.concatenate([left, right]), np.concatenate([right, left])
    degrees = np.bincount(ends, minlength=sites)
    if degrees.max(initial=0) > 2:
        return None
    order = np.argsort(ends, kind="stable")
    starts = np.cumsum(degrees) - degrees
    slots = np.arange(len(ends)) - starts[ends[order]]
    # Of every site a neighbour and the bond to it, then the other neighbour and bond.
    around = np.full((sites, 4), -1, np.int64)
    around[ends[order], 2 * slots] = others[order]
    around[ends[order], 2 * slots + 1] = order % max(len(left), 1)
    # Ends of chains come first: what they leave over are rings.
    return [*_walked(around.tolist(), np.argsort(degrees == 2, kind="stable").tolist())]


def _walked(around: list[list[int]], starts: list[int]) -> Iterator[Line]:
    seen = bytearray(len(around))
    for start in starts:
        if seen[start]:
            continue
        at, last = start, -1
        sites: list[int] = []
        bonds: list[int] = []
        while at >= 0 and not seen[at]:
            seen[at] = 1
            sites.append(at)
            first, bond, second, other = around[at]
            at, last = (first, bond) if bond != last and bond >= 0 else (second, other)
            if last >= 0:
                bonds.append(last)
        yield sites, bonds


def log_partition_of(
    lines: list[Line], kernel: Array, couplings: Array, gains: Array, beta: float
) -> LogPartition:
    """Natural logarithm of Z of rings and chains.

    Parameters
    ----------
    lines : list
        As `lines_of` finds them.
    kernel : array, shape (q, q)
        K, symmetric.
    couplings : array, shape (n_bonds,)
        J, in units of energy.
    gains : array, shape (n_sites, q)
        h, in units of energy.
    beta : float
        Inverse temperature.

    Notes
    -----
    Costs ``q**3`` exponentials and logarithms a site.
    """
    terms, parts = 0.0, list[float]()
    for sites, bonds in lines:
        fields = beta * gains[sites]
        matrices = beta * couplings[bonds, None, None] * kernel + fields[: len(bonds), :, None]
        terms += float(abs(matrices).max(axis=(1, 2), initial=0.0).sum())
        if len(bonds) == len(sites):
            matrix, scales = _product(matrices)
            rest = np.diagonal(matrix)
        else:  # The last site has its field, and no bond.
            matrix, scales = _product(matrices) if bonds else (np.zeros((1, len(kernel))), [])
            rest = matrix + fields[-1]
        parts += [*scales, float(np.logaddexp.reduce(rest, axis=None))]
    found = math.fsum(parts)
    error = float(np.finfo(float).eps) * (terms + 4 * len(gains) + abs(found))
    return LogPartition(found, "transfer matrices", error, True)


def _product(matrices: Array) -> tuple[Array, list[float]]:
    """The logarithm of a product of matrices, and what has been taken out of it."""
    scales: list[float] = []
    while True:
        largest = matrices.max(axis=(1, 2))
        scales += largest.tolist()
        matrices = matrices - largest[:, None, None]
        if len(matrices) == 1:
            return matrices[0], scales
        even, rest = len(matrices) // 2 * 2, matrices[len(matrices) // 2 * 2 :]
        matrices = np.concatenate([_multiplied(matrices[0:even:2], matrices[1:even:2]), rest])


def _multiplied(a: Array, b: Array) -> Array:
    """Logarithms of the products of matrices, all at once."""
    total = a[:, :, 0, None] + b[:, 0, None, :]
    for k in range(1, a.shape[2]):
        total = np.logaddexp(total, a[:, :, k, None] + b[:, k, None, :])
    return np.asarray(total)
