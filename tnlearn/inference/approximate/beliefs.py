"""Belief propagation, and the free energy of Bethe at its fixed point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tnlearn.errors import ModelError
from tnlearn.inference.approximate.messages import ROUNDS, settled_messages
from tnlearn.inference.approximate.tables import Tables, tables_of
from tnlearn.inference.distribution import closed
from tnlearn.inference.support import supported
from tnlearn.network import HasNetwork, Index, TensorNetwork

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Beliefs:
    """A fixed point of belief propagation.

    Attributes
    ----------
    log_partition : float
        Minus the Bethe free energy: the natural logarithm of Z, exact on trees.
    marginals : dict from site to array
        The belief of every site, summing to 1.
    joint : dict from tuple of sites to array
        The belief of the sites of every tensor together; of tensors on the same sites the last.
    converged : bool
        Whether the messages settled.
    rounds : int
        How often every message was sent.
    on_tree : bool
        Whether the graph has no loops, so that all this is exact.
    """

    log_partition: float
    marginals: dict[Index, Array]
    joint: dict[tuple[Index, ...], Array]
    converged: bool
    rounds: int
    on_tree: bool


def propagate_beliefs(thing: TensorNetwork | HasNetwork, rounds: int = ROUNDS) -> Beliefs:
    """Send messages along all edges of a model's factor graph until they settle.

    Parameters
    ----------
    thing : TensorNetwork or model
        Its network must be closed, with non-negative entries.
    rounds : int
        Give up after so many.

    Returns
    -------
    Beliefs
        Exact on trees. With loops an approximation without a bound; where messages do not settle,
        that of the last round.

    Notes
    -----
    A round costs the entries of all tensors times the variables on each. All messages are sent at
    once; if they swing they are damped. Bethe 1935; Yedidia, Freeman, Weiss 2005, IEEE Trans.
    Inf. Theory 51, 2282.

    Examples
    --------
    >>> import networkx as nx, tnlearn as tnl
    >>> from tnlearn.inference import propagate_beliefs
    >>> ring = tnl.Ising(nx.cycle_graph(5), beta=0.5)  # Z / Z_Bethe = 1 + tanh(0.5)**5
    >>> round(tnl.log_partition(ring) - propagate_beliefs(ring).log_partition, 6)
    0.020856
    """
    support = supported(closed(thing))
    if support.empty:
        raise ModelError("every state has probability zero: there is nothing to believe")
    tables = tables_of(support.network)
    messages, settled, count = settled_messages(tables, rounds)
    beliefs = dict(zip(tables.names, messages.beliefs(), strict=True))
    whole = {
        index: support.spread(beliefs.get(index, np.ones(())), (index,), {index: size})
        for index, size in closed(thing).sizes.items()
    }
    value = messages.log_partition() + tables.constant
    scopes = [tuple(tables.names[k] for k in scope) for scope in tables.scopes]
    joint = dict(zip(scopes, messages.table_beliefs(), strict=True))
    sizes = closed(thing).sizes
    spread = {scope: support.spread(belief, scope, sizes) for scope, belief in joint.items()}
    return Beliefs(value, whole, spread, settled, count, _is_tree(tables))


def _is_tree(tables: Tables) -> bool:
    """Whether variables and tables, joined where one is on the other, have no loops."""
    leader = list(range(len(tables.sizes) + len(tables.scopes)))

    def found(node: int) -> int:
        while leader[node] != node:
            leader[node] = node = leader[leader[node]]
        return node

    for number, scope in enumerate(tables.scopes, start=len(tables.sizes)):
        for variable in scope:
            one, other = found(variable), found(number)
            if one == other:
                return False
            leader[one] = other
    return True
