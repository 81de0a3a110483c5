"""Exact integers of any size: values modulo several primes, put together again.

By the Chinese remainder theorem an integer below the product of some primes is known from its
residues; see von zur Gathen and Gerhard, "Modern Computer Algebra" (2013), chapters 5 and 10.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.backend import LARGEST_MODULUS, modulo
from tnlearn.errors import DataError, DataTypeError
from tnlearn.execution.questions import compile, log_contract
from tnlearn.network import HasNetwork, Tensor, TensorNetwork, as_network

#: An array of Python ints.
Integers = npt.NDArray[Any]
Residues = npt.NDArray[np.int64]


def integer_contract(thing: TensorNetwork | HasNetwork, **options: Any) -> Any:
    """The value of a network of integers, exactly, however large.

    Parameters
    ----------
    thing : TensorNetwork or model
        All entries must be integers; a float holds them exactly below 2**53.
    **options
        As for `tnlearn.compile`.

    Returns
    -------
    int, or array of int
        Python's own integers; for open outputs an array of them (dtype object).

    Raises
    ------
    DataError
        If an entry is no integer.
    DataTypeError
        If tensors are complex, or given by logarithms.

    Notes
    -----
    A run for every 24 bits of the largest value that the magnitudes of the entries allow.

    Examples
    --------
    >>> import tnlearn as tnl
    >>> tnl.integer_contract(tnl.TensorNetwork(tnl.Tensor([[1, 1], [1, 0]], "ii")
    ...                                        for _ in range(3)))
    1
    """
    network = as_network(thing)
    _check_integers(network)
    magnitudes = TensorNetwork(
        (Tensor(abs(tensor.data), tensor.indices) for tensor in network), network.output
    )
    logs = log_contract(magnitudes, **options).log
    # One bit for the sign, one for rounding; the rest is the magnitude's.
    bits = math.ceil(max(float(np.max(logs, initial=0)), 0.0) / math.log(2) * (1 + 1e-9)) + 2
    arrays = [tensor.data for tensor in network]
    primes = primes_of(bits)
    found = [
        np.asarray(compile(network, algebra=modulo(prime), **options)(arrays)).astype(np.int64)
        for prime in primes
    ]
    value = combined(found, primes, signed=True)
    return value if network.output else value.item()


def primes_of(bits: int) -> list[int]:
    """The largest moduli that are prime, so many that their product exceeds 2**bits."""
    found: list[int] = []
    product = 1
    for prime in _primes():
        found.append(prime)
        product *= prime
        if product.bit_length() > bits + 1:
            break
    return found


def _primes() -> Iterator[int]:
    """Primes below the largest modulus, largest first."""
    for number in range(LARGEST_MODULUS - 1, 2, -2):
        if all(number % d for d in range(3, math.isqrt(number) + 1, 2)):
            yield number


def combined(residues: Sequence[Residues], primes: Sequence[int], signed: bool) -> Integers:
    """Integers from their residues, in mixed radix (Garner 1959): below the product of the primes.

    Parameters
    ----------
    residues : sequence of arrays of int64
        One array per prime, all of one shape.
    primes : sequence of int
    signed : bool
        Integers are between minus and plus half the product.
    """
    first, *others = [some.reshape(-1).astype(object) for some in residues]
    value, product = first, primes[0]
    for some, prime in zip(others, primes[1:], strict=True):
        digit = (some - value) * pow(product, -1, prime) % prime
        value = value + product * digit
        product *= prime
    if signed:
        half = product // 2
        value = (value + half) % product - half
    return np.asarray(value.reshape(residues[0].shape))


def _check_integers(network: TensorNetwork) -> None:
    for name, tensor in zip(network.names, network, strict=True):
        if tensor.log or np.iscomplexobj(tensor.data):
            raise DataTypeError(
                f"tensor {name!r} holds {'logarithms' if tensor.log else 'complex numbers'}, "
                "not integers"
            )
        if not (np.isfinite(tensor.data) & (np.floor(tensor.data) == tensor.data)).all():
            raise DataError(f"tensor {name!r} holds numbers that are no integers")
