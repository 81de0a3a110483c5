"""The graph core: a hypergraph of tensors that meet on named indices."""

from __future__ import annotations

import operator
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from tnlearn.errors import DataTypeError, NetworkError
from tnlearn.network.tensor import Index, Tensor

if TYPE_CHECKING:
    import networkx as nx
    from matplotlib.axes import Axes


class TensorNetwork:
    """A function of its output indices: the product of all tensors, summed over the rest.

    An index may be on one, two or any number of tensors (a copy tensor, never built densely),
    and more than once on one tensor (its diagonal). Immutable; building one is linear in the
    number of tensors.

    Parameters
    ----------
    tensors : iterable of Tensor
        At least one. A tensor without a name goes by its position: "0", "1", ...
    output : sequence of hashable
        Indices left open, in the order of the result's axes. All others are summed.

    Raises
    ------
    NetworkError
        If there are no tensors, two tensors have one name, an index has two sizes, tensors of
        one parameter differ in shape, or an output index is repeated or on no tensor.

    Examples
    --------
    >>> import numpy as np, tnlearn as tnl
    >>> a, b = np.ones((2, 3)), np.ones((3, 4))
    >>> net = tnl.TensorNetwork([tnl.Tensor(a, ("i", "j")), tnl.Tensor(b, "jk")], output="ik")
    >>> net.shape
    (2, 4)
    """

    #: NumPy must leave ``network | array`` to `__or__`, which refuses it.
    __array_ufunc__ = None

    def __init__(self, tensors: Iterable[Tensor], output: Sequence[Index] = ()) -> None:
        self._tensors = tuple(tensors)
        for tensor in self._tensors:
            if not isinstance(tensor, Tensor):
                raise DataTypeError(
                    f"a network is made of Tensors, but got a {type(tensor).__name__}: "
                    "wrap arrays as Tensor(data, indices)"
                )
        self._output = tuple(output)
        if not self._tensors:
            raise NetworkError("a network needs at least one tensor; got none")
        self._positions = _positions(self._tensors)
        self._sizes = _sizes(self._tensors, self._positions)
        _check_output(self._output, self._sizes)
        _check_parameters(self._tensors, self.names)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The tensors, in the order they were given."""
        return self._tensors

    @property
    def output(self) -> tuple[Index, ...]:
        """The open indices, in the order of the result's axes."""
        return self._output

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The tensors' names, in their order."""
        return tuple(self._positions)

    @cached_property
    def sizes(self) -> Mapping[Index, int]:
        """Size of every index, in order of first appearance."""
        return MappingProxyType(self._sizes)

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the open indices."""
        return tuple(self._sizes[index] for index in self._output)

    def __len__(self) -> int:
        return len(self._tensors)

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self._tensors)

    def __getitem__(self, name: str) -> Tensor:
        """The tensor of that name."""
        return self._tensors[self.position(name)]

    def __repr__(self) -> str:
        return (
            f"TensorNetwork({len(self)} tensors, {len(self._sizes)} indices, "
            f"output={self._output!r})"
        )

    def position(self, name: str) -> int:
        """Where the tensor called `name` stands among the tensors.

        Raises
        ------
        NetworkError
            If no tensor is called so.
        """
        try:
            return self._positions[name]
        except KeyError:
            raise NetworkError(f"no tensor is called {name!r}; {_some(self.names)}") from None

    def with_output(self, output: Sequence[Index]) -> TensorNetwork:
        """The same tensors with these open indices, in this order."""
        return TensorNetwork(self._tensors, output)

    def open(self, *indices: Index) -> TensorNetwork:
        """The same network with `indices` appended to its output."""
        return self.with_output((*self._output, *indices))

    def close(self, *indices: Index) -> TensorNetwork:
        """The same network with open `indices` summed.

        Raises
        ------
        NetworkError
            If one of them is not open.
        """
        opened = dict.fromkeys(self._output)
        for index in indices:
            if index not in opened:
                raise NetworkError(
                    f"index {index!r} is not open, so it cannot be closed; "
                    f"the output is {self._output!r}"
                )
        closed = set(indices)
        return self.with_output(tuple(i for i in self._output if i not in closed))

    def relabel(self, mapping: Mapping[Index, Index]) -> TensorNetwork:
        """The same network with indices renamed; two given one new name become one index.

        Raises
        ------
        NetworkError
            If an index of `mapping` is on no tensor, or the new names do not fit.
        """
        for index in mapping:
            self._require(index)
        tensors = (
            replace(t, indices=tuple(mapping.get(i, i) for i in t.indices)) for t in self._tensors
        )
        return TensorNetwork(tensors, tuple(mapping.get(i, i) for i in self._output))

    def fix(self, assignment: Mapping[Index, int]) -> TensorNetwork:
        """The network with each index of `assignment` held at one position, and gone from it.

        Raises
        ------
        NetworkError
            If an index is on no tensor, or the position is outside its size.
        """
        assignment = {index: _whole(index, position) for index, position in assignment.items()}
        for index, position in assignment.items():
            if not 0 <= position < self._require(index):
                raise NetworkError(
                    f"index {index!r} cannot be fixed at {position}: its size is "
                    f"{self._sizes[index]}, so give a position from 0 to {self._sizes[index] - 1}"
                )
        tensors = (_fixed(t, assignment) for t in self._tensors)
        output = tuple(i for i in self._output if i not in assignment)
        return TensorNetwork(tensors, output)

    def select(self, names: Iterable[str]) -> TensorNetwork:
        """The part made of the tensors called `names`.

        Indices that are open, or that tensors outside the part carry too, are open in it.
        """
        positions = sorted({self.position(name) for name in names})
        inside = [self._tensors[p] for p in positions]
        chosen = set(positions)
        outside = {i for p, t in enumerate(self._tensors) if p not in chosen for i in t.indices}
        wanted = outside.union(self._output)
        output = dict.fromkeys(i for t in inside for i in t.indices if i in wanted)
        named = [replace(t, name=self.names[p]) for t, p in zip(inside, positions, strict=True)]
        return TensorNetwork(named, tuple(output))

    def __or__(self, other: TensorNetwork) -> TensorNetwork:
        """The product of two networks as functions of their open indices.

        An index open in both is one index of the product, and stays open. Summed indices stay
        private and are renamed where they clash. Names must differ; tensors without one are
        numbered anew.
        """
        if not isinstance(other, TensorNetwork):
            return NotImplemented
        left = _renamed_apart(self, other._output)
        right = _renamed_apart(other, left._sizes)
        output = dict.fromkeys((*left._output, *right._output))
        return TensorNetwork((*left._tensors, *right._tensors), tuple(output))

    def norm_squared(self) -> TensorNetwork:
        """The closed network of sum |f|^2, with f this network's function.

        The conjugated tensors share the parameters of the originals and are called
        ``name + "*"``; the open indices are shared and summed.
        """
        keys = [
            ("norm_squared", name) if t.parameter is None else t.parameter
            for name, t in zip(self.names, self._tensors, strict=True)
        ]
        kets = [
            replace(t, name=name, parameter=key)
            for name, t, key in zip(self.names, self._tensors, keys, strict=True)
        ]
        bras = [replace(t, name=f"{t.name}*", conj=not t.conj) for t in kets]
        ket, bra = TensorNetwork(kets, self._output), TensorNetwork(bras, self._output)
        return (ket | bra).with_output(())

    @classmethod
    def from_graph(
        cls,
        graph: nx.Graph[Any],
        tensors: Mapping[Any, Any] | str = "tensor",
        edge_tensors: Mapping[Any, Any] | str = "tensor",
    ) -> TensorNetwork:
        """A network on a networkx graph; see `tnlearn.network.graphs.from_graph`."""
        from tnlearn.network import graphs

        return graphs.from_graph(graph, tensors, edge_tensors)

    @classmethod
    def from_networkx(cls, graph: nx.MultiGraph[Any]) -> TensorNetwork:
        """The inverse of `to_networkx`."""
        from tnlearn.network import graphs

        return graphs.from_networkx(graph)

    def to_networkx(self) -> nx.MultiGraph[Any]:
        """The bipartite factor graph; see `tnlearn.network.graphs.to_networkx`."""
        from tnlearn.network import graphs

        return graphs.to_networkx(self)

    def draw(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the network with matplotlib; see `tnlearn.network.drawing.draw`."""
        from tnlearn.network import drawing

        return drawing.draw(self, ax, **options)

    def _require(self, index: Index) -> int:
        try:
            return self._sizes[index]
        except KeyError:
            raise NetworkError(
                f"index {index!r} is on no tensor; {_some(tuple(self._sizes))}"
            ) from None


def _positions(tensors: tuple[Tensor, ...]) -> dict[str, int]:
    positions: dict[str, int] = {}
    for position, tensor in enumerate(tensors):
        name = str(position) if tensor.name is None else tensor.name
        if positions.setdefault(name, position) != position:
            raise NetworkError(
                f"two tensors are called {name!r}, at positions {positions[name]} and "
                f"{position}: give each its own name"
            )
    return positions


def _sizes(tensors: tuple[Tensor, ...], names: Mapping[str, int]) -> dict[Index, int]:
    sizes: dict[Index, int] = {}
    for tensor in tensors:
        for index, size in zip(tensor.indices, tensor.data.shape, strict=True):
            if sizes.setdefault(index, size) != size:
                first = next(n for n, p in names.items() if index in tensors[p].indices)
                here = next(n for n, p in names.items() if tensors[p] is tensor)
                raise NetworkError(
                    f"index {index!r} has size {sizes[index]} on tensor {first!r} but size "
                    f"{size} on tensor {here!r}; sizes must be equal (size 1 is not broadcast)"
                )
    return sizes


def _check_output(output: tuple[Index, ...], sizes: Mapping[Index, int]) -> None:
    seen: set[Index] = set()
    for index in output:
        if index not in sizes:
            raise NetworkError(f"output index {index!r} is on no tensor; {_some(tuple(sizes))}")
        if index in seen:
            raise NetworkError(f"output index {index!r} is given twice; each may be open once")
        seen.add(index)


def _check_parameters(tensors: tuple[Tensor, ...], names: tuple[str, ...]) -> None:
    owners: dict[Hashable, int] = {}
    for position, tensor in enumerate(tensors):
        if tensor.parameter is None:
            continue
        owner = owners.setdefault(tensor.parameter, position)
        if owner != position and not _same_data(tensors[owner], tensor):
            first = tensors[owner]
            raise NetworkError(
                f"tensors {names[owner]!r} and {names[position]!r} share parameter "
                f"{tensor.parameter!r} but hold different data (shapes {first.shape} and "
                f"{tensor.shape}, {first.dtype} and {tensor.dtype}): give both one array"
            )


def _same_data(one: Tensor, other: Tensor) -> bool:
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if not (isinstance(one.data, np.ndarray) and isinstance(other.data, np.ndarray)):
        return one.data is other.data
    where = (one.data.ctypes.data, one.data.strides)
    return where == (other.data.ctypes.data, other.data.strides) or np.array_equal(
        one.data, other.data, equal_nan=True
    )


def _whole(index: Index, position: Any) -> int:
    try:
        return operator.index(position)
    except TypeError:
        raise NetworkError(
            f"index {index!r} cannot be fixed at {position!r}: give an int"
        ) from None


def _fixed(tensor: Tensor, assignment: Mapping[Index, int]) -> Tensor:
    if not any(index in assignment for index in tensor.indices):
        return tensor
    key = tuple(assignment.get(index, slice(None)) for index in tensor.indices)
    left = tuple(index for index in tensor.indices if index not in assignment)
    # A part of the data is no longer the shared parameter, unless cut the same way everywhere.
    parameter = None if tensor.parameter is None else (tensor.parameter, "fixed", str(key))
    return replace(tensor, data=tensor.data[key], indices=left, parameter=parameter)


def _renamed_apart(network: TensorNetwork, taken: Iterable[Index]) -> TensorNetwork:
    """`network` with those of its summed indices that are `taken` given fresh names."""
    taken = set(taken)
    opened = set(network.output)
    clashes = [i for i in network.sizes if i in taken and i not in opened]
    used = taken.union(network.sizes)
    mapping: dict[Index, Index] = {}
    for index in clashes:
        copy = next(c for c in count(1) if (index, c) not in used)
        used.add((index, copy))
        mapping[index] = (index, copy)
    return network.relabel(mapping) if mapping else network


def _some(names: Sequence[Any], limit: int = 8) -> str:
    shown = ", ".join(repr(name) for name in names[:limit])
    return f"there are {shown}" + (", ..." if len(names) > limit else "")
