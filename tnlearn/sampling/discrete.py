"""Where chains of a discrete model begin."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.arguments import real
from tnlearn.errors import DataTypeError, ModelError
from tnlearn.network import HasEnergies
from tnlearn.sampling.allowed import allowed
from tnlearn.sampling.checks import shaped
from tnlearn.sampling.interface import Positions, Seed, State, chain_count, streams
from tnlearn.sampling.pairs import Pairs, is_pairwise, pairs_of
from tnlearn.sampling.tables import Tables, tables_of
from tnlearn.seeds import generator_of

#: Probability with which Metropolis' rule makes no proposal, so that no chain is periodic.
LAZINESS = 1 / 8
#: How often a forbidden start is drawn again.
ATTEMPTS = 100


def prepared(model: Any, beta: float | None = None) -> Pairs | Tables:
    """A model as the kernels read it: lists of neighbours if it is pairwise, else tables.

    Raises
    ------
    DataTypeError
        If it is no model with energies.
    ModelError
        If beta is not finite.
    """
    if is_pairwise(model):
        return pairs_of(model, _beta_of(model, beta))
    if isinstance(model, HasEnergies):
        return tables_of(model, _beta_of(model, beta))
    raise DataTypeError(
        f"expected a model with .energies(), or with .couplings and .fields, "
        f"got {type(model).__name__}"
    )


def prepared_pairs(model: Any, beta: float | None, who: str) -> Pairs:
    """As `prepared`, for samplers of Ising models only; DataTypeError for any other."""
    if not is_pairwise(model):
        raise DataTypeError(
            f"{who} samples Ising models (.couplings and .fields of spins -1 and +1), "
            f"not {type(model).__name__}: use Gibbs or Metropolis"
        )
    return pairs_of(model, _beta_of(model, beta))


def _beta_of(model: Any, beta: float | None) -> float:
    return real("beta", model.beta if beta is None else beta)


def started(target: Pairs | Tables, chains: int, seed: Seed, start: npt.ArrayLike | None) -> State:
    """Chains at `start`, or at values drawn uniformly, with a stream of random numbers each.

    Raises
    ------
    DataTypeError, ModelError
        If `chains` is no whole number of at least 1, `start` has another shape than
        (chains, n_sites) or values that a site does not have, or a chain would start in a state
        that is forbidden.
    """
    chains = chain_count(chains)
    generator = generator_of(seed)
    # First, so that how chains move does not depend on where they start.
    seeds = streams(generator, chains)
    if start is None:
        positions = _drawn(target, chains, generator)
    else:
        shape = (chains, len(target.counts))
        positions = np.asfortranarray(target.positions(shaped("start", start, shape)))
    energies = target.energies(positions)
    if np.isinf(energies).any():
        chain = int(np.isinf(energies).argmax())
        raise ModelError(
            f"chain {chain} would start in a forbidden state (infinite energy)"
            + (", and no allowed one was found" if start is None else "")
            + ": give start=, allowed states of shape (chains, n_sites)"
        )
    return State(target, positions, energies, seeds)


def _drawn(target: Pairs | Tables, chains: int, generator: np.random.Generator) -> Positions:
    """Uniform positions; those that are forbidden are drawn again for some time, then moved."""
    positions = np.zeros((chains, len(target.counts)), np.int8, order="F")
    rows = np.arange(chains)
    for _ in range(ATTEMPTS):
        positions[rows] = generator.integers(0, target.counts, (len(rows), positions.shape[1]))
        rows = np.flatnonzero(np.isinf(target.energies(positions)))
        if not len(rows):
            return positions
    return allowed(target, positions, generator) if isinstance(target, Tables) else positions
