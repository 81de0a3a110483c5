"""Values of any magnitude: what a float cannot hold comes back as a phase and a logarithm.

The reference is `reference` on fractions, which hold every float exactly.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product
from operator import add
from random import Random
from typing import Any, TypeAlias

import numpy as np
import pytest

import reference
import tnlearn as tnl
from random_networks import GAUSSIAN, Case, random_case

pytestmark = pytest.mark.filterwarnings("error")

Array: TypeAlias = np.ndarray[Any, Any]

EPSILON = 2.0**-52
#: Error relative to the contraction of absolute values.
TOLERANCE = 1e-12


def log_add(a: float, b: float) -> float:
    """Logarithm of exp(a) + exp(b)."""
    low, high = sorted([a, b])
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))


#: Sums and products of positive numbers that are given by their logarithms.
LOGARITHMS = reference.Algebra(plus=log_add, times=add, zero=-math.inf, one=0.0)


@pytest.mark.parametrize("entry", [1e-3, -1e-3, 1e3])
def test_product_of_400_matrices(entry: float) -> None:
    matrix = np.array([[entry, 2 * entry], [3 * entry, -entry]])
    exact = fraction_chain([matrix] * 400)
    network = chain([matrix] * 400)
    got = tnl.log_contract(network)
    assert got.phase == (1 if exact > 0 else -1)
    assert got.log == pytest.approx(fraction_log(abs(exact)), rel=1e-14)
    with pytest.raises(OverflowError, match="log_contract") as caught:
        tnl.contract(network)
    assert isinstance(caught.value, tnl.TnlearnError)


def test_ring_whose_factors_underflow_one_by_one() -> None:
    """tr[diag(1, 1e-200)^2 diag(1e-200, 1)^2] = 2e-400."""
    small = 1e-200
    first, second = np.diag([1.0, small]), np.diag([small, 1.0])
    got = tnl.log_contract(ring([first, first, second, second]))
    assert got.phase == 1
    assert got.log == pytest.approx(math.log(2) + 2 * math.log(small), rel=1e-14)


@pytest.mark.parametrize("n", [10**5, 10**6])
def test_long_ring(n: int) -> None:
    """tr M^n, compared with the eigenvalues of M."""
    matrix = np.array([[3.0, 1.0], [1.0, 2.0]])
    got = tnl.log_contract(ring([matrix] * n))
    assert got.phase == 1
    assert got.log == pytest.approx(n * math.log((5 + math.sqrt(5)) / 2), rel=1e-13)


@pytest.mark.parametrize("power", [-400, -320, -300, -2, 300, 320, 400])
def test_plain_value_or_overflow_error(power: int) -> None:
    network = scalars(10.0 ** (power // 2), 10.0 ** (power // 2))
    if abs(power) <= 300:
        assert float(tnl.contract(network)) == pytest.approx(10.0**power, rel=1e-14)
    else:
        with pytest.raises(OverflowError, match="log_contract"):
            tnl.contract(network)
    assert tnl.log_contract(network).log == pytest.approx(power * math.log(10), rel=1e-14)


def test_gradient_of_a_logarithm_at_any_magnitude() -> None:
    """In a product of 400 matrices: left vector times right vector over the whole."""
    matrix = np.array([[1e-3, 2e-3], [3e-3, 5e-3]])
    value, gradient = tnl.log_value_and_gradient(chain([matrix] * 400))
    whole = fraction_chain([matrix] * 400)
    assert value.log == pytest.approx(fraction_log(whole), rel=1e-14)
    for k in (0, 1, 200, 399):
        for i, j in product(range(2), repeat=2):
            unit = np.zeros((2, 2))
            unit[i, j] = 1
            exact = fraction_chain([matrix] * k + [unit] + [matrix] * (399 - k)) / whole
            got = gradient[str(k)]
            assert got.phase[i, j] == np.sign(exact)
            if exact:
                assert got.log[i, j] == pytest.approx(fraction_log(exact), rel=1e-12, abs=1e-12)
    with pytest.raises(OverflowError, match="log"):
        tnl.value_and_gradient(chain([matrix] * 400))


def test_gradient_or_overflow_error() -> None:
    with pytest.raises(OverflowError):
        tnl.value_and_gradient(scalars(1e-300, 1e300, 1e300))


@pytest.mark.parametrize("output", ["", "e", "ba"])
@pytest.mark.parametrize("seed", range(15))
def test_entries_spread_over_600_decades(seed: int, output: str) -> None:
    """Positive, signed and complex, on a ring with a copy index and a scalar."""
    random = Random(seed)
    signs = [(1.0,), (1.0, -1.0), (1.0, -1.0, 1j, -1j)][seed % 3]

    def spread(term: str) -> tnl.Tensor:
        data = [random.choice(signs) * 10.0 ** random.uniform(-300, 300) for _ in range(8)]
        return tnl.Tensor(np.resize(data, (2,) * len(term)), term)

    terms = ["ab", "bc", "cd", "da", "ace", "e", ""]
    network = tnl.TensorNetwork([spread(term) for term in terms], output)
    assert_exact(network)
    in_slices = tnl.compile(network, plan=replace(tnl.plan(network), sliced=(0, 4)))
    assert_exact(network, in_slices.log([tensor.data for tensor in network]))


@pytest.mark.parametrize("block", range(5))
def test_powers_of_two_on_whole_tensors(block: int) -> None:
    """A factor 2^k on a tensor adds k log 2 to the logarithm and leaves the phase."""
    for seed in range(block * 60, (block + 1) * 60):
        case, random = random_case(seed), Random(seed)
        powers = [random.randint(-900, 900) for _ in case.terms]
        arrays = [array * 2.0**power for array, power in zip(case.arrays(), powers, strict=True)]
        shift = sum(powers[term.owner] for term in case.terms) * math.log(2)
        got, plain = tnl.log_contract(case.network(arrays)), tnl.log_contract(case.network())
        np.testing.assert_allclose(got.phase, plain.phase, rtol=0, atol=1e-15, err_msg=repr(case))
        np.testing.assert_allclose(
            got.log, plain.log + shift, rtol=1e-14, atol=1e-12, err_msg=repr(case)
        )


@pytest.mark.parametrize("block", range(5))
def test_powers_of_two_that_cancel(block: int) -> None:
    """Opposite powers on two ends of an index change no value, however far they spread."""
    for seed in range(block * 60, (block + 1) * 60):
        case = random_case(seed)
        factors = gauge(case, Random(seed))
        arrays = [a * factor for a, factor in zip(case.arrays(), factors, strict=True)]
        network = case.network(arrays)
        assert_exact(network)
        plain = tnl.log_contract(case.network())
        if case.output or plain.phase == 0:
            continue
        _, before = tnl.log_value_and_gradient(case.network())
        _, after = tnl.log_value_and_gradient(network)
        for k, factor in enumerate(factors):
            old, new = before[str(k)], after[str(k)]
            got = new.phase * np.exp(new.log + np.log(factor))
            np.testing.assert_allclose(got, old.phase * np.exp(old.log), rtol=1e-11, atol=1e-11)


ZEROS: list[tuple[str, list[Any], list[str]]] = [
    ("scalar", [0.0, 1e300, 1e300], ["", "", ""]),
    ("zeros", [np.zeros((2, 2)), np.full((2, 2), 1e-300)], ["ab", "ba"]),
    ("orthogonal", [np.diag([1e-300, 0.0]), np.diag([0.0, 1e300])], ["ab", "ba"]),
    ("far apart", [np.array([1e-300, 0.0]), np.array([0.0, 1e-300])], ["a", "a"]),
    ("cancelling", [np.array([1.0, -1.0]), np.array([1.0, 1.0])], ["a", "a"]),
    ("cancelling, small", [np.array([1e-200, -1e-200]), *[np.full(2, 1e-200)] * 3], ["a"] * 4),
    ("cancelling, large", [np.array([1e200, -1e200]), *[np.full(2, 1e200)] * 3], ["a"] * 4),
    ("cancelling, spread", [np.array([1e300, -1e-300]), np.array([1e-300, 1e300])], ["a", "a"]),
    ("cancelling, complex", [np.array([1.0, 1j]), np.array([1j, -1.0])], ["a", "a"]),
    ("size 0", [np.zeros((0, 2)), np.full(2, 1e300)], ["ab", "b"]),
]


@pytest.mark.parametrize(("arrays", "terms"), [pytest.param(a, t, id=n) for n, a, t in ZEROS])
def test_true_zeros(arrays: list[Any], terms: list[str]) -> None:
    network = tnl.TensorNetwork(map(tnl.Tensor, arrays, terms))
    assert_zero(tnl.log_contract(network))
    assert tnl.contract(network) == 0


def test_zeros_among_the_outputs() -> None:
    network = tnl.TensorNetwork(
        [tnl.Tensor(np.diag([1e-300, 0.0, -1e300]), "ab"), tnl.Tensor([1e-300, 1e300, 1e300], "b")],
        "a",
    )
    got = tnl.log_contract(network)
    np.testing.assert_array_equal(got.phase, [1, 0, -1])
    np.testing.assert_array_equal(np.isneginf(got.log), [False, True, False])
    np.testing.assert_allclose(got.log[::2], [-600 * math.log(10), 600 * math.log(10)], rtol=1e-14)


@pytest.mark.parametrize("terms", [["a"], ["a", "a"], ["a", "ab", "b"]])
def test_what_cancellation_leaves_is_not_lost(terms: list[str]) -> None:
    """40 factors of 1 - (1 - 2^-50), each found by a sum, are 2^-2000."""
    entries = {"a": np.array([1.0, 2.0**-50 - 1]), "ab": np.eye(2), "b": np.ones(2)}
    tensors = [
        tnl.Tensor(
            entries[term] if k == 0 or term != "a" else np.ones(2), [f"{i}{n}" for i in term]
        )
        for n in range(40)
        for k, term in enumerate(terms)
    ]
    got = tnl.log_contract(tnl.TensorNetwork(tensors))
    assert got.phase == 1
    assert got.log == pytest.approx(-2000 * math.log(2), rel=1e-14)


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
@pytest.mark.parametrize("angle", [0.0, 0.3, 2.5, -1.0, math.pi / 2])
def test_complex_phase(angle: float, scale: float) -> None:
    got = tnl.log_contract(scalars(*[scale * complex(math.cos(angle), math.sin(angle))] * 7))
    assert got.phase == pytest.approx(complex(math.cos(7 * angle), math.sin(7 * angle)), abs=1e-14)
    assert got.log == pytest.approx(7 * math.log(scale), rel=1e-14, abs=1e-14)


@pytest.mark.parametrize("real", [1e-300, 1e300])
def test_complex_parts_far_apart(real: float) -> None:
    """A part 600 decades below the other is as good as none, and neither is lost on the way."""
    number = complex(real, 1 / real)
    got = tnl.log_contract(scalars(number, number.conjugate(), number))
    assert got.phase == pytest.approx(1 if real > 1 else 1j)
    assert got.log == pytest.approx(900 * math.log(10), rel=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
def test_single_precision_leaves_its_range_and_comes_back(dtype: str) -> None:
    random = np.random.default_rng(0)
    small = [random.uniform(1, 2, (3, 3)).astype(dtype) * np.float32(1e-25) for _ in range(20)]
    large = [random.uniform(1, 2, (3, 3)).astype(dtype) * np.float32(1e25) for _ in range(20)]
    network = chain(small + large)
    exact = fraction_chain(small + large)
    assert tnl.log_contract(network).log == pytest.approx(fraction_log(exact), abs=1e-5)
    value = tnl.contract(network)
    assert value.dtype == dtype
    assert float(value.real) == pytest.approx(float(exact), rel=1e-5)
    for beyond in (small, large):
        exact = fraction_chain(beyond)
        assert tnl.log_contract(chain(beyond)).log == pytest.approx(fraction_log(exact), abs=1e-5)
        with pytest.raises(OverflowError, match="log_contract"):
            tnl.contract(chain(beyond))


@pytest.mark.parametrize("batch", [None, "b"])
def test_every_batch_element_has_its_own_scale(batch: str | None) -> None:
    """Magnitudes from 1e-750 to 1e750 side by side, each as exact as alone."""
    random = np.random.default_rng(1)
    scales = 10.0 ** np.arange(-250, 251, 10)
    arrays = [scales[:, None, None] * random.uniform(-1, 1, (51, 2, 2)) for _ in range(3)]
    tensors = map(tnl.Tensor, arrays, ["bij", "bjk", "bki"])
    network = tnl.TensorNetwork(tensors, "b")
    program = tnl.compile(network, batch=batch)
    assert_exact(network, program.log(program.pack(arrays)))
    with pytest.raises(OverflowError, match="log_contract"):
        tnl.contract(network)


@pytest.mark.parametrize("output", ["", "b", "ca"])
@pytest.mark.parametrize("seed", range(10))
def test_entries_given_by_logarithms(seed: int, output: str) -> None:
    """Logarithms of +-10^4, and the zeros of hard constraints."""
    random = Random(seed)
    terms = ["ab", "bc", "ca", "abc", "b", ""]
    logs = {term: list(product(range(2), repeat=len(term))) for term in terms}
    entries = {
        term: {at: random.choice([-1e4, 1e4, -math.inf, -9998.0, 3.0]) for at in places}
        for term, places in logs.items()
    }
    arrays = [np.reshape(list(entries[term].values()), (2,) * len(term)) for term in terms]
    network = tnl.TensorNetwork(
        [tnl.Tensor(a, t, log=True) for a, t in zip(arrays, terms, strict=True)], output
    )
    sizes = dict.fromkeys("abc", 2)
    exact = reference.contract([(entries[t], t) for t in terms], sizes, output, LOGARITHMS)
    got = tnl.log_contract(network)
    for at, log in exact.items():
        phase, found = np.asarray(got.phase)[at], np.asarray(got.log)[at]
        if log == -math.inf:
            assert (phase, found) == (0, -math.inf)
        else:
            assert phase == 1
            assert found == pytest.approx(log, rel=1e-14, abs=1e-11)
    if output or exact[()] == -math.inf:
        return
    # By its logarithms, the gradient of the log is the distribution of the tensor's indices.
    _, gradient = tnl.log_value_and_gradient(network)
    others = reference.gradient(
        [(entries[t], t) for t in terms], sizes, output, {(): 0.0}, LOGARITHMS
    )
    for k, term in enumerate(terms):
        got = np.asarray(np.exp(gradient[str(k)].log))
        for at, log in others[k].items():
            wanted = math.exp(log + entries[term][at] - exact[()])
            assert got[at] == pytest.approx(wanted, rel=1e-10, abs=1e-300)


def test_logarithms_that_are_all_of_zeros() -> None:
    nothing = tnl.Tensor(np.full((2, 2), -np.inf), "ab", log=True)
    assert_zero(
        tnl.log_contract(tnl.TensorNetwork([nothing, tnl.Tensor([1e4, 1e4], "b", log=True)]))
    )


def test_logarithms_meet_plain_and_signed_entries() -> None:
    weights = tnl.Tensor([5000.0, 5000.0, -5000.0], "a", log=True)
    signs = tnl.Tensor([3.0, -1.0, 1e300], "a")
    got = tnl.log_contract(tnl.TensorNetwork([weights, signs]))
    assert got.phase == 1
    assert got.log == pytest.approx(5000 + math.log(2), rel=1e-15)


def chain(matrices: Sequence[Array]) -> tnl.TensorNetwork:
    """Entry (0, 0) of the product, by vectors at the two ends."""
    end = np.eye(len(matrices[0]), dtype=matrices[0].dtype)[0]
    tensors = [tnl.Tensor(matrix, (k, k + 1)) for k, matrix in enumerate(matrices)]
    ends = [tnl.Tensor(end, (0,)), tnl.Tensor(end, (len(matrices),))]
    return tnl.TensorNetwork([*tensors, *ends])


def ring(matrices: Sequence[Array]) -> tnl.TensorNetwork:
    n = len(matrices)
    return tnl.TensorNetwork(
        tnl.Tensor(matrix, (k, (k + 1) % n)) for k, matrix in enumerate(matrices)
    )


def scalars(*values: complex) -> tnl.TensorNetwork:
    return tnl.TensorNetwork(tnl.Tensor(value, ()) for value in values)


def gauge(case: Case, random: Random) -> list[Array]:
    """Factors: for every index on two tensors, 2^k[i] along one and 2^-k[i] along the other."""
    factors = [np.ones(array.shape) for array in case.arrays()]
    owners = [term.owner for term in case.terms]
    for index, size in case.sizes.items():
        free = [k for k, t in enumerate(case.terms) if index in t.indices and owners.count(k) == 1]
        if len(free) < 2:
            continue
        powers = [random.randint(-240, 240) for _ in range(size)]
        for sign, k in zip((1, -1), random.sample(free, 2), strict=True):
            indices = case.terms[k].indices
            after = len(indices) - indices.index(index) - 1
            along = np.array([2.0 ** (sign * power) for power in powers])
            factors[k] = factors[k] * along.reshape(-1, *(1,) * after)
    return factors


def assert_zero(got: tnl.LogValue) -> None:
    assert (got.phase, got.log) == (0, -math.inf)


def assert_exact(network: tnl.TensorNetwork, got: tnl.LogValue | None = None) -> None:
    """Every entry within `TOLERANCE` of the contraction of absolute values; zeros true zeros."""
    got = tnl.log_contract(network) if got is None else got
    terms = [(fractions(t.data, t.conj), t.indices) for t in network]
    bounds = [({at: abs(a) + abs(b) for at, (a, b) in d.items()}, i) for d, i in terms]
    exact = reference.contract(terms, network.sizes, network.output, GAUSSIAN)
    bound = reference.contract(bounds, network.sizes, network.output, reference.Algebra())
    for at, (real, imaginary) in exact.items():
        phase, log = np.asarray(got.phase)[at], float(np.asarray(got.log)[at])
        if bound[at] == 0:
            assert (phase, log) == (0, -math.inf)
            continue
        size = fraction_log(bound[at])
        wanted = complex(real / bound[at], imaginary / bound[at])
        error = abs(phase * math.exp(log - size) - wanted)
        assert error <= TOLERANCE + 4 * EPSILON * abs(size), (at, error, network)


def fractions(data: Array, conj: bool) -> dict[reference.Position, tuple[Fraction, Fraction]]:
    data = np.conj(data) if conj else data
    return {
        at: (Fraction(float(value.real)), Fraction(float(value.imag)))
        for at, value in np.ndenumerate(data)
    }


def fraction_chain(matrices: Iterable[Array]) -> Fraction:
    """Entry (0, 0) of the product of real matrices, exactly."""
    row = None
    for matrix in matrices:
        exact = [[Fraction(float(x.real)) for x in line] for line in matrix]
        row = row or [Fraction(k == 0) for k in range(len(exact))]
        row = [sum(x * y for x, y in zip(row, c, strict=True)) for c in zip(*exact, strict=True)]
    return row[0]


def fraction_log(number: Fraction) -> float:
    """Natural logarithm of a positive fraction of any size."""
    power = number.numerator.bit_length() - number.denominator.bit_length()
    return math.log(number / Fraction(2) ** power) + power * math.log(2)
