"""Where CPython and NumPy keep what says how an array lies, so that kernels read it themselves.

Asking many small arrays for their dtype and shape costs more in Python than contracting them. The
C structures behind lists and arrays are public and have not changed in NumPy 1 and 2; still they
are compared with what Python says of a list and an array before anything relies on them.
"""

from __future__ import annotations

import ctypes
from functools import cache

import numpy as np

#: Words of a `PyObject`: its type.
TYPE = 1
#: Words of a `PyListObject`: how many items, and the address of theirs.
LENGTH, ITEMS = 2, 3
#: Words of a `PyArrayObject`: addresses of the entries, sizes, strides and dtype; the number of
#: axes is in the lower half of a word.
DATA, RANK, SIZES, STEPS, DTYPE = 2, 3, 4, 5, 7
LOWER_HALF = 2**32 - 1


@cache
def known() -> bool:
    """Whether lists and arrays are kept as the words above say."""
    probe = np.empty((3, 5, 7), np.float32)
    return _is_list([None, probe], id(probe)) and _is_array(probe)


def _is_list(items: list[object], last: int) -> bool:
    words = _words(id(items), ITEMS + 1)
    if words[TYPE] != id(list) or words[LENGTH] != len(items):
        return False
    return _words(words[ITEMS], 2) == [id(items[0]), last]


def _is_array(probe: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> bool:
    words = _words(id(probe), DTYPE + 1)
    wanted = {TYPE: id(np.ndarray), DATA: probe.ctypes.data, DTYPE: id(probe.dtype)}
    if any(words[k] != value for k, value in wanted.items()) or words[RANK] & LOWER_HALF != 3:
        return False
    sizes, steps = _words(words[SIZES], 3), _words(words[STEPS], 3)
    return sizes == list(probe.shape) and steps == list(probe.strides)


def _words(address: int, count: int) -> list[int]:
    return list((ctypes.c_int64 * count).from_address(address))
