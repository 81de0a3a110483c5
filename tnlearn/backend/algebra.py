"""What a program adds and multiplies with: numbers, best values, counts of them, or residues.

An algebra is a commutative semiring. Plans and instructions know nothing of it, so whatever can be
contracted can be optimised or counted (Aji and McEliece 2000, "The generalized distributive law",
IEEE Trans. Inf. Theory 46, 325).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tnlearn.errors import PlanError

#: Moduli are below this, so that 32 products of residues and their sum are exact in a float64.
LARGEST_MODULUS = 2**24


@dataclass(frozen=True)
class Algebra:
    """A sum and a product, and how an entry of a tensor is made of float64 numbers.

    Attributes
    ----------
    kind : str
        ``"product"``: the plain sum of products, with logarithms and gradients.
        ``"best"``: a value; the sum of two is the better, the product adds them.
        ``"count"``: ``(value, number of ways to attain it)``.
        ``"list"``: the `length` best values, best first, each with its multiplicity.
        ``"modular"``: an integer modulo `modulus`.
    sign : int
        1 where the largest value is the best, -1 where the smallest is.
    modulus : int
        Of ``"modular"``, and of the numbers of ways in ``"count"``; there 0 is none, and the
        numbers are floats: a result below 2**53 is exact, one at 1e300 or more is a lower bound.
    length : int
        Of the lists.
    """

    kind: str
    sign: int = 1
    modulus: int = 0
    length: int = 1

    @property
    def name(self) -> str:
        """What `tnlearn.compile` calls it, and messages do."""
        if self.kind == "product":
            return "sum-product"
        if self.kind == "modular":
            return f"integers modulo {self.modulus}"
        kind = {"best": "plus", "count": "count", "list": f"list of {self.length}"}[self.kind]
        return f"{'max' if self.sign > 0 else 'min'}-{kind}"

    @property
    def zero(self) -> float:
        """The number that stands for the sum of nothing: no value at all is the worst."""
        return -self.sign * math.inf if self.sums_by_choice else 0.0

    @property
    def sums_by_choice(self) -> bool:
        """Whether a sum is the better of its terms."""
        return self.kind in ("best", "count", "list")

    @property
    def parts(self) -> tuple[int, ...]:
        """The last axes of a result, beyond those of the network: ``()`` or one."""
        return {"count": (2,), "list": (self.length,)}.get(self.kind, ())


SUM_PRODUCT = Algebra("product")
MAX_PLUS, MIN_PLUS = Algebra("best", 1), Algebra("best", -1)

_NAMED = {
    algebra.name: algebra
    for algebra in (SUM_PRODUCT, MAX_PLUS, MIN_PLUS, Algebra("count", 1), Algebra("count", -1))
}


def algebra_of(given: str | Algebra) -> Algebra:
    """An algebra by its name, or itself.

    Raises
    ------
    PlanError
        If none is called so.
    """
    if isinstance(given, Algebra):
        return given
    if given not in _NAMED:
        raise PlanError(f"algebra={given!r} is not known: give one of {', '.join(_NAMED)}")
    return _NAMED[given]


def modulo(prime: int) -> Algebra:
    """Integers modulo a number below 2**24.

    Residues are held as float64: sums of their products are exact, and far faster than 64-bit
    remainders (Dumas, Giorgi and Pernet 2008, arXiv:cs/0601133).
    """
    if not 2 <= prime < LARGEST_MODULUS:
        raise PlanError(f"the modulus is {prime}; it must be at least 2 and below 2**24")
    return Algebra("modular", modulus=int(prime))


def counting(sign: int, modulus: int = 0) -> Algebra:
    """Best values (largest for `sign` 1, smallest for -1), each with its number of ways."""
    return Algebra("count", sign, modulus)


def best_few(sign: int, length: int) -> Algebra:
    """The `length` best values."""
    return Algebra("list", sign, 0, length)
