"""Every model of physics comes back from a file, to the last bit of every table."""

from __future__ import annotations

import inspect
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from header_edits import changed, put
from random_models import MODELS
from saved_things import assert_same_bits, assert_same_network, back, typed
from tnlearn import physics
from tnlearn.errors import FormatError
from tnlearn.files import load, save
from tnlearn.files.kinds import KINDS
from tnlearn.files.models import FORMS
from tnlearn.network import HasNetwork

pytestmark = pytest.mark.filterwarnings("error")


def test_every_model_of_physics_can_be_saved() -> None:
    classes = dict(inspect.getmembers(physics, inspect.isclass))
    models = {name for name, cls in classes.items() if issubclass(cls, HasNetwork)}
    assert models == {name for name, kind in KINDS.items() if kind.room == "tnlearn.physics"}
    assert models >= set(FORMS)
    assert {*MODELS, "RestrictedBoltzmann", "GaussianRestrictedBoltzmann"} >= set(FORMS)


def test_a_restricted_machine_comes_back(path: Path) -> None:
    random = np.random.default_rng(0)
    model = physics.RestrictedBoltzmann(*map(random.normal, (0, 0, 0), (1, 1, 1), ((3, 2), 3, 2)))
    found = back(model, path)
    for name in ("weights", "visible_bias", "hidden_bias"):
        assert_same_bits(getattr(found, name), getattr(model, name))
    assert_same_network(found.network(), model.network())


def test_a_machine_of_real_numbers_comes_back(path: Path) -> None:
    random = np.random.default_rng(0)
    arrays = random.normal(size=(3, 2)), random.normal(size=3), random.random(3), random.random(2)
    model = physics.GaussianRestrictedBoltzmann(*arrays)
    found = back(model, path)
    states = random.normal(size=(5, 3))
    assert_same_bits(found.log_probability(states), model.log_probability(states))


@pytest.mark.parametrize("name", MODELS)
@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(st.data())
def test_a_model_comes_back(name: str, data: Any) -> None:
    """The same sites, values, energies and networks, hence the same answers to everything."""
    case = data.draw(MODELS[name])
    with TemporaryDirectory() as folder:
        found = back(case.model, Path(folder) / "model")
    assert type(found) is type(case.model)
    assert repr(found) == repr(case.model)
    assert typed(found.sites) == typed(case.model.sites)
    for kind in ("visible", "hidden"):
        assert getattr(found, kind, None) == getattr(case.model, kind, None)
    for site in found.sites:
        assert typed(found.values(site)) == typed(case.model.values(site))
    assert_same_bits(found.energy(case.states), case.model.energy(case.states))
    assert_same_network(found.network(), case.model.network())
    assert_same_network(found.energies(), case.model.energies())


def test_rows_that_are_off_by_a_rounding_stay_as_they_are(path: Path) -> None:
    """Dividing them by their sums once more would move them."""
    random = np.random.default_rng(0)
    moved = 0
    for _ in range(50):
        model = physics.MarkovChain(*(random.dirichlet(np.ones(7), n) for n in ((), 7)), 4)
        moved += bool((model.transitions[0].sum(axis=1) != 1).any())
        found = back(model, path)
        assert_same_bits(found.initial, model.initial)
        for one, other in zip(found.transitions, model.transitions, strict=True):
            assert_same_bits(one, other)
            assert not one.flags.writeable
    assert moved > 5


def test_one_matrix_of_many_sites_is_there_once(path: Path) -> None:
    save(physics.MarkovChain(np.full(50, 0.02), np.full((50, 50), 0.02), 1000), path)
    assert path.stat().st_size < 100_000
    found = load(path)
    assert all(table is found.transitions[0] for table in found.transitions)


POTTS = physics.Potts(nx.path_graph(3), 3, beta=0.5)
WRONG = {
    "no states": (put(0, "payload", "states"), "number of states is 0"),
    "no number": (put({}, "payload", "states"), "is no name"),
    "a site twice": (put([0, 1, 1], "payload", "sites"), "a site is there twice"),
    "no such site": (put([0, 1, 7], "payload", "sites"), "an end that is no site"),
    "a text for beta": (put("warm", "payload", "beta"), "beta"),
    "no mapping": (put(1.0, "payload", "couplings"), "no Potts"),
    "no array": (put([{"array": 9}], "payload", "fields"), "number of an array"),
    "a field more": (put(1, "payload", "colour"), "colour"),
}


@pytest.mark.parametrize(("change", "text"), WRONG.values(), ids=WRONG)
def test_wrong_contents_are_refused(change: Any, text: str, path: Path) -> None:
    with pytest.raises(FormatError, match=text):
        load(changed(POTTS, path, change))


def test_a_key_that_is_there_twice_is_refused(path: Path) -> None:
    def twice(_: Any, ours: Any) -> None:
        rows = ours["payload"]["couplings"]["mapping"]
        rows.append(rows[0])

    with pytest.raises(FormatError, match="a key twice"):
        load(changed(POTTS, path, twice))
