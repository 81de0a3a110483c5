"""Wolff's algorithm: whole clusters of a ferromagnet flip at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.errors import ModelError
from tnlearn.sampling.discrete import LAZINESS, prepared_pairs, started
from tnlearn.sampling.interface import Seed, State, sweep_count
from tnlearn.sampling.pairs import Pairs


@dataclass(frozen=True)
class Wolff:
    """A cluster grown from a random site over bonds of equal spins is flipped.

    A bond joins with probability ``1 - exp(-2 beta J)``, so a cluster is about as large as spins
    are correlated, and the chain hardly slows down near the critical temperature. For Ising
    models without a field and with ``beta J >= 0`` on every bond.

    Notes
    -----
    A sweep is one cluster, whatever its size; ``changed / tried`` is the mean part of the sites
    in it. With probability 1/8 nothing is done, so that no chain is periodic. Cost of a sweep:
    O(chains * bonds of the cluster). Source: U. Wolff, Phys. Rev. Lett. 62, 361 (1989).
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
            If there is a field, or a bond whose spins like to differ.
        """
        pairs = prepared_pairs(model, beta, "Wolff")
        _check(pairs)
        return started(pairs, chains, seed, start)

    def step(self, state: State, sweeps: int = 1) -> State:
        """One cluster in every chain, `sweeps` times."""
        from tnlearn.sampling.kernels import clusters as kernels

        pairs, sweeps = state.target, sweep_count(sweeps)
        assert isinstance(pairs, Pairs)
        positions = np.array(state.positions, order="C")
        generator = state.generator.copy()
        joining = -np.expm1(-2 * pairs.beta * pairs.couplings)
        thresholds = np.rint(joining * 2.0**53).astype(np.uint64)
        lazy = np.uint64(LAZINESS * 2.0**53)
        flipped = kernels.flip(
            positions, pairs.starts, pairs.neighbours, thresholds, lazy, generator, sweeps
        )
        positions = np.asfortranarray(positions)
        return replace(
            state,
            positions=positions,
            energies=pairs.energies(positions),
            generator=generator,
            changed=state.changed + int(flipped),
            tried=state.tried + positions.size * sweeps,
        )


def _check(pairs: Pairs) -> None:
    if pairs.fields.any():
        site = int(pairs.fields.nonzero()[0][0])
        raise ModelError(
            f"Wolff's clusters know no field, and {pairs.sites[site]!r} has "
            f"{pairs.fields[site]}: use Gibbs or Metropolis"
        )
    wrong = np.flatnonzero(pairs.beta * pairs.couplings < 0)
    if len(wrong):
        owner = int(np.searchsorted(pairs.starts, wrong[0], side="right")) - 1
        edge = pairs.sites[owner], pairs.sites[pairs.neighbours[wrong[0]]]
        raise ModelError(
            f"Wolff's clusters need a ferromagnet, and bond {edge!r} has coupling "
            f"{pairs.couplings[wrong[0]]} at beta {pairs.beta}: use Gibbs or ParallelTempering"
        )
