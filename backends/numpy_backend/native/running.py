"""The arrays that calls take turns in, and a running call, whose header tells where they are."""

from __future__ import annotations

import math
from array import array
from threading import Lock
from typing import TYPE_CHECKING
from weakref import WeakSet

import numpy as np

from tnlearn_backends.array_backend.scaled import Scaled
from tnlearn_backends.numpy_backend.native import columns
from tnlearn_backends.numpy_backend.native.helpers import WORTH_CALLING, helped, work_space
from tnlearn_backends.numpy_backend.native.tensors import Inputs, Tensors

if TYPE_CHECKING:
    from tnlearn_backends.numpy_backend.native.program import Sized

#: Arenas are kept for the next call, so many for a program, so many bytes in the process.
KEPT, KEPT_BYTES = 2, 2**26
#: Bytes of an arena below which nobody counts.
SMALL = 2**20

_large: WeakSet[Sized] = WeakSet()
_lock = Lock()


class Workspace:
    """The arrays that calls take turns in: each running call has one of its own."""

    def __init__(self, program: Sized) -> None:
        tape = program.tape
        self.arena = np.empty(tape.arena or 1, program.dtype)
        self.results = np.empty(tape.results or 1, program.dtype)
        self.ranges = np.empty((len(tape.places) + len(tape.whole), 4), np.int64)
        self._shifts = np.zeros(len(self.ranges), np.int64)
        self._counter = np.zeros(columns.DEPTH, np.int64)
        self._work = work_space(np.finfo(program.dtype).dtype.itemsize if tape.multiplies else 0)
        self.header = header = array("q", program.header)
        header[columns.ARENA_AT] = self.arena.ctypes.data
        header[columns.RESULTS_AT] = self.results.ctypes.data
        header[columns.WORK_AT] = self._work.ctypes.data
        header[columns.RANGES] = self.ranges.ctypes.data
        header[columns.SHIFTS] = self._shifts.ctypes.data
        header[columns.COUNTER] = self._counter.ctypes.data
        self.address = header.buffer_info()[0]
        self.nbytes = self.arena.nbytes + self.results.nbytes  # Of the larger arrays.
        if self.nbytes > SMALL:
            _make_room(program, self.nbytes)

    def leave(self, spaces: list[Workspace]) -> None:
        """To the next call, if there are few."""
        if self.nbytes <= KEPT_BYTES and len(spaces) < KEPT:
            spaces.append(self)


class Call:
    """One running call."""

    def __init__(self, program: Sized, space: Workspace, inputs: Inputs) -> None:
        tape, header = program.tape, space.header
        self._sized = program
        self._space = space
        self._inputs = inputs  # Held: the header knows only where they are.
        self._totals = space.results
        header[columns.INPUTS_AT] = inputs.address
        self._range = program.calm_range(inputs)
        header[columns.CALM] = int(self._range is not None)
        if self._range is None:
            space.ranges[: len(inputs)] = inputs.ranges[:-1]
        if tape.whole:
            self._totals = np.zeros(tape.totals, program.dtype)
            header[columns.TOTALS_AT] = self._totals.ctypes.data
            space.ranges[len(tape.places) :] = columns.NOTHING, 0, 0, 1

    def run(self, begin: int, middle: int, end: int, slices: range) -> bool:
        """Run some rows, those after the middle for every slice; False if one gave up."""
        space, header = self._space, self._space.header
        header[columns.BEGIN] = begin
        header[columns.MIDDLE] = middle
        header[columns.END] = end
        header[columns.FIRST_SLICE] = slices.start
        header[columns.LAST_SLICE] = slices.stop
        sized = self._sized
        if sized.tape.shared < WORTH_CALLING:
            return sized.kernels.run(space.address) == columns.DONE
        with helped(header, sized.kernels.assist, np.finfo(sized.dtype).dtype.itemsize):
            return sized.kernels.run(space.address) == columns.DONE

    def plant(self, seed: Scaled) -> bool:
        """Take a cotangent; False if its entries are too far apart."""
        if seed.wide or not isinstance(seed.exponent, int):
            return False
        self._seed = np.ascontiguousarray(seed.mantissa)
        header, ranges = self._space.header, self._space.ranges
        header[columns.SEEDS_AT] = self._seed.ctypes.data
        if self._range is not None:
            forward, self._range = self._range, self._sized.calm_range(self._inputs, seed)
            if self._range is None:
                header[columns.CALM] = 0
                ranges[:] = forward
        if self._range is None:
            slot = self._sized.program.seed
            ranges[slot] = seed.exponent, seed.low, seed.high, seed.nonnegative
        return True

    def value(self) -> Scaled:
        """The value."""
        program = self._sized
        slot, where = program.program.value, program.where
        row = slot
        if program.tape.whole:
            row = len(program.tape.places)
        found = self._range or self._space.ranges[row].tolist()
        exponent, low, high, nonnegative = found
        shape, at = where.shapes[slot], where.offsets[slot]
        if shape:
            entries = self._totals[at : at + math.prod(shape)].reshape(shape).copy()
        else:
            entries = np.array(self._totals[at])  # A third of the time.
        return Scaled(entries, exponent, low, high, bool(nonnegative), where.leading[slot])

    def gradient(self) -> Tensors:
        """The gradient with respect to each input."""
        program, space = self._sized, self._space
        if self._range is None:
            ranges = space.ranges[: len(program.tape.places)].copy()
        else:
            ranges = program.alike(self._range)
        if program.tape.whole:
            for number, slot in enumerate(program.tape.whole, start=len(ranges)):
                ranges[slot] = space.ranges[number]
            data = self._totals
        else:
            data = space.results.copy()
        return Tensors(data, ranges, program.gradients)

    def close(self) -> None:
        """Leave the arrays to the next call."""
        self._space.leave(self._sized.spaces)


def _make_room(program: Sized, nbytes: int) -> None:
    """What other programs keep is forgotten where all together would be too much."""
    with _lock:
        others = [other for other in _large if other is not program]
        if sum(space.nbytes for other in others for space in other.spaces) + nbytes > KEPT_BYTES:
            for other in others:
                other.spaces.clear()
        _large.add(program)
