"""The restricted Boltzmann machine: visible and hidden bits, coupled only across."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tnlearn.errors import ModelError
from tnlearn.inference import LogPartition, Shortcut, Term, log_partition
from tnlearn.network import Tensor, TensorNetwork
from tnlearn.physics.pairwise import weights_of
from tnlearn.physics.parameters import finite_array
from tnlearn.physics.restricted_annealing import anneal_restricted
from tnlearn.physics.states import check_site, positions_of_numbers
from tnlearn.physics.two_layers import TwoLayers, layers_of_bits
from tnlearn.planning import Plan, plan

Array = npt.NDArray[np.float64]

#: Entries of the tensors over the smaller layer, for all units of the larger, up to which log Z is
#: summed exactly: some seconds.
EXACT = 2**31


class RestrictedBoltzmann:
    """Bits v and h with ``H(v, h) = -a.v - b.h - v.W.h`` at beta = 1.

    Parameters
    ----------
    weights : array_like, shape (n_visible, n_hidden)
        W.
    visible_bias : array_like, shape (n_visible,)
        a.
    hidden_bias : array_like, shape (n_hidden,)
        b.

    Attributes
    ----------
    sites : tuple
        ``("v", i)`` for every visible unit, then ``("h", j)`` for every hidden one.
    beta : float
        1.

    Raises
    ------
    ModelError
        If the shapes do not fit, a layer is empty, or a number is not finite.

    Examples
    --------
    >>> import numpy as np, tnlearn as tnl
    >>> model = tnl.RestrictedBoltzmann(np.ones((3, 2)), np.zeros(3), np.zeros(2))
    >>> round(float(np.exp(tnl.log_partition(model))), 6)  # (2^3 + 2 (1 + e)^3 + (1 + e^2)^3)
    701.205513
    """

    beta = 1.0

    def __init__(
        self, weights: npt.ArrayLike, visible_bias: npt.ArrayLike, hidden_bias: npt.ArrayLike
    ) -> None:
        wanted = np.shape(weights)
        if len(wanted) != 2 or 0 in wanted:
            raise ModelError(
                f"weights have shape {wanted}: give (n_visible, n_hidden), both at least 1"
            )
        n, m = wanted
        self.weights = finite_array(weights, "the array of weights", (n, m), "a row per unit")
        self.visible_bias = finite_array(visible_bias, "visible_bias", (n,), "one per row")
        self.hidden_bias = finite_array(hidden_bias, "hidden_bias", (m,), "one per column")
        visible, hidden = (
            [(layer, k) for k in range(n)] for layer, n in zip("vh", wanted, strict=True)
        )
        self.sites: tuple[Hashable, ...] = (*visible, *hidden)

    def __repr__(self) -> str:
        return (
            f"RestrictedBoltzmann({self.weights.shape[0]} visible, {self.weights.shape[1]} hidden)"
        )

    def values(self, site: Hashable) -> tuple[int, int]:
        """The values of a unit: (0, 1)."""
        check_site(site, site in self._known, self)
        return (0, 1)

    @cached_property
    def _known(self) -> frozenset[Hashable]:
        return frozenset(self.sites)

    def energy(self, states: npt.ArrayLike) -> Array:
        """Energies of joint states of shape (n_states, n_visible + n_hidden), visible first."""
        bits = positions_of_numbers(states, self.sites, 2).astype(float)
        v, h = bits[:, : len(self.visible_bias)], bits[:, len(self.visible_bias) :]
        coupled = np.einsum("ni,ni->n", v @ self.weights, h)
        return np.asarray(-v @ self.visible_bias - h @ self.hidden_bias - coupled)

    def free_energy(self, visible: npt.ArrayLike) -> Array:
        """``-ln sum_h exp(-H(v, h))`` of visible states, shape (n_states,)."""
        seen = self.sites[: len(self.visible_bias)]
        v = positions_of_numbers(visible, seen, 2).astype(float)
        return np.asarray(-v @ self.visible_bias - np.logaddexp(0, self.inputs(v)).sum(axis=1))

    def log_probability(self, visible: npt.ArrayLike) -> Array:
        """Natural logarithms of the probabilities of visible states, shape (n_states,).

        As good as `log_partition`, which is found once.
        """
        return -self.free_energy(visible) - float(self.log_partition)

    def shortcut(self) -> Shortcut:
        """Log Z by a plan that is known, where a layer is small; else annealed, layer by layer.

        The smaller layer's states are summed by contraction if that writes at most 2**31 entries;
        else `anneal_restricted` says how far off it may be.
        """
        small, large = sorted(self.weights.shape)
        if small < 31 and 2**small * large <= EXACT:
            return Shortcut("exact", f"a layer has {small} units", self._summed)
        reason = f"the smaller layer has {small} units, whose states are too many to sum"
        return Shortcut("annealing", reason, self._annealed)

    @cached_property
    def log_partition(self) -> LogPartition:
        """The natural logarithm of Z, as `shortcut` has it."""
        return self.shortcut().log_partition()

    def _summed(self) -> LogPartition:
        return log_partition(self.network(), "exact", plan=self.plan())

    def _annealed(self) -> LogPartition:
        found = anneal_restricted(self.two_layers())
        return LogPartition(found.log_partition, "annealing", found.error, found.converged)

    def two_layers(self) -> TwoLayers:
        """The machine as chains of whole layers read it."""
        return layers_of_bits(self.weights, self.visible_bias, self.hidden_bias)

    def inputs(self, visible: npt.ArrayLike) -> Array:
        """What hidden units feel, ``b + v.W``, shape (n_states, n_hidden)."""
        return np.asarray(np.asarray(visible) @ self.weights + self.hidden_bias)

    def network(self) -> TensorNetwork:
        """The closed network whose value is Z: a tensor per weight and per bias."""
        return weights_of(self.energies(), self.beta)

    def energies(self) -> TensorNetwork:
        """The energy of every weight and bias, on the indices of `network`: they are added."""
        tables = np.zeros((*self.weights.shape, 2, 2))
        tables[:, :, 1, 1] = -self.weights
        by_unit: list[Tensor] = []
        for i, row in enumerate(tables):
            by_unit += [
                Tensor(table, (("v", i), ("h", j)), f"weight {i}, {j}")
                for j, table in enumerate(row)
            ]
        for layer, biases in (("v", self.visible_bias), ("h", self.hidden_bias)):
            by_unit += [
                Tensor(np.array([0.0, -bias]), ((layer, k),), f"bias {layer} {k}")
                for k, bias in enumerate(biases.tolist())
            ]
        return TensorNetwork(by_unit)

    def statistics(self) -> dict[Hashable, Term]:
        """Every weight and bias, with the units and the table of ``d ln(weight of a state)`` by it.

        Keys are ``("weight", i, j)``, ``("visible bias", i)`` and ``("hidden bias", j)``.
        """
        bit, both = np.array([0.0, 1.0]), np.array([[0.0, 0.0], [0.0, 1.0]])
        n, m = self.weights.shape
        found: dict[Hashable, Term] = {
            ("weight", i, j): ((("v", i), ("h", j)), both) for i in range(n) for j in range(m)
        }
        found |= {("visible bias", i): ((("v", i),), bit) for i in range(n)}
        found |= {("hidden bias", j): ((("h", j),), bit) for j in range(m)}
        return found

    def plan(self, memory_limit: int | str | None = None) -> Plan:
        """The plan of `network` that sums the larger layer unit by unit.

        Each unit of the larger layer makes one tensor over the smaller layer, which is multiplied
        into the product of those before: nothing has to be searched for.
        """
        return plan(self.network(), memory_limit=memory_limit, search=self._path())

    def _path(self) -> list[tuple[int, int]]:
        """Pairs of tensors in opt_einsum's form."""
        from opt_einsum.paths import ssa_to_linear

        n, m = self.weights.shape
        weight = np.arange(n * m).reshape(n, m)
        visible, hidden = n * m + np.arange(n), n * m + n + np.arange(m)
        rows, own, other = (weight, visible, hidden) if n >= m else (weight.T, hidden, visible)
        pairs: list[tuple[int, int]] = []
        count = n * m + n + m

        def joined(tensors: Sequence[int]) -> int:
            first, *others = tensors
            for second in others:
                pairs.append((first, second))
                first = count + len(pairs) - 1
            return first

        total = joined(other.tolist())
        for bias, row in zip(own.tolist(), rows.tolist(), strict=True):
            # In halves: what has every unit of the smaller layer is written once.
            half = len(row) // 2
            unit = joined([joined([bias, *row[:half]]), joined(row[half:])])
            total = joined([total, unit])
        path: list[tuple[int, int]] = ssa_to_linear(pairs)
        return path
