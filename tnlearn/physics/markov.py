"""Markov chains: each site depends on the one before."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.errors import DataTypeError, ModelError
from tnlearn.network import Tensor, TensorNetwork
from tnlearn.physics.pairwise import weights_of
from tnlearn.physics.parameters import Array, is_scalar, whole
from tnlearn.physics.states import check_site, positions_of_numbers
from tnlearn.physics.tables import log_of, table_of, vector_of


class MarkovChain:
    """``p(x_0, ..., x_n) = p_0(x_0) prod_k T_k[x_{k-1}, x_k]``, values 0, 1, ...

    Parameters
    ----------
    initial : array_like, shape (q_0,)
        p_0: probabilities of the first site.
    transitions : array_like of shape (q, q), or sequence of array_like of shapes (q_{k-1}, q_k)
        ``T_k[i, j] = p(x_k = j | x_{k-1} = i)``, one for every site but the first; or one matrix
        for all, with `length`. Rows sum to 1, so a distribution moves on as ``p @ T``.
    length : int, optional
        The number of sites, with one matrix.
    normalise : bool
        Divide rows by their sums; otherwise sums that are not 1 are refused.

    Attributes
    ----------
    sites : tuple of int
        0, 1, ..., in order: the columns of states.
    initial : array
    transitions : tuple of arrays
        Read-only.
    beta : float
        1: energies are ``-ln p``, infinite where p is 0.

    Raises
    ------
    ModelError
        If the sizes do not fit, a row does not sum to 1, an entry is negative, or a length is
        missing or needless.

    Notes
    -----
    Everything about it is linear in the number of sites. Matrices that stand for channels lose
    information: ``I(x_0; x_k)`` never rises with k.

    Examples
    --------
    Three binary symmetric channels, and the probability that a bit comes out wrong:

    >>> import tnlearn as tnl
    >>> from tnlearn.physics import MarkovChain
    >>> flips = [[[1 - e, e], [e, 1 - e]] for e in (0.1, 0.2, 0.05)]
    >>> chain = MarkovChain([1.0, 0.0], flips)
    >>> round(float(tnl.marginals(chain)[3][1]), 6)
    0.284
    """

    beta = 1.0

    def __init__(
        self,
        initial: npt.ArrayLike,
        transitions: npt.ArrayLike | Sequence[npt.ArrayLike],
        length: int | None = None,
        *,
        normalise: bool = False,
    ) -> None:
        self.initial = vector_of(initial, "the initial distribution", normalise)
        self.transitions = _transitions(transitions, length, len(self.initial), normalise)
        self.sites: tuple[Hashable, ...] = tuple(range(len(self.transitions) + 1))
        sizes = (len(self.initial), *(table.shape[1] for table in self.transitions))
        self._sizes: dict[Hashable, int] = dict(enumerate(sizes))

    def __repr__(self) -> str:
        sizes = sorted(set(self._sizes.values()))
        return f"MarkovChain({len(self.sites)} sites of {', '.join(map(str, sizes))} values)"

    def values(self, site: Hashable) -> tuple[int, ...]:
        """The values of a site, in the order of its index: 0, 1, ..."""
        check_site(site, site in self._sizes, self)
        return tuple(range(self._sizes[site]))

    def energy(self, states: npt.ArrayLike) -> Array:
        """Minus natural logarithms of probabilities.

        Parameters
        ----------
        states : array_like, shape (n_states, n_sites)
            Entries 0, 1, ..., columns in the order of `sites`.

        Returns
        -------
        array, shape (n_states,)
            inf for a state that cannot be.
        """
        return 0.0 - self.log_probability(states)

    def log_probability(self, states: npt.ArrayLike) -> Array:
        """Natural logarithms of the probabilities of states, as given to `energy`."""
        columns = positions_of_numbers(states, self.sites, [*self._sizes.values()]).T
        total: Array = log_of(self.initial)[columns[0]]
        logs = {id(table): log_of(table) for table in self.transitions}
        for k, table in enumerate(self.transitions):
            total = total + logs[id(table)][columns[k], columns[k + 1]]
        return total

    def network(self) -> TensorNetwork:
        """The closed network of the probabilities, held as logarithms; its value is 1."""
        return weights_of(self.energies(), 1.0)

    def energies(self) -> TensorNetwork:
        """Minus logarithms of all tables, on the indices of `network`: they are added."""
        energies = {id(table): -log_of(table) for table in self.transitions}
        steps = (
            Tensor(energies[id(table)], (k, k + 1), f"transition to {k + 1}")
            for k, table in enumerate(self.transitions)
        )
        return TensorNetwork([Tensor(-log_of(self.initial), (0,), "initial"), *steps])


def _transitions(
    given: npt.ArrayLike | Sequence[npt.ArrayLike], length: int | None, rows: int, normalise: bool
) -> tuple[Array, ...]:
    """A matrix for every site but the first; the same object where it is the same matrix."""
    if _is_one_matrix(given):
        if length is None:
            raise ModelError("with one matrix of transitions give length=, the number of sites")
        steps = whole(length, "the length", 1) - 1
        table = table_of(given, "the transition", rows, normalise)
        if table.shape[1] != rows:
            raise ModelError(
                f"the transition has shape {table.shape}; one for all steps must be square"
            )
        return (table,) * steps
    found: list[Array] = []
    same: dict[int, Array] = {}
    listed: Sequence[npt.ArrayLike] = list(given)  # type: ignore[arg-type]
    if length is not None and whole(length, "the length", 1) != len(listed) + 1:
        raise ModelError(
            f"{len(listed)} transitions make {len(listed) + 1} sites, not length={length}"
        )
    for k, one in enumerate(listed):
        if id(one) not in same or len(same[id(one)]) != rows:
            same[id(one)] = table_of(one, f"transition {k}", rows, normalise)
        found.append(same[id(one)])
        rows = found[-1].shape[1]
    return tuple(found)


def _is_one_matrix(given: Any) -> bool:
    if is_scalar(given):
        raise DataTypeError(f"the transitions are {given!r}: give a matrix, or a list of them")
    if isinstance(given, np.ndarray):
        return given.ndim == 2
    if not isinstance(given, Sequence) or not given:
        return False
    return is_scalar(given[0]) or (len(given[0]) > 0 and is_scalar(given[0][0]))
