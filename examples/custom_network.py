"""A custom network from a graph: count the ways to colour a map, and which region is free.

Claim: a tensor on every node and edge of any networkx graph is a network; contracting it counts
proper colourings (the chromatic polynomial), its gradient counts them by region and colour.
"""

import networkx as nx
import numpy as np

import tnlearn as tnl

COLOURS = 4
graph = nx.petersen_graph()

# A copy tensor on every node says that all its edges see one colour; the matrix on every edge
# forbids equal colours at its ends.
nodes = {}
for node in graph:
    nodes[node] = np.zeros((COLOURS,) * graph.degree[node])
    np.einsum("iii->i", nodes[node])[...] = 1
unequal = {edge: 1 - np.eye(COLOURS) for edge in graph.edges}
dense = tnl.TensorNetwork.from_graph(graph, nodes, unequal)

# The same with hyperedges: an index per node, shared by all its edges, and no copy tensors.
sparse = tnl.TensorNetwork([tnl.Tensor(1 - np.eye(COLOURS), edge) for edge in graph.edges])

print(tnl.plan(sparse))
count = tnl.contract(sparse)
print(f"colourings of the Petersen graph with {COLOURS} colours: {count:.0f}")
assert tnl.contract(dense) == count

# The chromatic polynomial of the Petersen graph (N. Biggs, Algebraic Graph Theory, 1993).
q = COLOURS
factor = q**7 - 12 * q**6 + 67 * q**5 - 230 * q**4 + 529 * q**3 - 814 * q**2 + 775 * q - 352
assert count == q * (q - 1) * (q - 2) * factor

# Open an index to see the count by colour; all colours are alike.
by_colour = tnl.contract(sparse.open(0))
print(f"by the colour of node 0: {by_colour}")
assert np.all(by_colour == count / COLOURS)
