"""A function of many variables as a matrix product, kept short: the edge of a sweep.

Between what a sweep has summed and what it has not stands a function of the variables that both
share. It is held as a chain of small arrays, one for each variable, so a variable may be on any
number of tables; tables multiply the chain as matrix product operators that are diagonal. Bonds
that grow beyond a limit are cut at their largest singular values (Verstraete, Cirac 2004,
arXiv:cond-mat/0407066; for any geometry Pan et al. 2020, PRL 125, 060503, and Gray, Chan 2024,
PRX 14, 011009).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.backend import get_backend

Array = npt.NDArray[Any]

#: Singular values below this part of the largest are rounding.
ROUNDING = 1e-15


class Boundary:
    """A chain of arrays ``(left, position, right)`` of norm 1, and the factor taken out.

    All cores before the centre are isometries to the right, all after it to the left, so that
    what is cut at the centre is cut from the whole.

    Parameters
    ----------
    bond : int
        Largest bond dimension.
    phase : float or complex
        Of a factor of all.

    Attributes
    ----------
    log : float
        Natural logarithm of the magnitude of the factor; -inf if all is zero.
    phase : float or complex
        Its phase, once no variable is left.
    cut : float
        The largest part of the chain, in 2-norm, that was cut at once.
    work : float
        Multiplications and additions spent.
    """

    def __init__(self, bond: int, phase: Any = 1.0) -> None:
        self.bond = bond
        self.log, self.phase, self.cut, self.work = 0.0 if phase else -math.inf, phase, 0.0, 0.0
        self._cores: list[Array] = []
        self._centre = 0

    def insert(self, place: int, size: int) -> None:
        """A variable on which the function does not depend yet."""
        left = self._cores[place - 1].shape[2] if place else 1
        core = np.eye(left)[:, None, :] * np.full((1, size, 1), size**-0.5)
        self.log += 0.5 * math.log(size)
        if self._cores and place <= self._centre:  # What is before moves on.
            self._centre += 1
        self._cores.insert(place, core)

    def multiply(self, first: int, operator: Sequence[Array], summed: int | None = None) -> None:
        """Multiply with an operator, sum over a variable it is on, and cut the bonds it is on.

        Parameters
        ----------
        first : int
            Where the operator begins.
        operator : sequence of array, shape (left, position, right)
            One for each core from there on, the first with left 1, the last with right 1. An axis
            of positions of size 1 is the same at all.
        summed : int, optional
            Which of these cores' variables to sum.
        """
        last = first + len(operator) - 1
        forward = abs(self._centre - first) <= abs(self._centre - last)
        self._move(first if forward else last)
        for place, factor in enumerate(operator, start=first):
            self._cores[place] = _product(self._cores[place], factor)
            self.work += 2 * self._cores[place].size
        if summed is not None:
            self._sum(first + summed, last)
            last -= 1
        if first <= last:  # Else it was the only core there, and its neighbour is the centre.
            self._centre = first if forward else last
            self._move(last if forward else first)
            self._cut(first if forward else last)

    def _sum(self, place: int, last: int) -> None:
        """Sum a variable and give what is left to a neighbour, one before `last` if possible."""
        matrix = self._cores.pop(place).sum(axis=1)
        if not self._cores:
            self._take(matrix)
        elif place < last or place == 0:
            self._cores[place] = np.tensordot(matrix, self._cores[place], 1)
            self._centre = place
        else:
            self._cores[place - 1] = np.tensordot(self._cores[place - 1], matrix, 1)
            self._centre = place - 1

    def _take(self, matrix: Array) -> None:
        """The last number of all."""
        value = matrix.item()
        size = abs(value)
        self.log += math.log(size) if size else -math.inf
        self.phase *= value / size if size else 0.0

    def _scale(self) -> None:
        core = self._cores[self._centre]
        top = np.abs(core).max()
        norm = top * np.linalg.norm(core / top) if top else 0.0
        self.log += math.log(norm) if norm else -math.inf
        if norm:
            self._cores[self._centre] = core / norm

    def _move(self, place: int) -> None:
        """The centre to a place, all else staying as it is."""
        self._scale()
        while self._centre < place and self.log > -math.inf:
            core = self._cores[self._centre]
            left, size, right = core.shape
            q, r = np.linalg.qr(core.reshape(left * size, right))
            self._cores[self._centre] = q.reshape(left, size, -1)
            self._centre += 1
            self._cores[self._centre] = np.tensordot(r, self._cores[self._centre], 1)
            self.work += 4 * core.size * right + 2 * r.shape[0] * self._cores[self._centre].size
            self._scale()
        while self._centre > place and self.log > -math.inf:
            core = self._cores[self._centre]
            left, size, right = core.shape
            q, r = np.linalg.qr(core.reshape(left, size * right).T)
            self._cores[self._centre] = q.T.reshape(-1, size, right)
            self._centre -= 1
            self._cores[self._centre] = np.tensordot(self._cores[self._centre], r.T, 1)
            self.work += 4 * core.size * left + 2 * r.shape[0] * self._cores[self._centre].size
            self._scale()
        self._centre = place

    def _cut(self, place: int) -> None:
        """The centre to a place, keeping of every bond on the way what matters most."""
        while self._centre != place and self.log > -math.inf:
            ahead = self._centre < place
            core = self._cores[self._centre]
            left, size, right = core.shape
            shape = (left * size, right) if ahead else (left, size * right)
            u, s, vh = _svd(core.reshape(shape))
            self.work += 20 * core.size * min(shape)
            kept = min(self.bond, max(1, int((s > ROUNDING * s[0]).sum())))
            self.cut = max(self.cut, float(np.linalg.norm(s[kept:]) / np.linalg.norm(s)))
            u, s, vh = u[:, :kept], s[:kept], vh[:kept]
            if ahead:
                self._cores[self._centre] = u.reshape(left, size, kept)
                self._centre += 1
                following = self._cores[self._centre]
                self._cores[self._centre] = np.tensordot(s[:, None] * vh, following, 1)
            else:
                self._cores[self._centre] = vh.reshape(kept, size, right)
                self._centre -= 1
                following = self._cores[self._centre]
                self._cores[self._centre] = np.tensordot(following, u * s, 1)
            self._scale()


def _product(core: Array, factor: Array) -> Array:
    """A core times one of an operator, bond by bond."""
    product = core[:, None, :, :, None] * factor[None, :, :, None, :]
    left, more, size, right, also = product.shape
    return product.reshape(left * more, size, right * also)


def _svd(matrix: Array) -> tuple[Array, Array, Array]:
    try:
        u, s, vh = np.linalg.svd(matrix, full_matrices=False)
    except np.linalg.LinAlgError:
        return get_backend("numpy").svd(matrix)  # It knows other ways.
    return u, s, vh
