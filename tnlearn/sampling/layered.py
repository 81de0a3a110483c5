"""Block Gibbs sampling as a sampler: machines of two layers, at any strength of their coupling."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tnlearn.arguments import real
from tnlearn.errors import DataTypeError
from tnlearn.sampling.checks import shaped
from tnlearn.sampling.counted import advanced, at_count, keyed
from tnlearn.sampling.interface import Positions, Seed, State, chain_count, sweep_count
from tnlearn.seeds import generator_of

Array: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Layered:
    """A machine of two layers: ``p(v, h) = base(v) exp(-beta E(v, h)) / Z``.

    ``E = -b.h - v.U.(h - m)``, and `base` is what the visible units are where hidden ones are at
    their middle m; so at any beta they stay about where they are at 1.

    Attributes
    ----------
    sites : tuple
        Visible units first.
    layers : Any
        What ``model.two_layers()`` gives: ``upward`` (U), ``downward``, ``hidden_bias`` (b) and
        ``drawn``, which draws visible units given what shifts them.
    beta : float
        Strength of the coupling: 0 leaves `base`, and 1 is the machine.
    middle : float or array, shape (n_hidden,)
        m.
    """

    sites: tuple[Any, ...]
    layers: Any
    beta: float
    middle: float | Array = 0.5

    def energies(self, positions: Positions) -> Array:
        """E, shape (chains,)."""
        v, h = self.split(positions)
        felt = v @ self.layers.upward
        coupled = np.einsum("cj,cj->c", felt, h - self.middle, dtype=np.float64)
        return np.asarray(-coupled - h @ self.layers.hidden_bias)

    def values(self, positions: Positions) -> Positions:
        """The positions as they are."""
        return positions

    def split(self, positions: Positions) -> tuple[Positions, Positions]:
        """Visible and hidden units."""
        n = len(self.layers.upward)
        return positions[:, :n], positions[:, n:]

    def swept(self, visible: Positions, generator: np.random.Generator) -> Positions:
        """Both layers drawn anew, the hidden one first."""
        inputs = visible @ self.layers.upward + self.layers.hidden_bias
        h = (self.beta * inputs > generator.logistic(size=inputs.shape)).astype(np.float64)
        felt = self.middle + self.beta * (h - self.middle)
        v = self.layers.drawn(felt @ self.layers.downward.T, generator)
        return np.concatenate([v, h], axis=1)


@dataclass(frozen=True)
class BlockGibbs:
    """All hidden units are drawn anew given the visible ones, and then these given the hidden.

    Notes
    -----
    Knows models with ``two_layers()``: restricted Boltzmann machines, of bits or of real numbers.
    A temperature scales what couples the layers, `Layered.energies`, and not what visible units
    feel from hidden ones at 1/2: so a ladder down to 0, where chains forget all in a sweep, needs
    few rungs. Cost of a sweep: O(chains n_visible
    n_hidden). Source: G. Desjardins et al., AISTATS 9, 145 (2010), for tempering.

    Examples
    --------
    >>> import numpy as np, tnlearn as tnl
    >>> from tnlearn.sampling import BlockGibbs, ParallelTempering, run
    >>> machine = tnl.RestrictedBoltzmann(9 * np.eye(2), [-4, -4], [-4, -4])
    >>> done = run(ParallelTempering(BlockGibbs(), (1.0, 0.5, 0.0)), machine, 200, seed=0)
    >>> done.samples.shape
    (200, 4)
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
        """Chains at `start`, or where no layer feels the other; see `tnlearn.sampling.Sampler`."""
        if not hasattr(model, "two_layers"):
            raise DataTypeError(
                f"expected a model with two_layers(), as a restricted Boltzmann machine, got "
                f"{type(model).__name__}"
            )
        strength = real("beta", model.beta if beta is None else beta)
        target = Layered(model.sites, model.two_layers(), strength)
        count, generator = chain_count(chains), generator_of(seed)
        key = keyed(generator)
        if start is None:
            alone = replace(target, beta=0.0)
            nothing = np.zeros((count, len(target.layers.upward)))
            positions = alone.swept(nothing, generator)
        else:
            shape = (count, len(target.sites))
            positions = np.array(shaped("start", start, shape), np.float64)
        return State(target, positions, target.energies(positions), key)

    def step(self, state: State, sweeps: int = 1) -> State:
        """Both layers drawn anew, `sweeps` times."""
        target = state.target
        assert isinstance(target, Layered)
        positions, generator, changed = state.positions, state.generator, state.changed
        for _ in range(sweep_count(sweeps)):
            visible, _ = target.split(positions)
            moved = target.swept(visible, at_count(generator))
            changed += int((moved != positions).sum())
            positions, generator = moved, advanced(generator)
        return replace(
            state,
            positions=positions,
            energies=target.energies(positions),
            generator=generator,
            changed=changed,
            tried=state.tried + positions.size * sweeps,
        )
