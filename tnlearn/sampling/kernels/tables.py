"""Sweeps over sites of any number of values, whose energy is a sum of table entries.

Positions have shape (n_sites, chains). Every update draws two numbers of the chain's own stream.
"""

from __future__ import annotations

import math

import numpy as np

from tnlearn.compiling import kernel
from tnlearn.sampling.kernels.random import SCALE, drawn


@kernel
def sweep(
    positions, entries, bases, axes, owners, strides, touching, places, tables,
    counts, beta, heat_bath, kept, streams, sweeps,
):  # fmt: skip
    """Sweeps over all sites; returns how many updates changed a value."""
    sites, chains = positions.shape
    levels = np.empty(counts.max())
    changed = 0
    for _ in range(sweeps):
        for site in range(sites):
            count = counts[site]
            for chain in range(chains):
                levels[:count] = 0.0
                for k in range(touching[site], touching[site + 1]):
                    table, place = tables[k], places[k]
                    at = bases[table]
                    for axis in range(axes[table], axes[table + 1]):
                        if axis != place:
                            at += strides[axis] * positions[owners[axis], chain]
                    for value in range(count):
                        levels[value] += entries[at + value * strides[place]]
                first = drawn(streams, chain) / SCALE
                second = drawn(streams, chain) / SCALE
                old = positions[site, chain]
                if heat_bath:
                    new = _from_heat_bath(levels[:count], beta, first, old)
                else:
                    new = _from_proposal(levels[:count], beta, kept, first, second, old)
                changed += new != old
                positions[site, chain] = new
    return changed


@kernel
def _from_heat_bath(levels, beta, uniform, old):
    """A value drawn with weights ``exp(-beta E)``; the old one where all are forbidden."""
    best = -np.inf
    for level in levels:
        if level < np.inf:
            best = max(best, -beta * level)
    if best == -np.inf:
        return old
    total = 0.0
    last = old
    for value in range(levels.size):
        # From here on these are the sums of weights up to a value.
        if levels[value] < np.inf:
            total += math.exp(-beta * levels[value] - best)
            last = value
        levels[value] = total
    for value in range(levels.size):
        if uniform * total < levels[value]:
            return value
    return last


@kernel
def _from_proposal(levels, beta, kept, uniform, choice, old):
    """One of the other values, each as likely, taken with ``kept min(1, exp(-beta dE))``."""
    others = levels.size - 1
    if others == 0:
        return old
    new = min(np.int64(choice * others), others - 1)
    new += new >= old
    if levels[new] == np.inf:
        return old
    gain = beta * (levels[old] - levels[new])
    return new if uniform < kept * math.exp(min(gain, 0.0)) else old


@kernel
def energies(positions, entries, bases, axes, owners, strides):
    """The sum of one entry of every table, of every chain."""
    chains = positions.shape[1]
    total = np.zeros(chains)
    for table in range(bases.size):
        for chain in range(chains):
            at = bases[table]
            for axis in range(axes[table], axes[table + 1]):
                at += strides[axis] * positions[owners[axis], chain]
            total[chain] += entries[at]
    return total
