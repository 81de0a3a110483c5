"""Clusters of equal spins, grown bond by bond and flipped together."""

from __future__ import annotations

import numpy as np

from tnlearn.compiling import kernel
from tnlearn.sampling.kernels.random import drawn


@kernel
def flip(positions, starts, neighbours, thresholds, lazy, streams, count):
    """One cluster after the other, `count` in every chain; returns how many spins were flipped.

    Parameters
    ----------
    positions : array of int8, shape (chains, n_sites)
    starts, neighbours : arrays
    thresholds : array of uint64, shape (2 * n_pairs,)
        Probability that a bond between equal spins joins them, times 2**53.
    lazy : uint64
        Probability that nothing is done, times 2**53.
    streams : array of uint64, shape (4, chains)
    count : int
    """
    chains, sites = positions.shape
    waiting = np.empty(sites, np.int64)
    flipped = 0
    for chain in range(chains):
        spins = positions[chain]
        for _ in range(count):
            # The top half of 53 bits, times the number of sites, fits in 64.
            high = drawn(streams, chain) >> np.uint64(21)
            first = np.int64((high * np.uint64(sites)) >> np.uint64(32))
            if drawn(streams, chain) < lazy:
                continue
            spin = spins[first]
            # A spin that is flipped when it joins cannot join again.
            spins[first] = 1 - spin
            waiting[0] = first
            length = 1
            while length:
                length -= 1
                site = waiting[length]
                flipped += 1
                for k in range(starts[site], starts[site + 1]):
                    other = neighbours[k]
                    if spins[other] == spin and drawn(streams, chain) < thresholds[k]:
                        spins[other] = 1 - spin
                        waiting[length] = other
                        length += 1
    return flipped
