"""An Ising model drawn on the plane: its edges as pairs of darts, and the faces these go round."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt

from tnlearn.errors import ModelError
from tnlearn.physics.ising import Ising

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


class Ghost:
    """The spin that stands for a field: held up, coupled with J = h to the sites that feel it."""

    def __repr__(self) -> str:
        return "ghost"


GHOST = Ghost()


@dataclass(frozen=True)
class Surface:
    """A connected graph drawn on the plane.

    Edge k is two darts: ``2 k`` runs from its first to its second end, ``2 k + 1`` back. A dart
    lies on the face at its side, and its twin (``dart ^ 1``) on the face beyond the edge.

    Attributes
    ----------
    sites : tuple
        The vertices; `GHOST` is among them if there is a field.
    tails : array of int, shape (2 n_edges,)
        Position in `sites` that each dart starts from; it runs to that of its twin.
    couplings : array, shape (n_edges,)
        J of each edge, in units of energy. Edges without a coupling may stand behind the others:
        they only cut faces into smaller ones.
    n_bonds : int
        How many edges, counted from the first, are the model's own.
    faces : tuple of tuple of int
        The darts of each face, in the order of a walk round it; of all faces in the same sense.
    """

    sites: tuple[Hashable, ...]
    tails: Ints
    couplings: Floats
    n_bonds: int
    faces: tuple[tuple[int, ...], ...]


def is_planar(model: Ising) -> bool:
    """Whether the model can be drawn on the plane, its field too.

    Parameters
    ----------
    model : Ising
        With a field, the question is asked of the graph with one more vertex, joined to every
        site where the field is not 0: so fields along one face, or on a tree, are planar.

    Returns
    -------
    bool
        Whether `planar_log_partition` and `planar_ground_state` take the model.

    Notes
    -----
    Cost linear. Source: the left-right test as described by U. Brandes (2009), in networkx.

    Examples
    --------
    >>> import networkx as nx
    >>> from tnlearn.physics import Ising
    >>> from tnlearn.physics.planar import is_planar
    >>> is_planar(Ising(nx.grid_2d_graph(4, 4))), is_planar(Ising(nx.grid_2d_graph(4, 4), field=1))
    (True, False)
    """
    return bool(nx.check_planarity(_with_ghost(model))[0])


def surfaces(model: Ising) -> Iterator[Surface]:
    """The connected parts of a model, each drawn on a plane of its own.

    Raises
    ------
    ModelError
        If the model is not planar; it says whether the field is to blame.
    """
    graph = _with_ghost(model)
    planar, drawing = nx.check_planarity(graph)
    if not planar:
        raise ModelError(_refusal(model))
    place = {site: k for k, site in enumerate(graph)}
    for part in nx.connected_components(graph):
        yield _surface(tuple(sorted(part, key=place.__getitem__)), graph, drawing)


def split(surface: Surface, most: int = 4) -> Surface:
    """The same surface with edges of coupling 0 drawn, until no face has more than `most` darts.

    A face of many darts is cut along its boundary into a row of small ones, so a long boundary
    costs no more than its length.
    """
    faces: list[tuple[int, ...]] = []
    tails: list[int] = surface.tails.tolist()
    for face in surface.faces:
        rest = face
        while len(rest) > most:
            first, rest = rest[: most - 1], rest[most - 1 :]
            chord = len(tails)
            tails += [tails[first[-1] ^ 1], tails[first[0]]]
            faces.append((*first, chord))
            rest = (chord + 1, *rest)
        faces.append(rest)
    couplings = np.zeros(len(tails) // 2)
    couplings[: len(surface.couplings)] = surface.couplings
    return Surface(
        surface.sites, np.array(tails, dtype=np.int64), couplings, surface.n_bonds, tuple(faces)
    )


def _with_ghost(model: Ising) -> nx.Graph[Any]:
    graph: nx.Graph[Any] = nx.Graph()
    graph.add_nodes_from(model.sites)
    graph.add_edges_from((a, b, {"J": coupling}) for (a, b), coupling in model.couplings.items())
    felt = [(GHOST, site, {"J": field}) for site, field in model.fields.items() if field]
    graph.add_edges_from(felt)
    return graph


def _refusal(model: Ising) -> str:
    bare: nx.Graph[Any] = nx.Graph(model.couplings)
    felt = [site for site, field in model.fields.items() if field]
    if felt and nx.check_planarity(bare)[0]:
        return (
            f"the field acts on {len(felt)} sites ({felt[0]!r}, ...) that are not all on one face "
            "of the planar graph, so the model with its field is not planar; contract it instead: "
            "tnlearn.log_partition(model), tnlearn.mode(model)"
        )
    return (
        f"the graph of {model!r} is not planar, so it has no single Pfaffian; contract it "
        "instead: tnlearn.log_partition(model), tnlearn.mode(model)"
    )


def _surface(sites: tuple[Hashable, ...], graph: nx.Graph[Any], drawing: Any) -> Surface:
    position = {site: k for k, site in enumerate(sites)}
    edges = list(graph.edges(sites, data="J"))
    tails = [position[end] for a, b, _ in edges for end in (a, b)]
    dart = {(a, b): 2 * k for k, (a, b, _) in enumerate(edges)}
    dart |= {(b, a): 2 * k + 1 for k, (a, b, _) in enumerate(edges)}
    # Round a face: having come from a to b, go on along the edge that follows (b, a) at b.
    following = np.empty(len(tails), dtype=np.int64)
    for site in sites:
        around = [dart[site, other] for other in drawing.neighbors_cw_order(site)]
        for here, there in zip(around, around[1:] + around[:1], strict=True):
            following[here ^ 1] = there
    couplings = np.array([coupling for *_, coupling in edges], dtype=float)
    faces = tuple(_cycles(following.tolist()))
    return Surface(sites, np.array(tails, dtype=np.int64), couplings, len(edges), faces)


def _cycles(following: list[int]) -> Iterator[tuple[int, ...]]:
    """The cycles of a permutation."""
    seen = [False] * len(following)
    for start in range(len(following)):
        cycle = []
        dart = start
        while not seen[dart]:
            seen[dart] = True
            cycle.append(dart)
            dart = following[dart]
        if cycle:
            yield tuple(cycle)
