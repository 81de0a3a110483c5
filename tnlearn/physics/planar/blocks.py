"""A square lattice on a torus as blocks within blocks, and the four ways to close the largest."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from tnlearn.physics.planar.gaussian import Manner, integrate_out, pfaffian
from tnlearn.physics.planar.surface import Floats, Ints

LOG_2 = math.log(2.0)
#: Faces along the side of a block that is integrated out at once.
SIDE = 4


class Blocks:
    """The blocks of one lattice: rectangles of faces, whose legs stand along their four sides.

    Face (i, j) has the sites (i, j) to (i + 1, j + 1) at its corners. Its darts, and those of a
    block, go along the top from left to right, down the right side from the top, along the bottom
    from the left, and down the left side. All joints are positive: at every site one of four
    steps inside cities goes against the arrows, and one of two in each direction across bonds.
    """

    def __init__(self, right: Floats, down: Floats, manner: Manner) -> None:
        self.shape = right.shape
        self.manner = manner
        self.log = math.fsum(np.abs(right).ravel()) + math.fsum(np.abs(down).ravel())
        across, along = (
            np.pad(right, ((0, 1), (0, 0)), "wrap"),
            np.pad(down, ((0, 0), (0, 1)), "wrap"),
        )
        self.joints = [np.exp(2.0 * np.minimum(bonds, 0.0)) for bonds in (across, along)]
        wall = [np.exp(-np.maximum(bonds, 0.0)) for bonds in (across, along)]
        self.walls = np.stack([wall[0][:-1], wall[1][:, 1:], wall[0][1:], wall[1][:, :-1]], axis=-1)
        self.bonds = across, along
        layered = [np.all(x == x[:1]) or np.all(x == x[:, :1]) for x in (right, down)]
        self.known: dict[bytes, tuple[Floats, float]] | None = {} if all(layered) else None

    def log_partition(self) -> float:
        """``ln Z`` of the torus."""
        m, n = self.shape
        matrix, log = self.block(0, 0, m, n)
        top, right = np.arange(n), n + np.arange(m)
        bottom, left = top + n + m, right + n + m
        signs, logs = [], []
        for one in (1.0, -1.0):
            for other in (1.0, -1.0):
                closed = matrix.copy()
                _add(closed, bottom, top, one * self.joints[0][0])
                _add(closed, right, left, other * self.joints[1][:, 0])
                sign, size = pfaffian(closed)
                # The signs of a seam count where there is no wall: bring them to where one is.
                signs.append(sign * one**n * other**m)
                logs.append(size)
        largest = max(logs)
        if largest == -math.inf:
            return -math.inf
        total = abs(float(np.dot(signs, np.exp(np.array(logs) - largest))))
        if not total:
            return -math.inf
        return self.log + log + largest + math.log(total) - LOG_2

    def block(self, i: int, j: int, h: int, w: int) -> tuple[Floats, float]:
        """The matrix of `h` x `w` faces from (i, j), and the log of what it is to be times."""
        if self.known is None:
            return self._block(i, j, h, w)
        across, along = self.bonds
        bonds = across[i : i + h + 1, j : j + w], along[i : i + h, j : j + w + 1]
        key = b"".join([np.array([h, w]).tobytes(), bonds[0].tobytes(), bonds[1].tobytes()])
        if key not in self.known:
            self.known[key] = self._block(i, j, h, w)
        return self.known[key]

    def _block(self, i: int, j: int, h: int, w: int) -> tuple[Floats, float]:
        across, along = self.joints
        if max(h, w) <= SIDE:
            matrix = _cities(self.walls[i : i + h, j : j + w].reshape(-1, 4))
            log = 0.0
            one, other, kept = _inside(h, w)
            joints = [along[i : i + h, j + 1 : j + w], across[i + 1 : i + h, j : j + w]]
            _add(matrix, one, other, np.concatenate([joint.ravel() for joint in joints]))
        else:
            wide = w >= h
            half = (w if wide else h) // 2
            if wide:
                parts = self.block(i, j, h, half), self.block(i, j + half, h, w - half)
                joints = [along[i : i + h, j + half]]
            else:
                parts = self.block(i, j, half, w), self.block(i + half, j, h - half, w)
                joints = [across[i + half, j : j + w]]
            (a, p), (b, q) = parts
            matrix = np.zeros((len(a) + len(b),) * 2)
            matrix[: len(a), : len(a)], matrix[len(a) :, len(a) :] = a, b
            log = p + q
            one, other, kept = _between(h, w, half, wide)
            _add(matrix, one, other, joints[0])
        gone = np.concatenate([one, other])
        result, change = integrate_out(matrix, gone, kept, self.manner)
        return result, log + change


def _add(matrix: Floats, rows: Ints, columns: Ints, values: Floats) -> None:
    matrix[rows, columns] += values
    matrix[columns, rows] -= values


def _cities(walls: Floats) -> Floats:
    """Block-diagonal: `tnlearn.physics.planar.joining.city` of each row of `walls`."""
    count = len(walls)
    upper = np.triu(walls[:, :, None] * walls[:, None, :], 1)
    matrix = np.zeros((count, 4, count, 4))
    numbers = np.arange(count)
    matrix[numbers, :, numbers, :] = upper - upper.transpose(0, 2, 1)
    return matrix.reshape(4 * count, 4 * count)


@lru_cache
def _inside(h: int, w: int) -> tuple[Ints, Ints, Ints]:
    """The darts that meet inside a block of single faces, and those along its sides."""
    top, right, bottom, left = np.moveaxis(np.arange(4 * h * w).reshape(h, w, 4), 2, 0)
    one = np.concatenate([right[:, :-1].ravel(), bottom[:-1].ravel()])
    other = np.concatenate([left[:, 1:].ravel(), top[1:].ravel()])
    return one, other, np.concatenate([top[0], right[:, -1], bottom[-1], left[:, 0]])


@lru_cache
def _between(h: int, w: int, half: int, wide: bool) -> tuple[Ints, Ints, Ints]:
    """The darts where two blocks meet, and those along the sides of both."""
    first = (h, half) if wide else (half, w)
    second = (h, w - half) if wide else (h - half, w)
    a, b = _sides(*first), [side + 2 * sum(first) for side in _sides(*second)]
    if wide:
        kept = [a[0], b[0], b[1], a[2], b[2], a[3]]
        return a[1], b[3], np.concatenate(kept)
    return a[2], b[0], np.concatenate([a[0], a[1], b[1], b[2], a[3], b[3]])


def _sides(h: int, w: int) -> list[Ints]:
    """Top, right, bottom and left of a block: the rows of its matrix."""
    return np.split(np.arange(2 * (h + w)), np.cumsum([w, h, w]))
