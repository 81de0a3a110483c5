"""Multi-spin coded Metropolis: 64 replicas of an Ising model in one pass."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.errors import ModelError
from tnlearn.sampling.discrete import LAZINESS, prepared_pairs, started
from tnlearn.sampling.interface import Seed, State, sweep_count
from tnlearn.sampling.pairs import ROUNDING, Pairs

#: The most neighbours of a site: their number has 6 bits.
MOST_NEIGHBOURS = 63


@dataclass(frozen=True)
class MultiSpin:
    """Metropolis' rule as in `Metropolis`, with the spins of 64 chains in the bits of a word.

    For Ising models without a field, whose couplings are J and -J (or 0).

    Notes
    -----
    The chains are independent: each has random numbers of its own. It is common to let the 64
    systems of a word share them, which is faster still; but then copies of the same model drift
    together, at low temperature until they are equal, and averages over them mean little.

    Chains come in words, and words in eights: anything up to 512 chains takes about the time of
    512. A step packs the spins before its sweeps and unpacks them after, which takes about as
    long as some sweeps: ask for ten or more at a time. Made for sites of at most four
    neighbours; where there are more, `Metropolis` with 256 chains is faster. Cost of a sweep:
    O(chains / 64 * sum of degrees). Source of multi-spin coding: L. Jacobs and C. Rebbi, J.
    Comput. Phys. 41, 203 (1981).
    """

    def init(
        self,
        model: Any,
        chains: int,
        seed: Seed = None,
        *,
        start: npt.ArrayLike | None = None,
        beta: float | None = None,
    ) -> State:
        """Chains at `start`, or at random; see `tnlearn.sampling.Sampler`.

        Raises
        ------
        ModelError
            If there is a field, couplings differ in strength, or a site has more than 63
            neighbours.
        """
        pairs = prepared_pairs(model, beta, "MultiSpin")
        _check(pairs)
        state = started(pairs, chains, seed, start)
        # A stream for every word: the first chains' will do.
        words = -(-len(state.positions) // 64)
        return replace(state, generator=state.generator[:, :words].copy())

    def step(self, state: State, sweeps: int = 1) -> State:
        """A proposal at every site, `sweeps` times."""
        from tnlearn.sampling.kernels import words as kernels

        pairs, sweeps = state.target, sweep_count(sweeps)
        assert isinstance(pairs, Pairs)
        chains = len(state.positions)
        words = kernels.pack(np.ascontiguousarray(state.positions.T))
        generator = state.generator.copy()
        changed = kernels.sweep(
            words,
            _used(chains),
            pairs.starts,
            pairs.neighbours,
            np.where(pairs.couplings < 0, 2**64 - 1, 0).astype(np.uint64),
            chances(pairs, kernels.BITS),
            generator,
            sweeps,
        )
        positions = kernels.unpack(words, chains).T
        return replace(
            state,
            positions=positions,
            energies=pairs.energies(positions),
            generator=generator,
            changed=state.changed + int(changed),
            tried=state.tried + positions.size * sweeps,
        )


def _used(chains: int) -> npt.NDArray[np.uint64]:
    """The bits of every word that are chains."""
    bits = np.zeros(-(-chains // 64) * 64, np.uint8)
    bits[:chains] = 1
    return np.packbits(bits, bitorder="little").view("<u8").astype(np.uint64)


def chances(pairs: Pairs, bits: int) -> npt.NDArray[np.uint64]:
    """Masks of the bits of ``(7 / 8) min(1, exp(-beta dE))``, as the kernel reads them.

    Shape (n, bits, n), with n - 1 the most neighbours of a site (or 2): by degree, bit, and
    number of unsatisfied bonds u, where ``dE = 2 |J| (degree - 2 u)``.
    """
    most = max(2, int(np.diff(pairs.starts).max()))
    strength = float(np.abs(pairs.couplings).max(initial=0.0))
    degree, unsatisfied = np.ogrid[: most + 1, : most + 1]
    exponents = -pairs.beta * 2 * strength * (degree - 2 * unsatisfied)
    probabilities = (1 - LAZINESS) * np.exp(np.minimum(exponents, 0.0))
    numbers = np.rint(probabilities * 2.0**bits).astype(np.uint64)
    places = np.arange(bits - 1, -1, -1, dtype=np.uint64)
    ones = (numbers[:, None, :] >> places[:, None]) & np.uint64(1)
    return np.asarray(np.uint64(0) - ones)


def _check(pairs: Pairs) -> None:
    if pairs.fields.any():
        site = pairs.sites[int(pairs.fields.nonzero()[0][0])]
        raise ModelError(
            f"MultiSpin knows no field, and {site!r} has {pairs.fields[pairs.fields != 0][0]}: "
            "use Metropolis or Gibbs"
        )
    strengths = np.abs(pairs.couplings)
    if len(strengths) and np.ptp(strengths) > ROUNDING * strengths.max():
        raise ModelError(
            f"MultiSpin needs couplings J and -J of one strength, not {strengths.min()} and "
            f"{strengths.max()}: use Metropolis or Gibbs"
        )
    degrees = np.diff(pairs.starts)
    if degrees.max() > MOST_NEIGHBOURS:
        raise ModelError(
            f"{pairs.sites[int(degrees.argmax())]!r} has {degrees.max()} neighbours; MultiSpin "
            f"counts to {MOST_NEIGHBOURS}: use Metropolis or Gibbs"
        )
