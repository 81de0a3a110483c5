"""Hidden Markov models on trees, a chain being the simplest."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from tnlearn.errors import ModelError
from tnlearn.network import ReadOnly, Tensor, TensorNetwork
from tnlearn.physics.clamping import log_weights
from tnlearn.physics.pairwise import called, weights_of
from tnlearn.physics.parameters import Array, whole
from tnlearn.physics.states import check_site, positions_of_numbers
from tnlearn.physics.tables import log_of, table_of, vector_of

if TYPE_CHECKING:
    import networkx as nx

Site = tuple[str, Hashable]
Arrow = tuple[Hashable, Hashable]


class HiddenMarkovTree:
    """A hidden value on every node of a tree, given its parent's; some are seen with errors.

    ``p(z, x) = p_0(z_root) prod_{u -> v} T_uv[z_u, z_v] prod_v E_v[z_v, x_v]``, values 0, 1, ...

    Parameters
    ----------
    tree : int, networkx.Graph or networkx.DiGraph
        A number n is the chain 0, ..., n - 1: a hidden Markov model. A directed tree has arrows
        from parents to children.
    initial : array_like, shape (q,)
        p_0: probabilities of the hidden value at the root.
    transition : array_like, or mapping from (parent, child) to array_like
        ``T[i, j] = p(z_child = j | z_parent = i)``; one for all arrows, or for every one.
    emission : array_like, or mapping from node to array_like
        ``E[i, a] = p(x = a | z = i)``; one for all nodes, or for those that are observed.
    root : node, optional
        Of an undirected tree; by default its first node.
    normalise : bool
        Divide rows by their sums; otherwise sums that are not 1 are refused.

    Attributes
    ----------
    sites : tuple
        ``("hidden", node)`` of all nodes, in the tree's order, then ``("observed", node)`` of
        those that are: the columns of the states of `energy`.
    hidden, visible : tuple
        The sites of either sort; the columns of the states of `log_probability` are the visible
        ones.
    root : node
    initial : array
    transitions : mapping from (parent, child) to array
    emissions : mapping from node to array
    beta : float
        1: energies are ``-ln p``, infinite where p is 0.

    Raises
    ------
    ModelError
        If the graph is no tree, a table is missing, needless or of another size, a row does not
        sum to 1, or an entry is negative.

    Notes
    -----
    Likelihoods and marginals are linear in the number of nodes. Sources: L. R. Rabiner, Proc. IEEE
    77, 257 (1989); M. S. Crouse, R. D. Nowak and R. G. Baraniuk, IEEE Trans. Signal Process. 46,
    886 (1998).

    Examples
    --------
    >>> import tnlearn as tnl
    >>> from tnlearn.physics import HiddenMarkovTree
    >>> model = HiddenMarkovTree(3, [0.5, 0.5], [[0.9, 0.1], [0.1, 0.9]], [[0.8, 0.2], [0.2, 0.8]])
    >>> model.log_probability([[0, 0, 0], [0, 1, 0]]).round(6).tolist()
    [-1.488106, -2.503478]

    What is hidden, given what is seen:

    >>> seen = model.network().fix({("observed", k): 0 for k in range(3)})
    >>> tnl.marginals(seen)["hidden", 1].round(6).tolist()
    [0.970062, 0.029938]
    """

    beta = 1.0

    def __init__(
        self,
        tree: int | nx.Graph[Any],
        initial: npt.ArrayLike,
        transition: npt.ArrayLike | Mapping[Any, npt.ArrayLike],
        emission: npt.ArrayLike | Mapping[Any, npt.ArrayLike],
        *,
        root: Hashable | None = None,
        normalise: bool = False,
    ) -> None:
        nodes, self.root, arrows = _arrows(tree, root)
        self.initial = vector_of(initial, "the initial distribution", normalise)
        tables = _Tables(normalise)
        sizes = {self.root: len(self.initial)}
        transitions: dict[Arrow, Array] = {}
        for arrow, given in _by_name(transition, arrows, "transition", "arrow", all_of_them=True):
            table = tables(given, f"the transition {_arrow(arrow)}", sizes[arrow[0]])
            transitions[arrow] = table
            sizes[arrow[1]] = table.shape[1]
        emissions = {
            node: tables(given, f"the emission of {node!r}", sizes[node])
            for node, given in _by_name(emission, nodes, "emission", "node", all_of_them=False)
        }
        self.transitions: Mapping[Arrow, Array] = ReadOnly(transitions)
        self.emissions: Mapping[Hashable, Array] = ReadOnly(emissions)
        self.hidden: tuple[Site, ...] = tuple(("hidden", node) for node in nodes)
        self.visible: tuple[Site, ...] = tuple(("observed", node) for node in self.emissions)
        self.sites: tuple[Site, ...] = (*self.hidden, *self.visible)
        self._sizes: dict[Hashable, int] = {("hidden", node): sizes[node] for node in nodes}
        self._sizes |= {("observed", v): table.shape[1] for v, table in self.emissions.items()}

    def __repr__(self) -> str:
        return f"HiddenMarkovTree({len(self.hidden)} nodes, {len(self.visible)} observed)"

    def values(self, site: Hashable) -> tuple[int, ...]:
        """The values of a site, in the order of its index: 0, 1, ..."""
        check_site(site, site in self._sizes, self)
        return tuple(range(self._sizes[site]))

    def energy(self, states: npt.ArrayLike) -> Array:
        """Minus natural logarithms of the joint probabilities of hidden and observed states.

        Parameters
        ----------
        states : array_like, shape (n_states, n_sites)
            Entries 0, 1, ..., columns in the order of `sites`.

        Returns
        -------
        array, shape (n_states,)
            inf for a state that cannot be.
        """
        positions = positions_of_numbers(states, self.sites, [*self._sizes.values()])
        return 0.0 - log_weights(self.network(), self.sites, positions)

    def log_probability(self, states: npt.ArrayLike) -> Array:
        """Log-likelihoods: natural logarithms of the probabilities of observed states.

        Parameters
        ----------
        states : array_like, shape (n_states, n_visible)
            Entries 0, 1, ..., columns in the order of `visible`.

        Returns
        -------
        array, shape (n_states,)

        Notes
        -----
        One contraction for all states, which on a chain is the forward algorithm.
        """
        sizes = [self._sizes[site] for site in self.visible]
        positions = positions_of_numbers(states, self.visible, sizes)
        return log_weights(self.network(), self.visible, positions)

    def network(self) -> TensorNetwork:
        """The closed network of the probabilities, held as logarithms; its value is 1."""
        return weights_of(self.energies(), 1.0)

    def energies(self) -> TensorNetwork:
        """Minus logarithms of all tables, on the indices of `network`: they are added."""
        logs = {id(t): -log_of(t) for t in (*self.transitions.values(), *self.emissions.values())}
        arrows, emissions = list(self.transitions.items()), list(self.emissions.items())
        terms: list[tuple[Array, tuple[Site, ...]]] = [
            (-log_of(self.initial), (("hidden", self.root),))
        ]
        terms += [(logs[id(t)], (("hidden", u), ("hidden", v))) for (u, v), t in arrows]
        terms += [(logs[id(t)], (("hidden", v), ("observed", v))) for v, t in emissions]
        names = called(
            [
                ("initial", (self.root,)),
                *(("transition", arrow) for arrow, _ in arrows),
                *(("emission", (node,)) for node, _ in emissions),
            ]
        )
        pairs = zip(terms, names, strict=True)
        return TensorNetwork(Tensor(data, sites, name) for (data, sites), name in pairs)


class _Tables:
    """Checks tables, and the same one only once, so that trees share what is given once."""

    def __init__(self, normalise: bool) -> None:
        self._normalise = normalise
        self._known: dict[tuple[int, int], tuple[Any, Array]] = {}

    def __call__(self, given: Any, what: str, rows: int) -> Array:
        key = (id(given), rows)
        if key not in self._known:
            # The given one is held too: another could come to lie where it lay.
            self._known[key] = (given, table_of(given, what, rows, self._normalise))
        return self._known[key][1]


def _arrows(tree: int | nx.Graph[Any], root: Hashable | None) -> tuple[list[Any], Any, list[Arrow]]:
    """Nodes in the tree's order, the root, and arrows from parents, a parent's own arrow first."""
    import networkx as nx

    if not isinstance(tree, nx.Graph):
        n = whole(tree, "the length of the chain", 1)
        if root not in (None, 0):
            raise ModelError(f"the root of a chain is 0, not {root!r}: give a graph for others")
        return list(range(n)), 0, [(k, k + 1) for k in range(n - 1)]
    nodes = list(tree)
    if not nodes or not (nx.is_arborescence(tree) if tree.is_directed() else nx.is_tree(tree)):
        raise ModelError(
            f"the graph of {len(nodes)} nodes and {tree.number_of_edges()} edges is no tree"
            + (" with arrows from parents to children" if tree.is_directed() else "")
        )
    first = next(v for v in nodes if not tree.in_degree(v)) if tree.is_directed() else nodes[0]
    root = first if root is None else root
    if root not in tree or (tree.is_directed() and root != first):
        raise ModelError(f"{root!r} cannot be the root: " + (
            f"the arrows start at {first!r}" if root in tree else "it is no node of the tree"
        ))  # fmt: skip
    return nodes, root, list(nx.bfs_edges(tree, root))


def _by_name(
    given: Any, names: list[Any], what: str, sort: str, *, all_of_them: bool
) -> list[tuple[Any, Any]]:
    """What was given, by node or arrow: one for all, or a mapping."""
    if not isinstance(given, Mapping):
        return [(name, given) for name in names]
    known = set(names)
    for name in given:
        if name not in known:
            raise ModelError(f"there is a {what} for {name!r}, which is no {sort} of the tree")
    missing = [name for name in names if name not in given]
    if missing and all_of_them:
        raise ModelError(f"{sort} {missing[0]!r} has no {what}: give one for every {sort}")
    return [(name, given[name]) for name in names if name in given]


def _arrow(arrow: Arrow) -> str:
    return f"{arrow[0]!r} -> {arrow[1]!r}"
