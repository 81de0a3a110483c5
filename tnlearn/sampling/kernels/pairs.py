"""Sweeps over spins with pairwise couplings, one site after the other.

Positions have shape (n_sites, chains): the spins of one site in all chains lie side by side, and
are updated by the same instructions. Every chain draws one number per site from a stream of its
own, so it moves in the same way whether it is alone or among others.
"""

from __future__ import annotations

import math

import numpy as np

from tnlearn.compiling import kernel
from tnlearn.sampling.kernels.random import AHEAD, SCALE, fill, fill_ahead, following

#: Chains updated side by side: what they work with stays in the nearest cache.
BLOCK = 256
#: From so many chains on, side by side is faster than one after the other.
ENOUGH = 16

_11 = np.uint64(11)


@kernel
def sweep_levels(positions, starts, neighbours, weights, offsets, thresholds, streams, sweeps):
    """Sweeps where local fields are whole numbers; returns how many updates changed a spin.

    `thresholds` has for spin down, then for spin up, and for every field, the probability that
    the new spin is up, times 2**53.
    """
    chains = positions.shape[1]
    changed = 0
    for start in range(0, chains, BLOCK):
        stop = min(chains, start + BLOCK)
        if stop - start < ENOUGH:
            for chain in range(start, stop):
                changed += _alone(
                    positions[:, chain], starts, neighbours, weights, offsets, thresholds,
                    streams[:, chain], sweeps,
                )  # fmt: skip
        else:
            changed += _together(
                positions, start, stop, starts, neighbours, weights, offsets, thresholds,
                streams, sweeps,
            )  # fmt: skip
    return changed


@kernel
def _alone(spins, starts, neighbours, weights, offsets, thresholds, stream, sweeps):
    size = np.uint64(thresholds.size // 2)
    a, b, c, d = stream[0], stream[1], stream[2], stream[3]
    changed = 0
    for _ in range(sweeps):
        for site in range(spins.size):
            field = offsets[site]
            for k in range(starts[site], starts[site + 1]):
                field += weights[k] * np.int32(spins[np.uint64(neighbours[k])])
            number, a, b, c, d = following(a, b, c, d)
            old = spins[site]
            new = np.int8((number >> _11) < thresholds[np.uint64(old) * size + np.uint64(field)])
            changed += np.int64(old ^ new)
            spins[site] = new
    stream[0], stream[1], stream[2], stream[3] = a, b, c, d
    return changed


@kernel
def _together(
    positions, start, stop, starts, neighbours, weights, offsets, thresholds, streams, sweeps
):
    sites, chains = positions.shape[0], stop - start
    size = np.int32(thresholds.size // 2)
    fields = np.empty(chains, np.int32)
    numbers = np.empty(AHEAD * chains, np.uint64)
    needed = np.empty(chains, np.uint64)
    flips = np.empty(chains, np.uint32)
    first, second = streams[0, start:stop].copy(), streams[1, start:stop].copy()
    third, fourth = streams[2, start:stop].copy(), streams[3, start:stop].copy()
    whole = sites - sites % AHEAD
    changed = 0
    for _ in range(sweeps):
        flips[:] = 0
        for site in range(sites):
            spins = positions[site, start:stop]
            _start(fields, spins, size, offsets[site])
            for k in range(starts[site], starts[site + 1]):
                _add(fields, positions[neighbours[k], start:stop], weights[k])
            ahead = site % AHEAD * chains if site < whole else 0
            if site >= whole:
                fill(numbers, first, second, third, fourth, _11)
            elif not ahead:
                fill_ahead(numbers, first, second, third, fourth)
            for chain in range(chains):
                needed[chain] = thresholds[np.uint32(fields[chain])]
            _decide(spins, numbers[ahead : ahead + chains], needed, flips)
        changed += np.int64(flips.sum())
    streams[0, start:stop], streams[1, start:stop] = first, second
    streams[2, start:stop], streams[3, start:stop] = third, fourth
    return changed


# Loops that know their arrays only as arguments are what the compiler turns into vectors.


@kernel
def _start(fields, spins, size, offset):
    for chain in range(fields.size):
        fields[chain] = offset + size * spins[chain]


@kernel
def _add(fields, spins, weight):
    for chain in range(fields.size):
        fields[chain] += weight * spins[chain]


@kernel
def _decide(spins, numbers, needed, flips):
    for chain in range(spins.size):
        old = spins[chain]
        new = np.int8(numbers[chain] < needed[chain])
        flips[chain] += np.uint32(old ^ new)
        spins[chain] = new


@kernel
def sweep_fields(
    positions, starts, neighbours, couplings, fields, beta, heat_bath, kept, streams, sweeps
):
    """Sweeps where local fields are any numbers; returns how many updates changed a spin."""
    sites, chains = positions.shape
    local = np.empty(chains)
    numbers = np.empty(chains, np.uint64)
    first, second = streams[0].copy(), streams[1].copy()
    third, fourth = streams[2].copy(), streams[3].copy()
    changed = 0
    for _ in range(sweeps):
        for site in range(sites):
            spins = positions[site]
            local[:] = fields[site]
            for k in range(starts[site], starts[site + 1]):
                _couple(local, positions[neighbours[k]], couplings[k])
            fill(numbers, first, second, third, fourth, _11)
            for chain in range(chains):
                old = spins[chain]
                up = upwards(2.0 * beta * local[chain], old, heat_bath, kept)
                new = np.int8(np.float64(numbers[chain]) < up * SCALE)
                changed += np.int64(old ^ new)
                spins[chain] = new
    streams[0], streams[1], streams[2], streams[3] = first, second, third, fourth
    return changed


@kernel
def _couple(local, spins, coupling):
    for chain in range(local.size):
        local[chain] += coupling * (2 * spins[chain] - 1)


@kernel
def upwards(gain, old, heat_bath, kept):
    """The probability that a spin is up after its update; `gain` is 2 beta times its field."""
    small = math.exp(-abs(gain))
    if heat_bath:
        return 1.0 / (1.0 + small) if gain >= 0 else small / (1.0 + small)
    if old:
        return 1.0 - kept * (small if gain >= 0 else 1.0)
    return kept * (1.0 if gain >= 0 else small)


@kernel
def energies(positions, starts, neighbours, couplings, fields):
    """``-sum_i s_i (h_i + 1/2 sum_j J_ij s_j)`` of every chain."""
    sites, chains = positions.shape
    total = np.zeros(chains)
    local = np.empty(chains)
    for site in range(sites):
        local[:] = fields[site]
        for k in range(starts[site], starts[site + 1]):
            _couple(local, positions[neighbours[k]], 0.5 * couplings[k])
        _couple_to(total, local, positions[site])
    return total


@kernel
def _couple_to(total, local, spins):
    for chain in range(total.size):
        total[chain] -= local[chain] * (2 * spins[chain] - 1)
