"""The networks of the benchmarks mean what they say."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import tnlearn as tnl
from benchmarks import networks, uai
from benchmarks.chains import as_chain
from benchmarks.instances import Instance
from benchmarks.problems import problems


def value(instance: Instance, number: int = 0) -> complex:
    """Of a closed instance, by NumPy alone."""
    pairs = zip(instance.sets[number], instance.inputs, strict=True)
    return complex(np.einsum(*(part for pair in pairs for part in pair), (), optimize="greedy"))


def test_the_ising_lattice_is_that_of_the_library() -> None:
    instance = networks.ising(networks.lattice(3), 0.4, seed=1)
    states = np.array(list(product((-1, 1), repeat=9)))
    energies = np.zeros(len(states))
    for array, (a, b) in zip(instance.sets[0], instance.inputs, strict=True):
        # Rows of a bond matrix are exp(-x), exp(x) and the reverse, with x = beta J.
        energies += np.log(array[1, 1]) * states[:, a] * states[:, b]
    assert value(instance).real == pytest.approx(np.exp(energies).sum())
    assert np.mean([np.log(array[1, 1]) for array in instance.sets[0]]) == pytest.approx(0.4, 0.15)


def test_sets_differ_but_for_their_constants() -> None:
    instance = networks.ising(networks.lattice(3), 0.4, seed=1)
    assert len(instance.sets) == networks.SETS
    assert len({value(instance, k) for k in range(networks.SETS)}) == networks.SETS


def test_the_same_seed_gives_the_same_arrays() -> None:
    one, same, other = (networks.rbm(2, 3, 4, seed) for seed in (5, 5, 6))
    assert all(np.array_equal(a, b) for a, b in zip(one.sets[2], same.sets[2], strict=True))
    assert not np.array_equal(one.sets[2][0], other.sets[2][0])


def test_the_machine_has_its_partition_function() -> None:
    visible, hidden = 3, 2
    instance = networks.rbm(visible, hidden, batch=2, seed=0)
    arrays = instance.sets[0]
    pairs, (c, d), biases = arrays[:6], arrays[6:8], arrays[8:]
    weights = np.log([pair[1, 1] for pair in pairs]).reshape(visible, hidden)
    totals = np.zeros(2)
    for v in product((0, 1), repeat=visible):
        for h in product((0, 1), repeat=hidden):
            fields = np.prod([bias[:, bit] for bias, bit in zip(biases, v, strict=True)], axis=0)
            totals += np.exp(np.array(v) @ weights @ np.array(h)) * c[h[0]] * d[h[1]] * fields
    assert tnl.contract(instance.network) == pytest.approx(totals)


def test_the_amplitude_is_that_of_a_state_vector() -> None:
    """Gates are applied to the state one by one, as tensors of two axes a qubit."""
    rows, columns, depth = 2, 3, 4
    instance = networks.circuit(rows, columns, depth, seed=3)
    qubits, amplitudes = rows * columns, []
    for arrays in instance.sets:
        state = np.zeros((2,) * qubits, complex)
        state[(0,) * qubits] = 1
        wire = {term[0]: q for q, term in enumerate(instance.inputs[:qubits])}
        middle = slice(qubits, -qubits)
        for gate, term in zip(arrays[middle], instance.inputs[middle], strict=True):
            count = len(term) // 2
            axes = [wire[i] for i in term[count:]]
            state = np.moveaxis(
                np.tensordot(gate, state, (range(count, 2 * count), axes)), range(count), axes
            )
            wire |= dict(zip(term[:count], axes, strict=True))
        assert np.linalg.norm(state) == pytest.approx(1)
        amplitudes.append(state[(0,) * qubits])
    assert [value(instance, k) for k in range(networks.SETS)] == pytest.approx(amplitudes)


def test_a_layer_touches_no_qubit_twice_and_four_touch_all_bonds() -> None:
    qubits = [(r, c) for r in range(4) for c in range(5)]
    patterns = [networks._pattern(qubits, kind) for kind in range(4)]
    assert all(len({q for pair in p for q in pair}) == 2 * len(p) for p in patterns)
    assert len({pair for p in patterns for pair in p}) == 4 * 4 + 3 * 5


@pytest.mark.parametrize("build", [networks.mps, networks.ttn])
def test_classifiers_have_a_score_per_sample_and_class(build: Callable[..., Instance]) -> None:
    instance = build(6, 3, 7, "float32", 0)
    scores = tnl.contract(instance.network)
    assert scores.shape == (7, networks.CLASSES) == np.shape(instance.target)
    assert scores.dtype == np.float32
    assert 0.1 < np.abs(scores).max() < 10
    assert instance.batch is not None
    assert instance.sizes[instance.batch] == 7
    assert all(instance.batch in instance.inputs[k] for k in instance.constants)


def test_chains_are_told_from_other_networks() -> None:
    chain = as_chain(networks.mps(6, 3, 4, "float32", 0))
    assert chain is not None
    assert (chain.cores, chain.middle, chain.sites) == (tuple(range(7)), 3, 6)
    swapped = [*range(7), 8, 7, *range(9, 13)]
    inputs = networks.mps(6, 3, 4, "float32", 0).inputs
    other = replace(networks.mps(6, 3, 4, "float32", 0), inputs=tuple(inputs[k] for k in swapped))
    assert as_chain(other) is None
    assert as_chain(networks.ttn(2, 3, 4, "float64", 0)) is None
    assert as_chain(networks.bond_grid(3, 2, 0)) is None


def test_hyperedges_are_seen() -> None:
    assert networks.ising(networks.complete(4), 0.4, 0).has_hyperedges  # three bonds a spin
    assert not networks.ising(networks.lattice(2), 0.4, 0).has_hyperedges
    assert not networks.bond_grid(3, 2, 0).has_hyperedges


def test_factor_graphs_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "uai2014" / "PR"
    folder.mkdir(parents=True)
    text = "MARKOV\n2\n2 3\n2\n1 0\n2 0 1\n\n2\n 0.5 1.5\n\n6\n 1 2 3\n 4 5 6\n"
    with gzip.open(folder / "small.uai.gz", "wt", encoding="ascii") as file:
        file.write(text)
    log10 = np.log10(0.5 * 6 + 1.5 * 15)
    (folder / "small.uai.PR").write_text(f"PR\n{log10}\n", encoding="ascii")
    monkeypatch.setenv(uai.VARIABLE, str(tmp_path))
    instance = uai.uai("small", seed=0)
    assert instance.inputs == ((0,), (0, 1))
    assert value(instance).real == pytest.approx(1, rel=0.1)  # The entries are shaken a little.
    assert any(problem.name.startswith("uai") for problem in problems())
    monkeypatch.delenv(uai.VARIABLE)
    assert not any(problem.name.startswith("uai") for problem in problems())
