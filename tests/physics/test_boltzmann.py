"""Boltzmann machines: restricted ones in closed form, gradients, and what is refused."""

from __future__ import annotations

import itertools
import math
from typing import Any

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from tnlearn.errors import DataTypeError, ModelError
from tnlearn.execution import Program
from tnlearn.physics import BoltzmannMachine

pytestmark = pytest.mark.filterwarnings("error")

Array = np.ndarray[Any, Any]


def restricted(visible: int, hidden: int, seed: int = 0) -> tuple[Array, Array, Array]:
    random = np.random.default_rng(seed)
    return (
        random.normal(size=(visible, hidden)),
        random.normal(size=visible),
        random.normal(size=hidden),
    )


def machine_of(w: Array, a: Array, b: Array, beta: float = 1.0) -> BoltzmannMachine:
    pairs = {(f"v{i}", f"h{j}"): w[i, j] for i in range(len(a)) for j in range(len(b))}
    fields = {f"v{i}": x for i, x in enumerate(a)} | {f"h{j}": x for j, x in enumerate(b)}
    return BoltzmannMachine(pairs, fields, [f"h{j}" for j in range(len(b))], beta)


def bits(n: int) -> Array:
    return np.array(list(itertools.product((0, 1), repeat=n)))


def test_a_restricted_machine_in_closed_form() -> None:
    """``ln p*(v) = a.v + sum_j ln(1 + exp(b_j + v.W_j))``, and Z the other way round."""
    w, a, b = restricted(5, 4)
    machine, v, h = machine_of(w, a, b), bits(5), bits(4)
    free = v @ a + np.log1p(np.exp(v @ w + b)).sum(axis=1)
    other = np.exp(h @ b + np.log1p(np.exp(h @ w.T + a)).sum(axis=1)).sum()
    assert tnl.log_partition(machine) == pytest.approx(math.log(other), rel=1e-14)
    np.testing.assert_allclose(machine.log_probability(v), free - math.log(other), rtol=1e-12)


def test_many_hidden_units_cost_a_sum_each() -> None:
    """60 hidden units are summed one by one once the visible ones are held."""
    w, a, b = restricted(6, 60)
    machine, v = machine_of(w, a, b, beta=0.5), bits(6)
    free = 0.5 * v @ a + np.log1p(np.exp(0.5 * (v @ w + b))).sum(axis=1)
    expected = free - np.log(np.exp(free - free.max()).sum()) - free.max()
    np.testing.assert_allclose(machine.log_probability(v), expected, rtol=1e-11)


def test_all_states_are_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    w, a, b = restricted(4, 3)
    machine = machine_of(w, a, b)
    expected = [float(machine.log_probability([v])[0]) for v in bits(4)]
    runs = []
    log = Program.log
    monkeypatch.setattr(Program, "log", lambda self, x: runs.append(1) or log(self, x))
    found = machine.log_probability(bits(4))
    assert len(runs) == 1
    np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_nothing_hidden_is_no_contraction(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = BoltzmannMachine({(0, 1): 1.0, (1, 2): -1.0}, 0.5)
    expected = machine.log_probability(bits(3))
    monkeypatch.delattr(Program, "log")
    np.testing.assert_array_equal(machine.log_probability(bits(3)), expected)


def test_blocks_of_states_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from tnlearn.physics import clamping

    w, a, b = restricted(4, 3)
    expected = machine_of(w, a, b).log_probability(bits(4))
    monkeypatch.setattr(clamping, "CHUNK", 20)
    np.testing.assert_allclose(machine_of(w, a, b).log_probability(bits(4)), expected, rtol=1e-13)


def test_hidden_units_that_are_coupled() -> None:
    graph = nx.gnp_random_graph(9, 0.6, seed=2)
    random = np.random.default_rng(2)
    pairs = {edge: random.normal() for edge in graph.edges}
    fields = {site: random.normal() for site in graph}
    machine = BoltzmannMachine(pairs, fields, hidden=[1, 4, 5, 8], beta=0.7)
    assert machine.visible == (0, 2, 3, 6, 7)
    assert machine.hidden == (1, 4, 5, 8)
    states = bits(9)
    weights = np.exp(-0.7 * machine.energy(states)).reshape((2,) * 9)
    expected = np.log(weights.sum(axis=(1, 4, 5, 8)) / weights.sum()).ravel()
    np.testing.assert_allclose(machine.log_probability(bits(5)), expected, rtol=1e-12)


def test_the_gradient_is_a_difference_of_moments() -> None:
    """``d ln p(s) / d w_ij = s_i s_j - <s_i s_j>`` of a machine with no hidden units."""
    w, step = np.array([[0, 0.5, -1], [0.5, 0, 0.3], [-1, 0.3, 0]]), 1e-5
    state = [[1, 1, 0]]
    moment = tnl.marginals(BoltzmannMachine(w, 0.2), [(0, 1)])[0, 1][1, 1]
    ends = []
    for sign in (1, -1):
        moved = w.copy()
        moved[0, 1] += sign * step
        moved[1, 0] += sign * step
        ends.append(BoltzmannMachine(moved, 0.2).log_probability(state)[0])
    assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(1 - moment, rel=1e-8)


def test_bits_are_spins() -> None:
    """``v = (1 + s) / 2``: J = w / 4, h = b / 2 + sum w / 4, up to a constant."""
    w, b = np.array([[0, 2.0, -1], [2, 0, 0.5], [-1, 0.5, 0]]), np.array([0.3, -0.2, 0.7])
    machine = BoltzmannMachine(w, b)
    ising = tnl.Ising(
        nx.complete_graph(3),
        {(i, j): w[i, j] / 4 for i in range(3) for j in range(i)},
        dict(enumerate(b / 2 + w.sum(axis=1) / 4)),
    )
    states = bits(3)
    np.testing.assert_allclose(
        machine.log_probability(states), ising.log_probability(2 * states - 1), rtol=1e-13
    )


def test_sites_of_couplings_and_fields() -> None:
    machine = BoltzmannMachine({("b", "a"): 1.0, ("c", "a"): 2.0}, {"z": 1.0, "a": 0.5})
    assert machine.sites == ("z", "a", "b", "c")
    assert dict(machine.fields) == {"z": 1.0, "a": 0.5, "b": 0.0, "c": 0.0}
    assert BoltzmannMachine(np.zeros((3, 3))).sites == (0, 1, 2)
    assert BoltzmannMachine({}, {"a": 1.0}).sites == ("a",)


MATRIX = [[0.0, 1.0], [1.0, 0.0]]
# name -> arguments, what the message must say
MISTAKES: dict[str, tuple[tuple[Any, ...], str]] = {
    "twice": (({(0, 1): 1.0, (1, 0): 2.0},), r"edge \(0, 1\) has a coupling in both orientations"),
    "self": (({(1, 1): 1.0},), "self-loop at 1"),
    "triple": (({(0, 1, 2): 1.0},), r"\(0, 1, 2\), which is no pair of sites"),
    "text": (({"ab": 1.0},), "'ab', which is no pair"),
    "nan": (({(0, 1): math.nan},), r"coupling of \(0, 1\) is nan"),
    "field": (({(0, 1): 1.0}, {0: math.inf}), "field of 0 is inf"),
    "nothing": (({},), "no sites"),
    "square": (([[0.0, 1.0]],), r"shape \(1, 2\); a matrix of them is square"),
    "symmetric": (([[0.0, 1.0], [2.0, 0.0]],), "of 0 and 1 is 1.0, but of 1 and 0 2.0"),
    "diagonal": (([[0.0, 1.0], [1.0, 3.0]],), r"site 1 has a coupling 3\.0 with itself"),
    "nan in a matrix": (([[0, math.nan], [math.nan, 0]],), r"entry nan at \(0, 1\)"),
    "fields": ((MATRIX, [1.0, 2.0, 3.0]), r"array of fields has shape \(3,\); it must be \(2,\)"),
    "field of none": ((MATRIX, {7: 1.0}), "field for 7, which is no site"),
    "unknown hidden": ((MATRIX, 0.0, [5]), "hidden site 5 has neither"),
    "hidden twice": ((MATRIX, 0.0, [1, 1]), "hidden site 1 is given twice"),
    "beta": ((MATRIX, 0.0, [], math.nan), "beta is nan"),
}


@pytest.mark.parametrize(("arguments", "message"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        BoltzmannMachine(*arguments)


def test_what_is_no_number_is_named() -> None:
    with pytest.raises(DataTypeError, match="field of 0 is 'strong'"):
        BoltzmannMachine(MATRIX, "strong")
    with pytest.raises(DataTypeError, match="matrix of couplings is 'w'"):
        BoltzmannMachine("w")
    with pytest.raises(DataTypeError, match="fields are an array, but the sites have names"):
        BoltzmannMachine({("a", "b"): 1.0}, [1.0, 2.0])


def test_states_are_those_of_the_visible_sites() -> None:
    machine = BoltzmannMachine({("a", "h"): 1.0}, hidden=["h"])
    with pytest.raises(ModelError, match=r"shape \(n_states, 1\), got \(1, 2\)"):
        machine.log_probability([[0, 1]])
    with pytest.raises(ModelError, match="site 'a' at 2; its values are 0 to 1"):
        machine.log_probability([[2]])
