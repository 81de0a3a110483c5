"""The laws every model obeys, on random small ones of each, by listing every state."""

from __future__ import annotations

import copy
import math
from itertools import product
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats

import tnlearn as tnl
from random_models import MODELS, Case
from tnlearn.errors import ModelError
from tnlearn.network import HasEnergies

pytestmark = pytest.mark.filterwarnings("error")

every_model = pytest.mark.parametrize("name", MODELS)
few = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
data = st.data()


def some(case: Case, count: int) -> list[int]:
    """Numbers of a few states, the first and the last among them."""
    return np.unique(np.linspace(0, len(case.states) - 1, count).astype(int)).tolist()


def at(case: Case, number: int) -> dict[Any, int]:
    """Positions of the sites in a state."""
    pairs = zip(case.values.items(), case.states[number], strict=True)
    return {site: list(values).index(value) for (site, values), value in pairs}


def close(found: Any, expected: Any, scale: float = 1.0) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12 * scale)


@every_model
@few
@given(data)
def test_energy_is_that_of_the_definition(name: str, data: Any) -> None:
    case = data.draw(MODELS[name])
    model = case.model
    assert isinstance(model, HasEnergies)
    assert model.sites == tuple(case.values)
    assert [tuple(model.values(site)) for site in model.sites] == [
        tuple(values) for values in case.values.values()
    ]
    found = model.energy(case.states)
    assert (found.shape, found.dtype) == ((len(case.states),), np.float64)
    close(found, case.energies)
    assert model.energy(np.empty((0, len(model.sites)))).shape == (0,)


@every_model
@few
@given(data)
def test_the_network_is_the_sum_of_weights(name: str, data: Any) -> None:
    case = data.draw(MODELS[name])
    network, weights = case.model.network(), case.weights
    assert network.output == ()
    assert {site: network.sizes[site] for site in case.values} == {
        site: len(values) for site, values in case.values.items()
    }
    close(tnl.contract(network), weights.sum())
    for number in some(case, 6):
        close(tnl.contract(network.fix(at(case, number))), weights[number])


@every_model
@few
@given(data)
def test_energies_add_up(name: str, data: Any) -> None:
    """At every state; what indices there are besides the sites is decided by these."""
    case = data.draw(MODELS[name])
    model = case.model
    network = model.energies()
    assert dict(network.sizes) == dict(model.network().sizes)
    counted = tnl.compile(network, algebra="min-count")
    ways = counted([tensor.data for tensor in network])[1]
    assert 1 <= ways <= len(case.states)
    for number in some(case, 6):
        fixed = network.fix(at(case, number))
        program = tnl.compile(fixed, algebra="min-count")
        total, ways = program([tensor.data for tensor in fixed])
        close(total, case.energies[number])
        assert ways == 1 or math.isinf(total)


@every_model
@few
@given(data)
def test_marginals(name: str, data: Any) -> None:
    case = data.draw(MODELS[name])
    table = (case.weights / case.weights.sum()).reshape([len(v) for v in case.values.values()])
    sites = list(case.values)
    others = lambda *kept: tuple(k for k in range(len(sites)) if k not in kept)  # noqa: E731
    found = tnl.marginals(case.model)
    assert list(found) == sites
    for k, site in enumerate(sites):
        close(found[site], table.sum(axis=others(k)))
    if len(sites) > 1:
        a, b = sorted(data.draw(st.permutations(range(len(sites))))[:2])
        pair = tnl.marginals(case.model, [(sites[a], sites[b])])
        close(pair[sites[a], sites[b]], table.sum(axis=others(a, b)))


@every_model
@few
@given(data)
def test_mode(name: str, data: Any) -> None:
    case = data.draw(MODELS[name])
    found = tnl.mode(case.model, count=case.ties)
    best = (case.beta * case.energies).min()
    close(case.beta * found.energy, best)
    close(case.beta * case.energy(dict(found.state)), best)
    if case.ties:
        assert found.degeneracy == np.isclose(case.beta * case.energies, best, atol=1e-9).sum()


@every_model
@few
@given(data)
def test_log_probability_of_visible_states(name: str, data: Any) -> None:
    case = data.draw(MODELS[name])
    model = case.model
    assert getattr(model, "visible", model.sites) == tuple(case.visible)
    sites = list(case.values)
    hidden = tuple(k for k, site in enumerate(sites) if site not in set(case.visible))
    table = (case.weights / case.weights.sum()).reshape([len(v) for v in case.values.values()])
    expected = table.sum(axis=hidden).ravel()
    states = list(product(*(case.values[site] for site in sites if site in set(case.visible))))
    found = model.log_probability(np.reshape(states, (len(states), len(case.visible))))
    assert (found.shape, found.dtype) == ((len(states),), np.float64)
    np.testing.assert_array_equal(np.isneginf(found), expected == 0)
    close(np.exp(found), expected)
    close(np.exp(found).sum(), 1.0)
    assert model.log_probability(np.empty((0, len(case.visible)))).shape == (0,)


@every_model
@settings(few, max_examples=3)
@given(data)
def test_samples(name: str, data: Any) -> None:
    """Pearson's statistic of the counts of all states; a false alarm once in a million."""
    case = data.draw(MODELS[name].filter(lambda case: 4 < len(case.states) < 60))
    size = 4000
    drawn = tnl.sample(case.model, size, seed=1)
    number = {state: k for k, state in enumerate(case.states)}
    counts = np.bincount([number[tuple(row)] for row in drawn.tolist()], minlength=len(number))
    expected = size * case.weights / case.weights.sum()
    assert not counts[expected == 0].any()
    rare = expected < 5
    seen = np.append(counts[~rare], counts[rare].sum())
    wanted = np.append(expected[~rare], expected[rare].sum())
    seen, wanted = seen[wanted > 0], wanted[wanted > 0]
    statistic = ((seen - wanted) ** 2 / wanted).sum()
    assert statistic <= stats.chi2.isf(1e-6, max(1, len(seen) - 1))


@pytest.mark.parametrize("model", ["Potts", "Clock", "Hopfield", "BoltzmannMachine"])
@few
@given(data)
def test_hardly_any_temperature(model: str, data: Any) -> None:
    """Nothing overflows, and the states of least energy are all there is."""
    case = data.draw(MODELS[model].filter(lambda case: case.ties))
    cold = case.make(*case.inputs[:-1], 1e5, **case.options)
    least = case.energies.min()
    ground = np.isclose(case.energies, least, rtol=0, atol=1e-9)
    expected = -1e5 * least + math.log(ground.sum())
    assert tnl.log_partition(cold) == pytest.approx(expected, rel=1e-14, abs=1e-12)
    if len(case.visible) == len(case.values):
        found = cold.log_probability(np.array(case.states)[ground])
        np.testing.assert_allclose(found, -math.log(ground.sum()), rtol=0, atol=1e-9)


def arrays_in(thing: Any) -> list[Any]:
    if isinstance(thing, np.ndarray):
        return [thing]
    if not isinstance(thing, (dict, list, tuple)):
        return []
    parts = thing.values() if isinstance(thing, dict) else thing
    return [array for part in parts for array in arrays_in(part)]


def plain(inputs: Any) -> Any:
    """Inputs in a form that can be compared."""
    if isinstance(inputs, (list, tuple)):
        return [plain(part) for part in inputs]
    if isinstance(inputs, dict):
        return [(key, plain(part)) for key, part in inputs.items()]
    if isinstance(inputs, nx.Graph):
        return list(inputs.nodes(data=True)), list(inputs.edges(data=True))
    return inputs.tolist() if isinstance(inputs, np.ndarray) else inputs


@every_model
@few
@given(data)
def test_inputs_are_only_read(name: str, data: Any) -> None:
    """Arrays may be read-only, stay as they are, and may change later without any effect."""
    case = data.draw(MODELS[name])
    inputs = copy.deepcopy(case.inputs)
    before = plain(inputs)
    for array in arrays_in(inputs):
        array.flags.writeable = False
    model = case.make(*inputs, **case.options)
    states = np.array(case.states)
    states.flags.writeable = False
    energies = model.energy(states)
    assert plain(inputs) == before
    for array in arrays_in(inputs):
        if array.base is None:
            array.flags.writeable = True
            array[...] = 77
    np.testing.assert_array_equal(model.energy(states), energies)


@every_model
@few
@given(data)
def test_it_is_seen_at_a_glance(name: str, data: Any) -> None:
    case = data.draw(MODELS[name])
    model = case.model
    assert repr(model).startswith(type(model).__name__ + "(")
    assert len(repr(model)) < 100
    with pytest.raises(ModelError, match="'nowhere' is no site"):
        model.values("nowhere")


@every_model
@few
@given(data)
def test_states_that_are_none(name: str, data: Any) -> None:
    case = data.draw(MODELS[name])
    model, n = case.model, len(case.values)
    for ask, columns in ((model.energy, n), (model.log_probability, len(case.visible))):
        with pytest.raises(ModelError, match=rf"shape \(n_states, {columns}\), got \(2, {n + 3}\)"):
            ask(np.ones((2, n + 3)))
        with pytest.raises(ModelError, match="got"):
            ask(np.ones(n))
        if columns:
            for wrong in (7, -3, 0.5, math.nan):
                states = np.full((1, columns), wrong)
                with pytest.raises(ModelError, match=r"states must hold|has site"):
                    ask(states)
