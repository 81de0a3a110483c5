"""Ising on any graph: exact log Z, marginals and samples of a frustrated social network.

Claim: tnlearn answers exactly on irregular graphs, where no closed form exists; samples agree with
marginals within their statistical error, and a small torus agrees with Kaufman's formula.
"""

import networkx as nx
import numpy as np

import tnlearn as tnl
from tnlearn.physics import exact

# Friends agree, a tenth of the ties are grudges; Mr. Hi (node 0) leans to +1.
club = nx.karate_club_graph()
generator = np.random.default_rng(0)
coupling = {edge: generator.choice([1.0, -1.0], p=[0.9, 0.1]) for edge in club.edges}
model = tnl.Ising(club, coupling, field={0: 0.5, 33: -0.5}, beta=0.3)

print(tnl.plan(model))
print(f"log Z = {tnl.log_partition(model)!r}")

up = {site: p[1] for site, p in tnl.marginals(model).items()}
print("most decided members:", sorted(up, key=lambda s: -abs(up[s] - 0.5))[:5])

samples = tnl.sample(model, 20_000, seed=1)
measured = (samples == 1).mean(axis=0)
error = np.sqrt(np.array(list(up.values())) * (1 - np.array(list(up.values()))) / len(samples))
pulls = (measured - np.array(list(up.values()))) / error
print(f"samples against marginals: largest deviation {abs(pulls).max():.1f} standard errors")
assert abs(pulls).max() < 4.5

torus = tnl.Ising(nx.grid_2d_graph(8, 8, periodic=True), beta=exact.CRITICAL_COUPLING)
found = tnl.log_partition(torus)
kaufman = exact.torus_log_partition(8, 8, beta=exact.CRITICAL_COUPLING)
print(f"8x8 torus at the critical point: {found:.12f}, Kaufman {kaufman:.12f}")
assert abs(found / kaufman - 1) < 1e-12
