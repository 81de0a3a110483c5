"""Multi-spin coding: the spins of one site in 64 replicas are the bits of one word.

Unsatisfied bonds are counted in all replicas at once, by adders made of bit operations. Whether a
uniform number is below a threshold is decided bit by bit, from the first on: one random word
holds one bit of the numbers of all 64 replicas, and after a few words all are decided.
"""

from __future__ import annotations

import numpy as np

from tnlearn.compiling import kernel
from tnlearn.sampling.kernels.random import following

#: Bits of a probability.
BITS = 53
#: Bits compared in any case: then 9 times in 10 that decides all replicas side by side.
FIRST = 12
#: Words of a site that are updated side by side: one vector register. What belongs to them is
#: in one array, `LANES` apart: known distances are what the compiler needs to make vectors.
LANES = 8
#: The largest degree for which counting takes the fewest operations.
FEW = 4
#: The number of unsatisfied bonds has so many bits.
PLANES = 6

_0, _1, _ALL = np.uint64(0), np.uint64(1), np.uint64(2**64 - 1)


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
    streams : array of uint64, shape (4, n_words)
    sweeps : int
    """
    changed = 0
    for start in range(0, words.shape[1], LANES):
        stop = min(start + LANES, words.shape[1])
        block = np.ascontiguousarray(words[:, start:stop])
        state = np.zeros(4 * LANES, np.uint64)
        for k in range(4):
            state[k * LANES : k * LANES + stop - start] = streams[k, start:stop]
        changed += _sweep_block(
            block,
            used[start:stop].copy(),
            starts,
            neighbours,
            antiferromagnetic,
            masks,
            state,
            sweeps,
        )
        words[:, start:stop] = block
        for k in range(4):
            streams[k, start:stop] = state[k * LANES : k * LANES + stop - start]
    return changed


@kernel
def _sweep_block(block, used, starts, neighbours, antiferromagnetic, masks, state, sweeps):
    sites = block.shape[0]
    digits = np.empty(3 * LANES, np.uint64)
    flips, undecided = np.empty(used.size, np.uint64), np.empty(used.size, np.uint64)
    counted = np.empty((max(3, masks.shape[2]), LANES), np.uint64)
    # Of up to four bonds, the chances with none, one and more unsatisfied, bit by bit.
    few = np.ascontiguousarray(masks[: FEW + 1, :, :3]).reshape(-1, 3 * BITS)
    changed = 0
    for _ in range(sweeps):
        for site in range(sites):
            begin, end = starts[site], starts[site + 1]
            own = block[site]
            if end - begin <= FEW:
                digits[:] = _0
                for k in range(begin, end):
                    _add(digits, own, block[neighbours[k]], antiferromagnetic[k])
                _compare_first(flips, undecided, used, digits, state, few[end - begin])
                left = _any(undecided)
                bit, kinds = FIRST, 3
                if left:
                    _sort(counted, digits)
            else:
                _count(counted, block, own, begin, end, neighbours, antiferromagnetic)
                flips[:] = _0
                undecided[:] = used
                left, bit, kinds = _ALL, 0, end - begin + 1
            while left and bit < BITS:
                left = _compare(flips, undecided, counted, kinds, state, masks, end - begin, bit)
                bit += 1
            changed += _flip(own, flips)
    return changed


@kernel
def _add(digits, own, others, sign):
    """Count one more bond in three binary digits, if its spins are as they do not like to be."""
    for lane in range(own.size):
        unsatisfied = own[lane] ^ others[lane] ^ sign
        once, twice, fourth = digits[lane], digits[LANES + lane], digits[2 * LANES + lane]
        carried = once & unsatisfied
        digits[lane] = once ^ unsatisfied
        digits[LANES + lane] = twice ^ carried
        digits[2 * LANES + lane] = fourth | (twice & carried)


@kernel
def _compare_first(flips, undecided, used, digits, state, chances):
    """The first bits of a number for every replica."""
    for lane in range(used.size):
        once = digits[lane]
        more = digits[LANES + lane] | digits[2 * LANES + lane]
        none, one = ~(once | more), once & ~more
        flipped, unknown = _0, used[lane]
        a, b = state[lane], state[LANES + lane]
        c, d = state[2 * LANES + lane], state[3 * LANES + lane]
        for bit in range(FIRST):
            number, a, b, c, d = following(a, b, c, d)
            below = (
                (none & chances[3 * bit])
                | (one & chances[3 * bit + 1])
                | (more & chances[3 * bit + 2])
            )
            flipped |= unknown & below & ~number
            unknown &= ~(below ^ number)
        flips[lane], undecided[lane] = flipped, unknown
        state[lane], state[LANES + lane] = a, b
        state[2 * LANES + lane], state[3 * LANES + lane] = c, d


@kernel
def _any(words):
    left = _0
    for lane in range(words.size):
        left |= words[lane]
    return left


@kernel
def _sort(counted, digits):
    """Digits of a count become: is it none, is it one, is it more."""
    for lane in range(LANES):
        once = digits[lane]
        more = digits[LANES + lane] | digits[2 * LANES + lane]
        counted[0, lane], counted[1, lane], counted[2, lane] = ~(once | more), once & ~more, more


@kernel
def _compare(flips, undecided, counted, kinds, state, masks, degree, bit):
    """One more bit of a number for every replica; returns what is undecided in any word."""
    left = _0
    for lane in range(flips.size):
        number, a, b, c, d = following(
            state[lane], state[LANES + lane], state[2 * LANES + lane], state[3 * LANES + lane]
        )
        state[lane], state[LANES + lane] = a, b
        state[2 * LANES + lane], state[3 * LANES + lane] = c, d
        below = _0
        for kind in range(kinds):
            below |= counted[kind, lane] & masks[degree, bit, kind]
        flips[lane] |= undecided[lane] & below & ~number
        undecided[lane] &= ~(below ^ number)
        left |= undecided[lane]
    return left


@kernel
def _flip(spins, flips):
    changed = 0
    for lane in range(spins.size):
        spins[lane] ^= flips[lane]
        changed += _ones(flips[lane])
    return changed


@kernel
def _count(counted, block, own, begin, end, neighbours, antiferromagnetic):
    """Into `counted`: for every number of unsatisfied bonds, the replicas that have it."""
    planes = np.empty(PLANES, np.uint64)
    for lane in range(own.size):
        planes[:] = _0
        for k in range(begin, end):
            carried = own[lane] ^ block[neighbours[k], lane] ^ antiferromagnetic[k]
            for plane in range(PLANES):
                planes[plane], carried = planes[plane] ^ carried, planes[plane] & carried
        for number in range(end - begin + 1):
            having = _ALL
            for plane in range(PLANES):
                having &= planes[plane] if (number >> plane) & 1 else ~planes[plane]
            counted[number, lane] = having


@kernel
def _ones(word):
    """How many bits of a word are 1."""
    word -= (word >> _1) & np.uint64(0x5555555555555555)
    pairs = np.uint64(0x3333333333333333)
    word = (word & pairs) + ((word >> np.uint64(2)) & pairs)
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))
