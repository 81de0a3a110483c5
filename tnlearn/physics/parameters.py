"""Numbers given to a model, by edge and by node: checked, summed and put in order."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from tnlearn.errors import DataTypeError, ModelError

if TYPE_CHECKING:
    import networkx as nx

Edge = tuple[Hashable, Hashable]
Array = npt.NDArray[np.float64]
Value = TypeVar("Value")


def couplings_of(graph: nx.Graph[Any], given: float | Mapping[Any, float]) -> dict[Edge, float]:
    """A number for every pair of neighbours, summed over parallel edges.

    Parameters
    ----------
    graph : networkx.Graph or networkx.MultiGraph
    given : float, or mapping from edge to float
        Edges in either orientation; those of a multigraph carry their key.

    Raises
    ------
    ModelError
        If the graph has a self-loop; an edge has no coupling, or one in both orientations; a
        coupling is not finite, or for what is no edge.
    DataTypeError
        If a coupling is no number.
    """
    edges = list(graph.edges(keys=True) if graph.is_multigraph() else graph.edges)
    if isinstance(given, Mapping):
        known = {edge: edge for edge in edges} | {(e[1], e[0], *e[2:]): e for e in edges}
        for name in given:
            if name not in known:
                raise ModelError(f"there is a coupling for {name!r}, which is no edge of the graph")
        by_edge: dict[Any, float] = {}
        for name, value in given.items():
            if known[name] in by_edge:
                raise ModelError(f"edge {known[name]!r} has a coupling in both orientations")
            by_edge[known[name]] = value
        missing = [edge for edge in edges if edge not in by_edge]
        if missing:
            raise ModelError(f"edge {missing[0]!r} has no coupling: give one for every edge")
    else:
        by_edge = dict.fromkeys(edges, given)
    total: dict[Edge, float] = {}
    _make_finite(by_edge)
    for edge in edges:
        pair = (edge[0], edge[1])
        if pair[0] == pair[1]:
            raise ModelError(f"the graph has a self-loop at {pair[0]!r}: a coupling is of two")
        pair = pair if pair[::-1] not in total else pair[::-1]
        total[pair] = total.get(pair, 0.0) + by_edge[edge]
    return total


def _make_finite(by_edge: dict[Any, Any]) -> None:
    """Turn couplings into finite floats, those that are none yet: there may be millions."""
    for edge, value in by_edge.items():
        if type(value) is not float or not math.isfinite(value):
            by_edge[edge] = finite(value, f"the coupling of {edge!r}")


def fields_of(
    sites: tuple[Hashable, ...], given: float | Mapping[Any, float]
) -> dict[Hashable, float]:
    """A number for every site; a mapping may leave sites out, whose field is 0."""
    return _by_site(sites, given, 0.0, finite)


def field_vectors_of(
    sites: tuple[Hashable, ...], given: npt.ArrayLike | Mapping[Any, npt.ArrayLike] | None, q: int
) -> dict[Hashable, Array]:
    """A read-only vector of `q` numbers for every site; zeros where none is given."""

    def vector(value: Any, what: str) -> Array:
        return finite_array(value, what, (q,), f"one number for each of the {q} states")

    zeros = np.zeros(q)
    return _by_site(sites, zeros if given is None else given, zeros, vector)


def _by_site(
    sites: tuple[Hashable, ...], given: Any, default: Any, check: Callable[[Any, str], Value]
) -> dict[Hashable, Value]:
    if not isinstance(given, Mapping):
        return dict.fromkeys(sites, check(given, f"the field of {sites[0]!r}"))
    known = set(sites)
    for site in given:
        if site not in known:
            raise ModelError(f"there is a field for {site!r}, which is no node of the graph")
    return {site: check(given.get(site, default), f"the field of {site!r}") for site in sites}


def sites_of(graph: nx.Graph[Any], model: str) -> tuple[Hashable, ...]:
    """The nodes of an undirected graph that has any."""
    if not callable(getattr(graph, "is_directed", None)):
        raise DataTypeError(
            f"{model} needs a networkx graph, got {type(graph).__name__}: say networkx.Graph(edges)"
        )
    if graph.is_directed() or not len(graph):
        raise ModelError(f"{model} needs an undirected graph with at least one node")
    return tuple(graph)


def beta_of(given: float, energies: Iterable[float]) -> float:
    """An inverse temperature whose product with every one of these energies is finite."""
    beta = finite(given, "beta")
    for energy in energies:
        if not math.isfinite(beta * energy):  # There are millions.
            finite(beta * float(energy), f"beta times {energy}")
    return beta


def finite(value: Any, what: str) -> float:
    """`value` as a float.

    Raises
    ------
    DataTypeError
        If it is no number; the message begins with `what`.
    ModelError
        If it is not finite.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise DataTypeError(f"{what} is {value!r}; it must be a number") from None
    except OverflowError:
        raise ModelError(f"{what} is larger than any float") from None
    if not np.isfinite(number):
        raise ModelError(f"{what} is {number}; it must be finite")
    return number


def finite_array(value: Any, what: str, shape: tuple[int, ...], meaning: str) -> Array:
    """`value` as a read-only array of floats of that shape."""
    array = real_array(value, what)
    if array.shape != shape:
        raise ModelError(f"{what} has shape {array.shape}; it must be {shape}: {meaning}")
    if not np.isfinite(array).all():
        at = tuple(int(k) for k in np.argwhere(~np.isfinite(array))[0])
        raise ModelError(f"{what} has the entry {array[at]} at {at}; it must be finite")
    return array


def real_array(value: Any, what: str) -> Array:
    """`value` as a read-only array of float64; a copy, as the caller may go on writing to his."""
    array = array_of(value, what).astype(np.float64)
    array.flags.writeable = False
    return array


def array_of(value: Any, what: str) -> npt.NDArray[Any]:
    """`value` as an array of real numbers or booleans, of any precision.

    Raises
    ------
    DataTypeError
        If it is none, or its rows differ in length; the message begins with `what`.
    """
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.asarray("rows of different lengths")
    if array.dtype.kind not in "biuf":
        raise DataTypeError(f"{what} is {_short(value)}; it must be an array of numbers")
    return array


def is_scalar(value: Any) -> bool:
    """Whether `value` is one thing, and no array or sequence of several."""
    try:
        return np.ndim(value) == 0
    except ValueError:  # Rows of different lengths.
        return False


def whole(value: Any, what: str, least: int) -> int:
    """`value` as an int of at least `least`."""
    try:
        number = operator.index(value)
    except TypeError:
        raise DataTypeError(f"{what} is {value!r}; it must be a whole number") from None
    if number < least:
        raise ModelError(f"{what} is {number}; it must be at least {least}")
    return number


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
