"""Ising models as weighted graphs for maximum cuts: the format of rudy, of G-set and BiqMac.

A line ``n m``, and m lines ``i j w``: an edge between two of the nodes 1 to n, and its weight.
Comments begin with #. The files are about the largest weight of edges between two sets of nodes,
here the spins -1 and +1; that is the ground state of ``H(s) = sum w_ij s_i s_j``, so couplings are
J = -w, and a cut weighs (sum w - H) / 2.
"""

from __future__ import annotations

from pathlib import Path

from tnlearn.errors import DataTypeError, FormatError
from tnlearn.files.texts import opened, written
from tnlearn.files.words import decimal, lines, reals, shown, whole
from tnlearn.physics import Ising
from tnlearn.physics.quadratic import quadratic_model

#: Most nodes that have no edge: nothing else in the file vouches for them.
MOST_ALONE = 2**16


def read_model(path: Path) -> Ising:
    """A model whose sites are the nodes 1 to n; the weights of parallel edges add."""
    with opened(path) as pieces:
        rows = ((k, line) for k, line in lines(pieces) if line and not line.startswith("#"))
        number, line = next(rows, (1, ""))
        words = line.split()
        if len(words) != 2:
            raise FormatError(
                f"line {number:,} is {shown(line)}: begin with the numbers of nodes and edges"
            )
        count, edges = (whole(word, f"line {number:,}: a count", 10**18) for word in words)
        found, weights = 0, dict[tuple[int, int], float]()
        for number, line in rows:
            a, b, weight = _edge(line, number, count)
            weights[a, b] = weights.get((a, b), 0.0) + weight
            found += 1
    if found != edges:
        raise FormatError(f"it says it has {edges:,} edges, and has {found:,}")
    if count > 2 * edges + MOST_ALONE:
        raise FormatError(
            f"it says it has {count:,} nodes, of which more than {MOST_ALONE:,} have no edge"
        )
    nodes = dict.fromkeys(range(1, count + 1), 0.0)
    return quadratic_model(nodes, weights, bits=False)[0]


def _edge(line: str, number: int, count: int) -> tuple[int, int, float]:
    words = line.split()
    if len(words) != 3:
        raise FormatError(f"line {number:,} is {shown(line)}: give two nodes and a weight")
    a, b = (whole(word, f"line {number:,}: a node", count) for word in words[:2])
    if not a or not b:
        raise FormatError(f"line {number:,}: there is no node 0, nodes are 1 to {count:,}")
    if a == b:
        raise FormatError(f"line {number:,}: the edge joins node {a} with itself")
    return a, b, float(reals(words[2:], f"line {number:,}")[0])


def write_model(model: Ising, path: Path) -> None:
    """A model without fields; its sites become 1, 2, ... in their order."""
    if not isinstance(model, Ising):
        raise DataTypeError(f"rudy files hold an Ising model, not a {type(model).__name__}")
    for site, field in model.fields.items():
        if field:
            raise FormatError(f"rudy files hold no fields, and that of {site!r} is {field}")
    at = {site: k for k, site in enumerate(model.sites, 1)}
    with written(path) as text:
        text.write(f"{len(at)} {len(model.couplings)}\n")
        for (a, b), coupling in model.couplings.items():
            text.write(f"{at[a]} {at[b]} {decimal(-coupling)}\n")
