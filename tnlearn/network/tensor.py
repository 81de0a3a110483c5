"""A tensor: an array whose axes carry index names."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np

from tnlearn.errors import DataTypeError, NetworkError

Index: TypeAlias = Hashable

#: Precisions that are kept as they are; all else is converted or refused.
FLOATING = ("float32", "float64", "complex64", "complex128")


@runtime_checkable
class ForeignArray(Protocol):
    """An array of another library (CuPy, PyTorch, ...), held as it is."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes."""
        ...

    @property
    def dtype(self) -> Any:
        """Precision of the entries, as that library writes it."""
        ...

    def __dlpack__(self) -> Any: ...


@dataclass(frozen=True, eq=False, slots=True, init=False, repr=False)
class Tensor:
    """An array with one index name per axis.

    Parameters
    ----------
    data : array_like
        Entries. float32, float64, complex64 and complex128 are held as they are, read-only
        and not copied; integers and booleans become float64. Arrays of other libraries are
        held untouched for their backend.
    indices : sequence of hashable
        One name per axis. A name used twice takes the diagonal of those axes.
    name : str, optional
        Name within a network; by default the tensor's position there.
    parameter : hashable, optional
        Tensors with the same parameter share their data, and their gradients are summed.
    conj : bool
        The tensor is the complex conjugate of `data`.
    log : bool
        `data` are natural logarithms of non-negative entries; ``-inf`` is a zero.

    Raises
    ------
    NetworkError
        If the number of indices differs from the number of axes.
    DataTypeError
        If `data` is not numeric, is of more than 64 bits a real number, or is complex with
        `log`.
    """

    data: Any
    indices: tuple[Index, ...]
    name: str | None = None
    parameter: Hashable | None = None
    conj: bool = False
    log: bool = False

    def __init__(
        self,
        data: Any,
        indices: Sequence[Index],
        name: str | None = None,
        *,
        parameter: Hashable | None = None,
        conj: bool = False,
        log: bool = False,
    ) -> None:
        data = as_data(data, name)
        indices = _as_indices(indices, name)
        if len(indices) != len(data.shape):
            raise NetworkError(
                f"tensor {_shown(name)} has shape {tuple(data.shape)}, {len(data.shape)} axes, "
                f"but {len(indices)} indices {indices!r}: give one index per axis"
            )
        if log and "complex" in str(data.dtype):
            raise DataTypeError(
                f"tensor {_shown(name)} has log=True and complex data: logarithms of "
                "non-negative entries are real"
            )
        for field, value in (
            ("data", data),
            ("indices", indices),
            ("name", name),
            ("parameter", parameter),
            ("conj", conj),
            ("log", log),
        ):
            object.__setattr__(self, field, value)

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes."""
        return tuple(self.data.shape)

    @property
    def dtype(self) -> str:
        """Name of the precision: "float64", "complex64", ..., in any array library."""
        return dtype_name(self.data.dtype)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{i!r}: {d}" for i, d in zip(self.indices, self.shape, strict=True))
        flags = "".join(f", {flag}" for flag in ("conj", "log") if getattr(self, flag))
        return f"Tensor({_shown(self.name)}, {{{sizes}}}{flags})"


def _as_indices(indices: Sequence[Index], name: str | None) -> tuple[Index, ...]:
    try:
        hash(found := tuple(indices))
    except TypeError as error:
        raise DataTypeError(
            f"the indices {indices!r} of tensor {_shown(name)} are no sequence of hashable "
            f"names ({error}): give one name per axis"
        ) from None
    return found


def dtype_name(dtype: Any) -> str:
    """Name of a dtype of any array library: "float64" of ``torch.float64``, too."""
    return _dtype_name(type(dtype).__module__, dtype)


@cache
def _dtype_name(library: str, dtype: Any) -> str:
    # Dtypes of different libraries must not be compared; with their names in front they are not.
    return str(dtype).rpartition(".")[2]


def as_data(data: Any, name: str | None) -> Any:
    """`data` as an array of a precision the library computes in; never a copy of one that is."""
    if type(data) is not np.ndarray:
        if not isinstance(data, np.ndarray) and _is_foreign(data):
            return data
        data = _from_nested(data, name)
    if data.dtype.name not in FLOATING:
        data = data.astype(_promoted(data.dtype, name))
    view = data.view()
    view.flags.writeable = False
    return view


def _is_foreign(data: Any) -> bool:
    """Whether `data` is a `ForeignArray`; asking `isinstance` of a protocol takes far longer."""
    return hasattr(data, "__dlpack__") and hasattr(data, "shape") and hasattr(data, "dtype")


def _from_nested(data: Any, name: str | None) -> np.ndarray[Any, Any]:
    if isinstance(data, np.ma.MaskedArray):
        raise DataTypeError(
            f"tensor {_shown(name)} has masked data: fill them with .filled() first"
        )
    try:
        return np.asarray(data)
    except ValueError as error:
        raise DataTypeError(
            f"tensor {_shown(name)}: the data do not form an array ({error}); "
            "give nested sequences of equal lengths"
        ) from None


def _promoted(dtype: np.dtype[Any], name: str | None) -> str:
    if dtype.kind in "biu":
        return "float64"
    if dtype.name == "float16":
        return "float32"
    raise DataTypeError(
        f"tensor {_shown(name)} has data of dtype {dtype}; tnlearn computes with "
        f"{', '.join(FLOATING)} (integers become float64): convert it with .astype first"
    )


def _shown(name: str | None) -> str:
    return "(unnamed)" if name is None else repr(name)
