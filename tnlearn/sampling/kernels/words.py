"""Multi-spin coding: the spins of one site in 64 replicas are the bits of one word.

Unsatisfied bonds are counted in all replicas at once, by adders made of bit operations. Whether a
uniform number is below a threshold is decided bit by bit, from the first on: one random word
holds one bit of the numbers of all 64 replicas, and after a few words all are decided.
"""

from __future__ import annotations

import numpy as np

from tnlearn.sampling.kernels.compiling import kernel
from tnlearn.sampling.kernels.random import AHEAD, fill_ahead

#: Bits of a probability.
BITS = 53
#: Bits compared in any case: then in 98 of 100 words all replicas are decided.
FIRST = 12
#: The largest degree for which counting takes the fewest operations.
FEW = 4
#: The number of unsatisfied bonds has so many bits.
PLANES = 6

_0, _1, _2, _ALL = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(2**64 - 1)


@kernel
def pack(rows):
    """Words, shape (n_sites, n_words), of positions 0 and 1, shape (n_sites, replicas)."""
    sites, replicas = rows.shape
    words = np.zeros((sites, (replicas + 63) // 64), np.uint64)
    for site in range(sites):
        for replica in range(replicas):
            words[site, replica >> 6] |= np.uint64(rows[site, replica]) << np.uint64(replica & 63)
    return words


@kernel
def unpack(words, replicas):
    """Positions, shape (n_sites, replicas), of words: the inverse of `pack`."""
    rows = np.empty((words.shape[0], replicas), np.int8)
    for site in range(words.shape[0]):
        for replica in range(replicas):
            rows[site, replica] = (words[site, replica >> 6] >> np.uint64(replica & 63)) & _1
    return rows


@kernel
def sweep(words, used, starts, neighbours, antiferromagnetic, masks, streams, sweeps):
    """Sweeps over all sites; returns how many updates changed a spin.

    Parameters
    ----------
    words : array of uint64, shape (n_sites, n_words)
    used : array of uint64, shape (n_words,)
        The bits that are replicas.
    starts, neighbours : arrays
    antiferromagnetic : array of uint64, shape (2 * n_pairs,)
        All bits of a bond whose spins like to differ, else none.
    masks : array of uint64, shape (most degree + 1, BITS, most degree + 1)
        All bits where a bit of the probability to flip is 1, else none: by degree, bit (the
        first counts 1/2), and number of unsatisfied bonds.
    streams : array of uint64, shape (4, n_streams)
    sweeps : int
    """
    first, second = streams[0].copy(), streams[1].copy()
    third, fourth = streams[2].copy(), streams[3].copy()
    random = np.empty(AHEAD * first.size, np.uint64)
    counted = np.empty(masks.shape[2], np.uint64)
    flat = masks.ravel()
    width = np.uint64(masks.shape[2])
    changed = 0
    for _ in range(sweeps):
        # Numbers left over from the last sweep are thrown away, so that the streams are all
        # that a later sweep depends on.
        at = random.size
        for site in range(words.shape[0]):
            begin, end = starts[site], starts[site + 1]
            degree = np.uint64(end - begin)
            row = degree * np.uint64(BITS) * width
            for word in range(words.shape[1]):
                if at + FIRST > random.size:
                    fill_ahead(random, first, second, third, fourth, _0)
                    at = 0
                own = words[site, word]
                undecided, flips = used[word], _0
                bit = 0
                most = degree
                if degree <= FEW:
                    none, one, more = _count_few(
                        words, np.uint64(word), own, begin, end, neighbours, antiferromagnetic
                    )
                    flips, undecided = _first_bits(
                        none, one, more, undecided, random, at, flat, row, width
                    )
                    at += FIRST
                    bit = FIRST
                    if undecided:
                        counted[0], counted[1], counted[2] = none, one, more
                        most = np.uint64(2)
                else:
                    _count(counted, words, word, own, begin, end, neighbours, antiferromagnetic)
                while undecided and bit < BITS:
                    if at == random.size:
                        fill_ahead(random, first, second, third, fourth, _0)
                        at = 0
                    number = random[np.uint64(at)]
                    below = _below(counted, flat, row + np.uint64(bit) * width, most)
                    flips |= undecided & below & ~number
                    undecided &= ~(below ^ number)
                    at += 1
                    bit += 1
                words[site, word] = own ^ flips
                changed += _ones(flips)
    streams[0], streams[1], streams[2], streams[3] = first, second, third, fourth
    return changed


@kernel
def _first_bits(none, one, more, undecided, random, at, masks, row, width):
    """Of replicas with so many unsatisfied bonds: those that flip, and those still undecided."""
    flips = _0
    for bit in range(FIRST):
        number = random[np.uint64(at + bit)]
        place = row + np.uint64(bit) * width
        below = (none & masks[place]) | (one & masks[place + _1]) | (more & masks[place + _2])
        flips |= undecided & below & ~number
        undecided &= ~(below ^ number)
    return flips, undecided


@kernel
def _count_few(words, word, own, begin, end, neighbours, antiferromagnetic):
    """Replicas in which none, one, or more of at most four bonds are unsatisfied."""
    once, twice, fourth = _0, _0, _0
    for k in range(begin, end):
        unsatisfied = own ^ words[np.uint64(neighbours[k]), word] ^ antiferromagnetic[k]
        carried = once & unsatisfied
        once ^= unsatisfied
        fourth |= twice & carried
        twice ^= carried
    some = twice | fourth
    return ~(once | some), once & ~some, some


@kernel
def _count(counted, words, word, own, begin, end, neighbours, antiferromagnetic):
    """Into `counted`: for every number of unsatisfied bonds, the replicas that have it."""
    planes = np.zeros(PLANES, np.uint64)
    for k in range(begin, end):
        carried = own ^ words[np.uint64(neighbours[k]), word] ^ antiferromagnetic[k]
        for plane in range(PLANES):
            planes[plane], carried = planes[plane] ^ carried, planes[plane] & carried
    for number in range(end - begin + 1):
        having = _ALL
        for plane in range(PLANES):
            having &= planes[plane] if (number >> plane) & 1 else ~planes[plane]
        counted[number] = having


@kernel
def _below(counted, masks, row, most):
    """One bit of every replica's probability to flip."""
    below = _0
    for number in range(most + _1):
        below |= counted[number] & masks[row + number]
    return below


@kernel
def _ones(word):
    """How many bits of a word are 1."""
    word -= (word >> _1) & np.uint64(0x5555555555555555)
    pairs = np.uint64(0x3333333333333333)
    word = (word & pairs) + ((word >> np.uint64(2)) & pairs)
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))
