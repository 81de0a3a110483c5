"""Densities of states: how many states have each energy, as exact integers.

The generating polynomial ``P(x) = sum_n g_n x**n`` of a model whose energies are
``offset + n * quantum`` is the value of a network with an entry ``x**n`` for every energy. It is
evaluated at as many points as it has coefficients, modulo several primes, and interpolated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.backend import modulo
from tnlearn.errors import ModelError
from tnlearn.execution import combined, compile, primes_of
from tnlearn.inference.distribution import closed
from tnlearn.inference.options import planning, running
from tnlearn.network import HasEnergies, Tensor, TensorNetwork
from tnlearn.planning import plan_for

Ints = npt.NDArray[np.int64]

#: Most levels between the least and the largest energy.
MOST_LEVELS = 2**16
#: Points at which the polynomial is evaluated at once.
POINTS = 64
#: The index along which the points are.
POINT = ("point of evaluation",)


def density_of_states(model: HasEnergies, **options: Any) -> dict[float, int]:
    """The number of states at every energy, exactly.

    Parameters
    ----------
    model : model with ``energies()``
        Its energies must be multiples of one quantum, as they are for integer couplings;
        otherwise almost every state has an energy of its own. Floats are taken as the decimals
        they print as, so 0.1 and 0.3 have the quantum 0.1.
    **options
        ``memory_limit``, ``search``, ``seed`` and ``backend`` as for `tnlearn.compile`.

    Returns
    -------
    dict from energy to int
        Energies that are attained, ascending; their counts sum to the number of states.

    Raises
    ------
    ModelError
        If the model has no ``energies()``, or its energies no common quantum.

    Notes
    -----
    Costs a contraction for every level and every 24 bits of the number of states; half of that
    where all levels are even, as on a torus without field.

    Examples
    --------
    >>> import networkx as nx, tnlearn as tnl
    >>> tnl.density_of_states(tnl.Ising(nx.cycle_graph(4)))
    {-4.0: 2, 0.0: 12, 4.0: 2}
    """
    if not isinstance(model, HasEnergies):
        raise ModelError(
            f"a {type(model).__name__} has no energies(): densities of states need the model's "
            "energies as a network"
        )
    network = closed(model.energies())
    levels = _levels(network)
    primes = primes_of(math.ceil(sum(math.log2(n) for n in network.sizes.values())))
    polynomial = _Polynomial(network, levels, options)
    step, first = polynomial.spacing(primes)
    count = (levels.degree - first) // step + 1
    points = np.arange(1, count + 1)
    found = []
    for prime in primes:
        values = polynomial.values(points, prime) * _powers(points, prime - 1 - first, prime)
        found.append(_interpolated(_powers(points, step, prime), values % prime, prime))
    counts = combined(found, primes, signed=False)
    return {
        float(levels.offset + (first + step * n) * levels.quantum): int(number)
        for n, number in enumerate(counts)
        if number
    }


@dataclass(frozen=True)
class _Levels:
    """Energies as whole numbers: an entry is its tensor's least plus so many quanta.

    Attributes
    ----------
    steps : list of arrays of int64
        Quanta of every entry of every tensor; -1 where it is forbidden.
    offset, quantum : Fraction
        The least energy there could be, and the quantum.
    degree : int
        The largest number of quanta there could be.
    """

    steps: list[Ints]
    offset: Fraction
    quantum: Fraction
    degree: int


def _levels(network: TensorNetwork) -> _Levels:
    entries = [[_decimal(x) for x in t.data.ravel() if x < np.inf] for t in network]
    if not all(entries):
        raise ModelError("every state is forbidden: there are no levels")
    lows = [min(some) for some in entries]
    quantum = Fraction(0)
    for some, low in zip(entries, lows, strict=True):
        for x in some:
            quantum = _common(quantum, x - low)
    quantum = quantum or Fraction(1)
    degree = sum((max(e) - low) / quantum for e, low in zip(entries, lows, strict=True))
    if degree >= MOST_LEVELS:
        raise ModelError(
            f"the energies are multiples of {float(quantum):.3g}, {float(degree):.3g} levels: more "
            f"than {MOST_LEVELS:,}; density_of_states is for couplings like integers"
        )
    steps = [
        np.array([(_decimal(x) - low) / quantum if x < np.inf else -1 for x in t.data.ravel()])
        .astype(np.int64)
        .reshape(t.shape)
        for t, low in zip(network, lows, strict=True)
    ]
    return _Levels(steps, sum(lows, Fraction(0)), quantum, int(degree))


def _decimal(x: Any) -> Fraction:
    """The decimal that a float prints as."""
    return Fraction(str(x))


def _common(a: Fraction, b: Fraction) -> Fraction:
    """The greatest common divisor."""
    numerator = math.gcd(a.numerator * b.denominator, b.numerator * a.denominator)
    return Fraction(numerator, a.denominator * b.denominator)


class _Polynomial:
    """The generating polynomial as one network, with the points along a batch index."""

    def __init__(self, network: TensorNetwork, levels: _Levels, options: dict[str, Any]) -> None:
        self._steps = levels.steps
        size = min(POINTS, levels.degree + 1)
        self._network = TensorNetwork(
            (
                Tensor(np.ones((size, *tensor.shape)), (POINT, *tensor.indices))
                for tensor in network
            ),
            (POINT,),
        )
        made = plan_for(self._network, modulo(3), batch=POINT, **planning(options))
        self._options = running(options, made)

    def values(self, points: Ints, prime: int) -> Ints:
        """Its values modulo a prime."""
        program = compile(self._network, batch=POINT, algebra=modulo(prime), **self._options)
        found = []
        for start in range(0, len(points), POINTS):
            some = points[start : start + POINTS]
            arrays = [self._entries(some, steps, prime) for steps in self._steps]
            found.append(program(arrays))
        return np.concatenate(found).astype(np.int64)

    def spacing(self, primes: Sequence[int]) -> tuple[int, int]:
        """Step and start of the exponents that occur: 2 if only even or only odd ones do.

        With ``P(-1) = P(1)`` no odd exponent occurs, as coefficients are not negative; with
        ``P(-1) = -P(1)`` no even one. Numbers that agree modulo all primes are the same.
        """
        at = [self.values(np.array([1, prime - 1]), prime) for prime in primes]
        if all(here == there for here, there in at):
            return 2, 0
        pairs = zip(at, primes, strict=True)
        return (2, 1) if all((one + two) % p == 0 for (one, two), p in pairs) else (1, 0)

    def _entries(self, points: Ints, steps: Ints, prime: int) -> npt.NDArray[np.float64]:
        table = np.ones((len(points), int(steps.max()) + 2), np.int64)
        for n in range(1, table.shape[1] - 1):
            table[:, n] = table[:, n - 1] * points % prime
        table[:, -1] = 0  # where -1 leads
        return table[:, steps].astype(float)


def _powers(base: Ints, exponent: int, prime: int) -> Ints:
    """``base**exponent`` modulo a prime below 2**31."""
    result, square = np.ones_like(base), base % prime
    while exponent:
        if exponent % 2:
            result = result * square % prime
        square = square * square % prime
        exponent //= 2
    return result


def _interpolated(nodes: Ints, values: Ints, prime: int) -> Ints:
    """Coefficients, lowest first, of the polynomial through some points, modulo a prime.

    Newton's divided differences, then Horner's rule: O(n**2) operations.
    """
    differences = values.copy()
    for k in range(1, len(nodes)):
        inverse = _powers((nodes[k:] - nodes[:-k]) % prime, prime - 2, prime)
        differences[k:] = (differences[k:] - differences[k - 1 : -1]) % prime * inverse % prime
    result = np.zeros(len(nodes), np.int64)
    for node, difference in zip(nodes[::-1], differences[::-1], strict=True):
        shifted = np.concatenate(([difference], result[:-1]))
        result = (shifted - node * result) % prime
    return result
