"""What every sampler promises besides its distribution, and what it refuses."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from sampler_table import SAMPLERS, Potts, ising
from tnlearn.errors import DataTypeError, ModelError, TnlearnError
from tnlearn.inference.approximate.chains import Weighted
from tnlearn.sampling import (
    MALA,
    BlockGibbs,
    Gibbs,
    Landscape,
    Langevin,
    Metropolis,
    MultiSpin,
    ParallelTempering,
    Wolff,
    run,
)


def bowl(beta: float = 1.0, dimension: int = 2) -> Landscape:
    """``|x|^2 / 2``."""
    return Landscape(lambda x: 0.5 * (x**2).sum(axis=1), lambda x: x, dimension, beta)


def machine() -> tnl.RestrictedBoltzmann:
    """Three visible and two hidden bits."""
    random = np.random.default_rng(0)
    return tnl.RestrictedBoltzmann(
        random.normal(size=(3, 2)), random.normal(size=3), random.normal(size=2)
    )


#: name -> sampler, a model
EVERY: dict[str, tuple[Any, Any]] = {
    **{name: (chain, models["parts"]()) for name, (chain, models, _) in SAMPLERS.items()},
    "Gibbs, any couplings": (Gibbs(), SAMPLERS["Gibbs"][1]["any couplings"]()),
    "Metropolis, tables": (Metropolis(), Potts()),
    "BlockGibbs": (BlockGibbs(), machine()),
    "tempered BlockGibbs": (ParallelTempering(BlockGibbs(), (1.0, 0.4, 0.0)), machine()),
    "Langevin": (Langevin(0.1), bowl()),
    "MALA": (MALA(0.5), bowl()),
    "tempered MALA": (ParallelTempering(MALA(0.5), (1.0, 0.5, 0.3)), bowl()),
}


@pytest.fixture(params=EVERY)
def case(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    return EVERY[request.param]


def assert_same(one: Any, other: Any) -> None:
    assert (one.positions == other.positions).all()
    assert (one.energies == other.energies).all()
    assert (one.changed, one.tried) == (other.changed, other.tried)


@pytest.mark.parametrize("chains", [1, 70])
def test_two_steps_are_one_long_step(case: tuple[Any, Any], chains: int) -> None:
    sampler, model = case
    start = sampler.init(model, chains, 4)
    assert_same(sampler.step(sampler.step(start, 3), 4), sampler.step(start, 7))
    assert_same(sampler.step(start, 0), start)


def test_the_seed_is_all_the_randomness(case: tuple[Any, Any]) -> None:
    sampler, model = case
    one, other, third = (
        sampler.step(sampler.init(model, 50, seed), 3) for seed in (7, np.random.default_rng(7), 8)
    )
    assert_same(one, other)
    assert (one.positions != third.positions).any()


@pytest.mark.parametrize("chains", [1, 20])
def test_a_step_leaves_its_state_as_it_was(case: tuple[Any, Any], chains: int) -> None:
    """Also that of one chain, which is rows and columns alike: a copy may turn out to be none."""
    sampler, model = case
    state = sampler.init(model, chains, 0)
    rungs = getattr(state, "rungs", (state,))
    before = [(r.positions.copy(), r.energies.copy(), r.generator.copy()) for r in rungs]
    sampler.step(state, 2)
    for rung, arrays in zip(rungs, before, strict=True):
        now = (rung.positions, rung.energies, rung.generator)
        assert all((a == b).all() for a, b in zip(now, arrays, strict=True))


def test_a_step_leaves_its_start_as_it_was() -> None:
    start = np.ones((3, 2))
    state = MALA(0.5).init(bowl(), 3, 0, start=start)
    MALA(0.5).step(state)
    start[0] = 5
    assert (state.positions == 1).all()


@pytest.mark.parametrize("chains", [0, -3, True, 2.0, "4", None])
def test_bad_numbers_of_chains_are_refused(case: tuple[Any, Any], chains: Any) -> None:
    sampler, model = case
    with pytest.raises(TnlearnError, match="chains="):
        sampler.init(model, chains, 0)


@pytest.mark.parametrize("sweeps", [-1, 1.5])
def test_bad_numbers_of_sweeps_are_refused(case: tuple[Any, Any], sweeps: Any) -> None:
    sampler, model = case
    with pytest.raises(TnlearnError, match="sweeps="):
        sampler.step(sampler.init(model, 2, 0), sweeps)


def test_starts_of_another_shape_are_refused(case: tuple[Any, Any]) -> None:
    sampler, model = case
    with pytest.raises(ModelError, match=r"start has shape \(2, 1\)"):
        sampler.init(model, 2, 0, start=np.ones((2, 1)))


@pytest.mark.parametrize("sampler", [Gibbs(), Metropolis()])
@pytest.mark.parametrize("model", ["parts", "any couplings", "tables"])
def test_a_chain_moves_alone_as_among_others(sampler: Any, model: str) -> None:
    """Chains are moved one by one, side by side, or in blocks: it is the same to them."""
    thing = SAMPLERS["Gibbs"][1][model]()
    state = sampler.init(thing, 300, 1)
    together = sampler.step(state, 5)
    for chain in (0, 100, 299):
        keep = slice(chain, chain + 1)
        alone = type(state)(
            state.target, state.positions[keep], state.energies[keep], state.generator[:, keep]
        )
        assert (sampler.step(alone, 5).positions == together.positions[keep]).all()


@pytest.mark.parametrize("chains", [1, 63, 65, 200])
def test_bits_of_a_word_that_are_no_chains_are_not_counted(chains: int) -> None:
    """Free spins flip whenever it is proposed: with probability 7/8."""
    sampler, model = MultiSpin(), ising(nx.empty_graph(3))
    state = sampler.step(sampler.init(model, chains, 0), 500)
    assert state.tried == 1500 * chains
    assert state.changed / state.tried == pytest.approx(7 / 8, abs=4 / np.sqrt(1500 * chains))


@pytest.mark.parametrize("sampler", [Wolff(), MultiSpin()])
def test_fields_are_refused(sampler: Any) -> None:
    with pytest.raises(ModelError, match=r"no field, and 2 has 0\.5"):
        sampler.init(ising(nx.path_graph(4), field={2: 0.5}), 2, 0)


@pytest.mark.parametrize("sampler", [Wolff(), MultiSpin()])
def test_models_without_couplings_are_refused(sampler: Any) -> None:
    with pytest.raises(DataTypeError, match="not Potts"):
        sampler.init(Potts(), 2, 0)


@pytest.mark.parametrize(("coupling", "beta"), [({(0, 1): 1.0, (1, 2): -2.0}, 1.0), (2.0, -1.0)])
def test_wolff_refuses_what_is_no_ferromagnet(coupling: Any, beta: float) -> None:
    with pytest.raises(ModelError, match=r"needs? a ferromagnet, and bond \(.*has coupling"):
        Wolff().init(ising(nx.path_graph(3), coupling, beta=beta), 2, 0)


def test_multi_spin_refuses_couplings_of_two_strengths() -> None:
    with pytest.raises(ModelError, match=r"one strength, not 1\.0 and 2\.0"):
        MultiSpin().init(ising(nx.path_graph(3), {(0, 1): 1.0, (1, 2): -2.0}), 2, 0)


def test_multi_spin_refuses_what_it_cannot_count() -> None:
    with pytest.raises(ModelError, match="0 has 64 neighbours"):
        MultiSpin().init(ising(nx.star_graph(64)), 2, 0)


def test_forbidden_and_unknown_starts_are_refused() -> None:
    with pytest.raises(ModelError, match="chain 1 would start in a forbidden state"):
        Gibbs().init(Potts(), 2, 0, start=[[0, 0, 0, 0], [0, 2, 2, 0]])
    with pytest.raises(ModelError, match="start has 2 at 'd', which has"):
        Gibbs().init(Potts(), 1, 0, start=[[0, 0, 0, 2]])
    with pytest.raises(ModelError, match=r"-1 and \+1 only"):
        Gibbs().init(ising(nx.path_graph(2)), 1, 0, start=[[0, 1]])


def colourings(graph: Any, colours: int) -> Weighted:
    """No two neighbours are alike."""
    rule = 1.0 - np.eye(colours)
    return Weighted(tnl.TensorNetwork(tnl.Tensor(rule, edge) for edge in graph.edges))


def test_chains_find_an_allowed_start_where_no_draw_does() -> None:
    model = colourings(nx.random_regular_graph(3, 200, seed=0), 4)
    state = Gibbs().init(model, 5, 0)
    assert (state.energies == 0).all()
    assert len(np.unique(state.positions, axis=0)) == 5
    np.testing.assert_array_equal(state.positions, Gibbs().init(model, 5, 0).positions)
    with pytest.raises(ModelError, match="no allowed one was found: give start="):
        Gibbs().init(colourings(nx.cycle_graph(3), 2), 2, 0)


def test_things_without_energies_are_refused() -> None:
    for sampler in (Gibbs(), Metropolis(), MALA(1.0), Langevin(1.0), BlockGibbs()):
        with pytest.raises(DataTypeError, match="got object"):
            sampler.init(object(), 2, 0)


def test_ladders_are_checked() -> None:
    model = ising(nx.path_graph(2))
    with pytest.raises(ModelError, match="at least two"):
        ParallelTempering(Gibbs(), (1.0,))
    with pytest.raises(ModelError, match=r"beta 0.5, which is not in betas=\(1.0, 2.0\)"):
        ParallelTempering(Gibbs(), (1.0, 2.0)).init(model, 2, 0)
    with pytest.raises(ModelError, match="interval=0"):
        ParallelTempering(Gibbs(), (1.0, 2.0), 0)


@pytest.mark.parametrize("sampler", [MALA, Langevin])
@pytest.mark.parametrize("size", [0.0, -1.0, np.inf, np.nan, "1"])
def test_step_sizes_are_checked(sampler: Any, size: Any) -> None:
    with pytest.raises(TnlearnError, match="step_size="):
        sampler(size)


def test_langevin_that_diverges_says_so() -> None:
    with pytest.raises(ModelError, match=r"step_size=50.0 is too large"):
        Langevin(50.0).step(Langevin(50.0).init(bowl(), 2, 0), 2000)


def test_landscapes_are_checked() -> None:
    wrong = Landscape(lambda x: x, lambda x: x, 2)
    with pytest.raises(ModelError, match=r"energy returned has shape \(3, 2\); it needs \(3,\)"):
        MALA(1.0).init(wrong, 3, 0)
    with pytest.raises(ModelError, match="infinite"):
        MALA(1.0).init(Landscape(lambda x: x[:, 0] + np.inf, lambda x: x, 2), 3, 0)


@pytest.mark.parametrize("sweeps", [1, 2])
def test_copies_take_their_energies_along(sweeps: int) -> None:
    model = ising(nx.cycle_graph(5))
    ladder = ParallelTempering(Gibbs(), (0.5, 0.4, 0.3))
    state = ladder.step(ladder.init(model, 50, 0), sweeps)
    assert 0 < state.swaps.sum() < state.swaps_tried.sum()
    for rung in state.rungs:
        np.testing.assert_allclose(rung.energies, model.energy(rung.values))


def test_a_run_says_what_it_has(case: tuple[Any, Any]) -> None:
    sampler, model = case
    done = run(sampler, model, 50, chains=8, warmup=5, thin=2, seed=3)
    assert done.samples.shape == (50, len(model.sites))
    assert done.energies.shape == (50,)
    assert 0 < done.acceptance <= 1
    # By hand: row 8 d + c is draw d of chain c.
    state = sampler.step(sampler.init(model, 8, 3), 5)
    for draw in range(6):
        state = sampler.step(state, 2)
        assert (done.samples[8 * draw : 8 * draw + 8] == state.values).all()
        assert (done.energies[8 * draw : 8 * draw + 8] == state.energies).all()
    assert_same(done.state, sampler.step(state, 2))


def test_a_run_checks_its_numbers() -> None:
    for wrong in ({"samples": 0}, {"thin": 0}, {"warmup": -1}, {"chains": 0}):
        with pytest.raises(ModelError, match=f"{next(iter(wrong))}="):
            run(Gibbs(), ising(nx.path_graph(2)), **{"samples": 5, **wrong})
