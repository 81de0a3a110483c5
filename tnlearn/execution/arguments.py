"""What a program is called with: as many arrays as tensors, of the right shapes and precision."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from tnlearn.backend import Backend, Input
from tnlearn.errors import DataError, DataTypeError
from tnlearn.network.tensor import ForeignArray, as_data, dtype_name
from tnlearn.planning import Structure

#: The real precision of each precision: that of logarithms.
REAL = {"float32": "float32", "float64": "float64", "complex64": "float32", "complex128": "float64"}

DTYPE, SHAPE = attrgetter("dtype"), attrgetter("shape")


class Arguments:
    """The arrays a program takes, and the checks they must pass.

    A call that gives NumPy arrays of the right dtypes and shapes, as nearly all do, passes with
    two comparisons of lists; whatever differs is looked at one by one.

    Attributes
    ----------
    shared : list of list of int
        Tensors that share a parameter.
    """

    def __init__(
        self,
        inputs: Sequence[Input],
        structure: Structure,
        batch: int | None,
        sharing: Sequence[Hashable],
        dtype: str,
        backend: Backend,
    ) -> None:
        self._inputs = tuple(inputs)
        self._dtype = dtype
        self._backend = backend
        self._batch = batch
        self.shared = _repeated(sharing)
        self._dtypes = [np.dtype(REAL[dtype] if given.log else dtype) for given in inputs]
        self._free = [[k for k, i in enumerate(term) if i == batch] for term in structure.inputs]
        self._shapes = [tuple(structure.sizes[i] for i in term) for term in structure.inputs]
        self._known: tuple[int | None, list[tuple[int, ...]]] = (None, self._shapes)

    def __len__(self) -> int:
        return len(self._inputs)

    def checked(self, arrays: Sequence[Any]) -> tuple[list[Any], int | None]:
        """The arrays in the program's precision, and the size of the batch if there is one.

        Raises
        ------
        DataError
            If their number or a shape is wrong, or tensors that share a parameter differ.
        DataTypeError
            If an array is of a kind or precision that the program's dtype would lose.
        """
        given = list(arrays)
        if len(given) != len(self):
            raise DataError(
                f"the network has {len(self)} tensors but {len(given)} arrays were given"
            )
        held = given
        if set(map(type, given)) != {np.ndarray} or list(map(DTYPE, given)) != self._dtypes:
            held = [self._converted(array, k) for k, array in enumerate(given)]
        if self.shared:
            self._check_shared(given)
        shapes = list(map(SHAPE, held))
        batch = None if self._batch is None else self._first_batch(shapes)
        if shapes == self._shapes_at(batch):
            return held, batch
        return held, self._batch_size(shapes)

    def _converted(self, array: Any, number: int) -> Any:
        dtype, name = self._dtypes[number], self._inputs[number].name
        if isinstance(array, np.ndarray) and array.dtype == dtype:
            return array
        data = as_data(array, name)
        kind = dtype_name(data.dtype)
        if not np.can_cast(kind, dtype):
            raise DataTypeError(
                f"tensor {name!r} was given {kind} data, but the program computes in "
                f"{dtype}: cast it, or compile from a network of that precision"
            )
        return self._backend.asarray(data, dtype.name)

    def _check_shared(self, arrays: Sequence[Any]) -> None:
        for first, *others in self.shared:
            for other in others:
                if not _same(arrays[other], arrays[first]):
                    raise DataError(
                        f"tensors {self._inputs[first].name!r} and {self._inputs[other].name!r} "
                        "share a parameter but were given different arrays: give both the same"
                    )

    def _first_batch(self, shapes: Sequence[Sequence[int]]) -> int | None:
        """The size of the batch, as the first tensor that has it says."""
        for shape, free in zip(shapes, self._free, strict=True):
            if free and len(shape) > free[0]:
                return int(shape[free[0]])
        return None

    def _shapes_at(self, batch: int | None) -> list[tuple[int, ...]]:
        """All shapes at a size of the batch, remembered for the last one."""
        known, shapes = self._known
        if batch != known:
            pairs = zip(self._shapes, self._free, strict=True)
            shapes = [
                tuple(batch if k in free else size for k, size in enumerate(shape))  # type: ignore[misc]
                for shape, free in pairs
            ]
            self._known = (batch, shapes)
        return shapes

    def _batch_size(self, shapes: Sequence[Sequence[int]]) -> int | None:
        """The size of the batch, once every shape is checked."""
        found: dict[int, str] = {}
        pairs = zip(shapes, self._shapes, strict=True)
        for number, (shape, wanted) in enumerate(pairs):
            free, name = self._free[number], self._inputs[number].name
            fits = len(shape) == len(wanted) and all(
                k in free or size == wanted[k] for k, size in enumerate(shape)
            )
            if not fits:
                shown = tuple("any" if k in free else size for k, size in enumerate(wanted))
                raise DataError(f"tensor {name!r} needs shape {shown}, got {tuple(shape)}")
            for axis in free:
                found.setdefault(int(shape[axis]), name)
        for size, name in list(found.items())[1:]:
            first = next(iter(found))
            raise DataError(
                f"the batch has size {first} on tensor {found[first]!r} but {size} on {name!r}"
            )
        return next(iter(found), None)


def _same(first: Any, second: Any) -> bool:
    """Whether arrays are equal; those of other libraries are not looked into, but must be one."""
    if first is second:
        return True
    return not (_is_foreign(first) or _is_foreign(second)) and np.array_equal(first, second)


def _is_foreign(array: Any) -> bool:
    return isinstance(array, ForeignArray) and not isinstance(array, np.ndarray)


def is_complex(array: Any) -> bool:
    """Whether an array of any library, or a number, is complex."""
    dtype = getattr(array, "dtype", None)
    return np.iscomplexobj(array) if dtype is None else dtype_name(dtype).startswith("complex")


def _repeated(keys: Sequence[Hashable]) -> list[list[int]]:
    """Positions of keys that are there more than once, key by key."""
    positions: dict[Hashable, list[int]] = {}
    for position, key in enumerate(keys):
        positions.setdefault(key, []).append(position)
    return [group for group in positions.values() if len(group) > 1]
