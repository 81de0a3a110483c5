"""Every algebra equals the definition: `reference` with another plus and times.

Entries are small integers, so all results must be right to the last bit.
"""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from operator import add
from random import Random
from typing import Any, TypeAlias

import networkx as nx
import numpy as np
import pytest

import reference
import tnlearn as tnl
from random_networks import Case, random_case
from structures import STRUCTURES, A, B, V
from test_exactness import build, random_path
from tnlearn.backend import MAX_PLUS, MIN_PLUS, Algebra, best_few, counting, modulo
from tnlearn.errors import PlanError
from tnlearn.execution import primes_of
from tnlearn.execution.recipe import from_text
from tnlearn_backends.numpy_backend.algebras.numbers import residue

pytestmark = pytest.mark.filterwarnings("error")

Array: TypeAlias = np.ndarray[Any, Any]
Ways: TypeAlias = tuple[float, int]

#: The largest that is allowed: sums of products come as near to 2**53 as they can.
PRIME = 16_777_213
FEW = 4


@dataclass(frozen=True)
class Rule:
    """An algebra, the same for `reference`, and how a number becomes one of its elements."""

    algebra: Algebra
    reference: reference.Algebra
    element: Callable[[float], Any]


def ways(sign: int, modulus: int | None = None) -> reference.Algebra:
    """Pairs of a best value and the number of ways to attain it."""

    def plus(a: Ways, b: Ways) -> Ways:
        if a[0] == b[0]:
            return a[0], (a[1] + b[1]) % modulus if modulus else a[1] + b[1]
        return max(a, b, key=lambda pair: sign * pair[0])

    def times(a: Ways, b: Ways) -> Ways:
        both = a[1] * b[1]
        return a[0] + b[0], both % modulus if modulus else both

    return reference.Algebra(plus, times, (-sign * math.inf, 0), (0.0, 1))


def few(sign: int, length: int) -> reference.Algebra:
    """The best values, each as often as it is attained."""

    def cut(values: Any) -> tuple[float, ...]:
        best = sorted(values, reverse=sign > 0)[:length]
        return (*best, *[-sign * math.inf] * (length - len(best)))

    return reference.Algebra(
        plus=lambda a, b: cut(a + b),
        times=lambda a, b: cut(x + y for x in a for y in b),
        zero=cut(()),
        one=cut((0.0,)),
    )


RULES = [
    Rule(MAX_PLUS, reference.Algebra(max, add, -math.inf, 0.0), float),
    Rule(MIN_PLUS, reference.Algebra(min, add, math.inf, 0.0), float),
    Rule(counting(1), ways(1), lambda x: (x, int(x > -math.inf))),
    Rule(counting(-1, 3), ways(-1, 3), lambda x: (x, int(x < math.inf))),
    Rule(best_few(1, FEW), few(1, FEW), lambda x: (x, *[-math.inf] * (FEW - 1))),
    Rule(best_few(-1, FEW), few(-1, FEW), lambda x: (x, *[math.inf] * (FEW - 1))),
    Rule(
        modulo(PRIME),
        reference.Algebra(lambda a, b: (a + b) % PRIME, lambda a, b: a * b % PRIME, 0, 1),
        lambda x: int(x) % PRIME,
    ),
]
every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.algebra.name)


def expected(rule: Rule, arrays: list[Any], indices: list[str], output: str) -> Array:
    """The value by definition, parts of entries on a last axis."""
    terms, sizes = [], {}
    for array, term in zip(map(np.asarray, arrays), indices, strict=True):
        sizes.update(zip(term, array.shape, strict=True))
        entries = {at: rule.element(float(x)) for at, x in np.ndenumerate(array)}
        terms.append((entries, term))
    found = reference.contract(terms, sizes, output, rule.reference)
    result = np.empty([sizes[i] for i in output] + list(rule.algebra.parts))
    for at, value in found.items():
        result[at] = value
    return result


def forbidding(array: Any, rule: Rule, random: Random) -> Array:
    """An array of integers with some entries forbidden, where sums are choices."""
    array = np.array(array, dtype=float)
    if rule.algebra.sums_by_choice:
        mask = [random.random() < 0.2 for _ in range(array.size)]
        array[np.reshape(mask, array.shape).astype(bool)] = rule.algebra.zero
    return array


@every_rule
@pytest.mark.parametrize(
    ("arrays", "indices", "output"), [pytest.param(*s[1:4], id=s[0]) for s in STRUCTURES]
)
def test_structure(rule: Rule, arrays: list[Any], indices: list[str], output: str) -> None:
    if any(np.any(np.asarray(array) % 1) for array in arrays):
        arrays = [2 * np.asarray(array) for array in arrays]  # integers, for modular ones
    if len(output) > 10:  # by definition it takes a while
        arrays, indices, output = [A], ["ij"], "ji"
    got = tnl.contract(build(arrays, indices, output), algebra=rule.algebra)
    np.testing.assert_array_equal(got, expected(rule, arrays, indices, output))


@every_rule
@pytest.mark.parametrize("block", range(4))
def test_random_networks_with_any_slices(rule: Rule, block: int) -> None:
    for seed in range(50 * block, 50 * block + 50):
        case = random_case(seed)
        random = Random(seed)
        arrays = real_arrays(case, rule, random)
        network = network_of(case, arrays)
        value = expected(rule, arrays, [t.indices for t in case.terms], case.output)
        plan = tnl.plan(network)
        np.testing.assert_array_equal(
            tnl.contract(network, algebra=rule.algebra, plan=plan), value, err_msg=repr(case)
        )
        numbers = range(len(case.sizes))
        sliced = tuple(random.sample(numbers, random.randint(0, min(3, len(numbers)))))
        plan = replace(plan, path=random_path(len(case.terms), random), sliced=sliced)
        got = tnl.contract(network, algebra=rule.algebra, plan=plan)
        np.testing.assert_array_equal(got, value, err_msg=f"{plan.path}, {sliced} of {case}")


@every_rule
@pytest.mark.parametrize("sliced", ["", "j", "k"])
@pytest.mark.parametrize("size", [0, 1, 5])
def test_batches(rule: Rule, size: int, sliced: str) -> None:
    matrices, vectors = np.arange(6.0 * size).reshape(size, 2, 3), np.arange(3.0 * size)
    arrays, indices = [matrices, vectors.reshape(3, size), A], ["bij", "jb", "ik"]
    network = build([np.ones((4, 2, 3)), np.ones((3, 4)), A], indices, "kb")
    plan = tnl.plan(network, batch="b")
    plan = replace(plan, sliced=tuple(list(network.sizes).index(index) for index in sliced))
    program = tnl.compile(network, batch="b", plan=plan, algebra=rule.algebra)
    np.testing.assert_array_equal(program(arrays), expected(rule, arrays, indices, "kb"))


@every_rule
def test_every_inner_loop(rule: Rule) -> None:
    """Runs long enough for every form of loop, and for residues to be reduced on the way."""
    random = np.random.default_rng(0)
    shapes = {"scaled": ("ab,bc", "ac"), "paired": ("ab,ab", "ab"), "sum": ("ab,ab", ""),
              "row": ("ab,b", "a"), "matrices": ("ab,cb", "ca"), "one": ("ab", "a"),
              "outer": ("ab,cd", "dbca"), "middle": ("abc,bd", "acd")}  # fmt: skip
    sizes = {"a": 37, "b": 53, "c": 21, "d": 3}
    for name, (terms, output) in shapes.items():
        indices = terms.split(",")
        low, high = (PRIME - 9, PRIME) if rule.algebra.kind == "modular" else (0, 9)
        arrays = [random.integers(low, high, [sizes[i] for i in term]) for term in indices]
        got = tnl.contract(build(arrays, indices, output), algebra=rule.algebra)
        wanted = dense(rule, arrays, indices, output)
        np.testing.assert_array_equal(got, wanted, err_msg=name)


def dense(rule: Rule, arrays: list[Array], indices: list[str], output: str) -> Array:
    """The value from one large table of all products, in NumPy."""
    labels = output + "".join(sorted({i for term in indices for i in term} - set(output)))
    sizes = {
        i: n for a, t in zip(arrays, indices, strict=True) for i, n in zip(t, a.shape, strict=True)
    }
    whole = [sizes[i] for i in labels]
    spread = [
        np.einsum(a, [labels.index(i) for i in t], sorted(labels.index(i) for i in t)).reshape(
            [sizes[i] if i in t else 1 for i in labels]
        )
        for a, t in zip(arrays, indices, strict=True)
    ]
    modular = rule.algebra.kind == "modular"
    table = np.ones(whole, np.int64) if modular else np.zeros(whole)
    for array in spread:
        table = table * (array % PRIME) % PRIME if modular else table + array
    table = table.reshape([sizes[i] for i in output] + [-1])
    if modular:
        return np.asarray(table.sum(-1) % PRIME, float)
    table = -rule.algebra.sign * np.sort(-rule.algebra.sign * table, axis=-1)
    if rule.algebra.kind == "best":
        return np.asarray(table[..., 0])
    if rule.algebra.kind == "list":
        worst = np.full((*table.shape[:-1], FEW), rule.algebra.zero)
        return np.concatenate([table, worst], axis=-1)[..., :FEW]
    count = (table == table[..., :1]).sum(-1)
    modulus = rule.algebra.modulus
    return np.stack([table[..., 0], count % modulus if modulus else count], -1)


@every_rule
def test_results_stand_alone(rule: Rule) -> None:
    program = tnl.compile(build([A], ["ij"], "ij"), algebra=rule.algebra)
    x = program.pack([A])
    first = program(x)
    kept = first.copy()
    first[...] = 99.0
    np.testing.assert_array_equal(program(x), kept)


@every_rule
def test_a_record_holds_every_tensor_of_a_slice(rule: Rule) -> None:
    network = build([A, B, V], ["ij", "jk", "j"], "")
    plan = replace(tnl.plan(network), sliced=(1, 2))
    program = tnl.compile(network, plan=plan, algebra=rule.algebra)
    x, walker = program.pack([A, B, V]), program.walker
    total, alone = None, walker.parts(x)
    for number in range(12):
        record, _ = walker.back(x, number)
        assert len(record.slots) == record.instructions.seed
        j, k = np.unravel_index(number, (3, 4))
        np.testing.assert_array_equal(record.plain(0)[:, 0], expected(rule, [A[:, j]], ["i"], "i"))
        part = record.plain(record.instructions.value)
        parts = [A[:, j], B[j, k], V[j]]
        np.testing.assert_array_equal(part, expected(rule, parts, ["i", "", ""], ""))
        np.testing.assert_array_equal(part, alone[number])
        slot = record.slots[record.instructions.value]
        total = slot if total is None else record.executable.add(total, slot)
    value = program([A, B, V])
    np.testing.assert_array_equal(record.executable.plain(total), value)


def test_nothing_is_ever_nan() -> None:
    """Where all is forbidden the value is the algebra's zero, and ways are never too many."""
    nothing = np.full((2, 2), -np.inf)
    got = tnl.contract(build([nothing, np.zeros((2, 2))], ["ij", "jk"], "ik"), algebra="max-plus")
    np.testing.assert_array_equal(got, nothing)
    many = [np.zeros((2, 2))] * 1100  # 2**1100 ways, too many for a float
    network = tnl.TensorNetwork(
        [tnl.Tensor(a, (k, k + 1)) for k, a in enumerate(many)] + [tnl.Tensor([0, -np.inf], (0,))]
    )
    value, ways = tnl.contract(network, algebra="max-count")
    assert value == 0
    assert ways >= 1e300
    closed = tnl.TensorNetwork([*network, tnl.Tensor([-np.inf] * 2, (1100,))])
    np.testing.assert_array_equal(tnl.contract(closed, algebra="max-count"), [-np.inf, 0])


def test_too_many_ways_times_none_are_none() -> None:
    """Not even where 2**1100 ways are there before they meet what forbids them all."""
    tensors = [tnl.Tensor(np.zeros(1024), (k,)) for k in range(110)]
    network = tnl.TensorNetwork([*tensors, tnl.Tensor([-np.inf], "x")])
    one_by_one = ((0, 1), *((110 + k, 1 + k) for k in range(1, 110)))
    plan = replace(tnl.plan(network), path=one_by_one)
    got = tnl.contract(network, algebra="max-count", plan=plan)
    np.testing.assert_array_equal(got, [-np.inf, 0])


def test_residues_next_to_multiples() -> None:
    """Where a quotient that is rounded is most easily one too large or too small."""
    random = Random(0)
    for prime in (2, 3, 49, 10007, *primes_of(600)):
        for _ in range(200):
            x = random.randrange(1, 2**53 // prime) * prime
            for near in (x - 1, x, x + 1):
                found = residue.py_func(float(near), float(prime), 1 / prime)
                assert found == near % prime, (near, prime)


REFUSED = [
    ("nan", MAX_PLUS, [0.0, np.nan], ValueError, "'1' holds nan"),
    ("the other infinity", MAX_PLUS, [0.0, np.inf], ValueError, r"holds inf at \(1,\)"),
    ("likewise", MIN_PLUS, [-np.inf, 0.0], ValueError, "holds -inf"),
    ("a fraction", modulo(7), [0.5, 0.0], ValueError, "holds 0.5.*integers"),
    ("an infinity", modulo(7), [np.inf, 0.0], ValueError, "integers"),
]


@pytest.mark.parametrize(
    ("algebra", "entries", "error", "message"), [pytest.param(*r[1:], id=r[0]) for r in REFUSED]
)
def test_entries_that_are_refused(
    algebra: Algebra, entries: list[float], error: type[Exception], message: str
) -> None:
    program = tnl.compile(build([V, V[:2]], ["i", "j"], ""), algebra=algebra)
    with pytest.raises(error, match=message) as caught:
        program.pack([V, entries])
    assert isinstance(caught.value, tnl.TnlearnError)


def test_questions_that_are_refused() -> None:
    network = build([V], ["i"], "")
    program = tnl.compile(network, algebra="max-plus")
    for question in (program.log, program.value_and_gradient, program.log_value_and_gradient):
        with pytest.raises(ValueError, match=r"no (logarithm|gradient) in max-plus"):
            question([V])
    with pytest.raises(ValueError, match=r"'max-times' is not known: give one of sum-product, max"):
        tnl.compile(network, algebra="max-times")
    with pytest.raises(TypeError, match=r"complex.*min-plus"):
        tnl.compile(build([V * 1j], ["i"], ""), algebra="min-plus")
    for bad in (1, 2**24):
        with pytest.raises(ValueError, match=f"{bad}; it must be"):
            modulo(bad)


def real_arrays(case: Case, rule: Rule, random: Random) -> list[Array]:
    """Real parts, some entries forbidden; what shares a parameter stays the same."""
    found: dict[int, Array] = {}
    for k, (term, array) in enumerate(zip(case.terms, case.arrays(), strict=True)):
        if term.owner == k:
            found[k] = forbidding(array.real, rule, random)
    return [found[term.owner] for term in case.terms]


def network_of(case: Case, arrays: list[Array]) -> tnl.TensorNetwork:
    return case.network(arrays)


# Other processes


def sliced_program(rule: Rule, executor: Any = None) -> tuple[tnl.Program, list[Array]]:
    """A program of 24 slices with an open index, and what it is run on."""
    random = np.random.default_rng(0)
    terms, sizes = ["abc", "bcd", "cda", "ab", "d"], dict(zip("abcd", (4, 3, 2, 4), strict=True))
    arrays = [
        forbidding(random.integers(0, 9, [sizes[i] for i in term]), rule, Random(0))
        for term in terms
    ]
    network = tnl.TensorNetwork(map(tnl.Tensor, arrays, terms), "a")
    plan = replace(tnl.plan(network), sliced=(0, 1, 2))
    return tnl.compile(network, plan=plan, algebra=rule.algebra, executor=executor), arrays


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_slices_run_on_executors(kind: str) -> None:
    make = {
        "threads": lambda: ThreadPoolExecutor(2),
        "processes": lambda: ProcessPoolExecutor(2, mp_context=get_context("spawn")),
    }[kind]
    with make() as executor:
        for rule in RULES:
            program, arrays = sliced_program(rule)
            elsewhere, _ = sliced_program(rule, executor)
            wanted = expected(rule, arrays, ["abc", "bcd", "cda", "ab", "d"], "a")
            np.testing.assert_array_equal(program(arrays), wanted)
            np.testing.assert_array_equal(elsewhere(arrays), wanted)
            x = program.pack(arrays)
            np.testing.assert_array_equal(elsewhere.walker.parts(x), program.walker.parts(x))


@every_rule
def test_a_recipe_is_the_same_after_a_journey(rule: Rule) -> None:
    recipe = sliced_program(rule)[0]._recipe
    again = from_text(recipe.text)
    assert again.algebra == rule.algebra
    assert again.text == recipe.text
    assert again.dtype == "float64"
    assert again.peak_bytes == recipe.plan.cost.peak_bytes * math.prod(rule.algebra.parts)


@every_rule
def test_tensors_are_the_same_after_a_journey(rule: Rule) -> None:
    program, arrays = sliced_program(rule)
    executable = program._executable
    packed = program.pack(arrays).tensors
    again = executable.receive(*executable.send(packed))
    assert len(again) == len(packed)
    for one, other in zip(packed, again, strict=True):
        np.testing.assert_array_equal(one, other)
    one, nothing = executable.receive(*executable.send([packed[0], None]))
    np.testing.assert_array_equal(one, packed[0])
    assert nothing is None


def test_a_question_in_an_algebra_takes_an_executor() -> None:
    model = tnl.Ising(nx.grid_2d_graph(5, 5, periodic=True), coupling=-1.0)
    limit = tnl.plan(model.energies()).cost.peak_bytes
    with ThreadPoolExecutor(2) as pool:
        for options in ({}, {"executor": pool}):
            found = tnl.mode(model, 2, count=True, memory_limit=limit, **options)
            assert found.degeneracy is not None
            assert sum(tnl.density_of_states(model, **options).values()) == 2**25
    few = tnl.density_of_states(model)
    assert min(few) == found.energy
    assert few[found.energy] == found.degeneracy


def test_warm_processes_do_not_import_the_compiler() -> None:
    code = (
        "import sys, numpy as np, tnlearn as tnl\n"
        "x = tnl.contract('ij,jk->ik', np.ones((2, 2)), np.ones((2, 2)), algebra='max-plus')\n"
        "print(x[0, 0], 'numba' in sys.modules)\n"
    )
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["2.0", "False"], done.stderr


@pytest.mark.parametrize("question", ["hvp", "log_hvp"])
def test_there_is_no_second_derivative(question: str) -> None:
    program, arrays = sliced_program(RULES[0])
    with pytest.raises(PlanError, match="there is no second derivative in max-plus"):
        getattr(program, question)(arrays, arrays)
