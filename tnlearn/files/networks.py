"""Networks: every tensor by the numbers of its array and its indices."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from tnlearn.errors import DataTypeError, FormatError
from tnlearn.files import names
from tnlearn.files.arrays import Array, Arrays, array_at
from tnlearn.files.checks import fields, flag, items, shown, wholes
from tnlearn.network import Tensor, TensorNetwork
from tnlearn.network.tensor import FLOATING, as_data


class _Indices:
    """The distinct index names of a network, numbered; 1, 1.0 and True are distinct here."""

    def __init__(self) -> None:
        self.encoded: list[Any] = []
        self._numbers: dict[str, int] = {}

    def numbers(self, indices: Sequence[Hashable]) -> list[int]:
        return [self._number(index) for index in indices]

    def _number(self, index: Hashable) -> int:
        encoded = names.encode(index)
        number = self._numbers.setdefault(repr(encoded), len(self.encoded))
        if number == len(self.encoded):
            self.encoded.append(encoded)
        return number


def encode(network: TensorNetwork, arrays: Arrays) -> Any:
    """A network as JSON and arrays."""
    indices = _Indices()
    rows: list[Any] = []
    for called, tensor in zip(network.names, network.tensors, strict=True):
        try:
            rows.append(_encoded(tensor, indices, arrays))
        except FormatError as error:
            raise FormatError(f"tensor {called!r} cannot be saved: {error}") from None
    output = indices.numbers(network.output)
    return {"tensors": rows, "output": output, "indices": indices.encoded}


def decode(payload: Any, arrays: Sequence[Array], cls: type[Any]) -> TensorNetwork:
    """The network again, its arrays read-only."""
    given = fields(payload, "the network", "tensors", "output", "indices")
    indices = [names.decode(name) for name in items(given["indices"], "the indices")]
    tensors = [_decoded(row, indices, arrays) for row in items(given["tensors"], "the tensors")]
    network: TensorNetwork = cls(tensors, _picked(given["output"], indices))
    return network


def _encoded(tensor: Tensor, indices: _Indices, arrays: Arrays) -> dict[str, Any]:
    row: dict[str, Any] = {
        "data": arrays.add(_on_host(tensor)),
        "indices": indices.numbers(tensor.indices),
    }
    if tensor.name is not None:
        row["name"] = _name(tensor.name)
    if tensor.parameter is not None:
        row["parameter"] = names.encode(tensor.parameter)
    row |= {field: True for field in ("conj", "log") if getattr(tensor, field)}
    return row


def _decoded(row: Any, indices: Sequence[Hashable], arrays: Sequence[Array]) -> Tensor:
    optional = ("name", "parameter", "conj", "log")
    given = fields(row, "a tensor", "data", "indices", optional=optional)
    return Tensor(
        array_at(arrays, given["data"], FLOATING),
        _picked(given["indices"], indices),
        None if given.get("name") is None else _name(given["name"]),
        parameter=names.decode(given.get("parameter")),
        conj=flag(given.get("conj", False), "conj"),
        log=flag(given.get("log", False), "log"),
    )


def _picked(numbers: Any, indices: Sequence[Hashable]) -> list[Hashable]:
    return [indices[k] for k in wholes(numbers, "the number of an index", len(indices) - 1)]


def _name(name: Any) -> str:
    if type(name) is not str:
        raise FormatError(f"the name of a tensor must be a string: it is {shown(name)}")
    return name


def _on_host(tensor: Tensor) -> Array:
    """The tensor's data as a NumPy array."""
    data = tensor.data
    if not isinstance(data, np.ndarray):
        library = type(data).__module__.partition(".")[0]
        try:
            data = np.from_dlpack(data)
        # Each library has its own error for an array that is on a device or needs a gradient.
        except Exception as error:
            raise DataTypeError(
                f"tensor {tensor.name!r} holds an array of {library} that NumPy cannot read "
                f"({error}): move it to the host first, and detach it from any gradient"
            ) from error
    array: Array = as_data(data, tensor.name)
    return array
