"""Seeds are checked where they come in, whatever they are for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from tnlearn.cli.main import main
from tnlearn.errors import DataTypeError
from tnlearn.sampling import Gibbs, ParallelTempering
from tnlearn.seeds import generator_of, number_of

MODEL = tnl.Ising(nx.cycle_graph(5), field=0.1)
USES: dict[str, Callable[[Any], Any]] = {
    "plan": lambda seed: tnl.plan(MODEL, seed=seed),
    "log_partition": lambda seed: tnl.log_partition(MODEL, seed=seed),
    "annealing": lambda seed: tnl.log_partition(MODEL, "annealing", seed=seed),
    "sample": lambda seed: tnl.sample(MODEL, 2, seed=seed),
    "chains": lambda seed: tnl.marginals(MODEL, method="gibbs", seed=seed),
    "subgraphs": lambda seed: tnl.mode(MODEL, method="subgraphs", seed=seed),
    "tempering": lambda seed: tnl.mode(MODEL, method="tempering", seed=seed),
    "Gibbs": lambda seed: Gibbs().init(MODEL, 2, seed),
    "ParallelTempering": lambda seed: ParallelTempering(Gibbs(), [0.5, 1.0]).init(MODEL, 2, seed),
    "grid": lambda seed: tnl.grid(2, 2, 2, seed=seed),
}


@pytest.mark.parametrize("seed", [-1, "a", 1.5], ids=str)
@pytest.mark.parametrize("use", USES)
def test_what_is_no_seed_is_refused(use: str, seed: Any) -> None:
    with pytest.raises(DataTypeError, match=rf"the seed is {seed!r}; give a whole number from 0"):
        USES[use](seed)
    USES[use](np.int64(3))


def test_the_command_says_so_in_a_line(capsys: pytest.CaptureFixture[str], tmp_path: Any) -> None:
    tnl.save(MODEL, tmp_path / "ring.tn")
    assert main(["infer", str(tmp_path / "ring.tn"), "--task", "sample", "--seed", "-1"]) == 1
    assert "tnlearn: error: the seed is -1; give a whole number" in capsys.readouterr().err


def test_generators_move_on_and_numbers_begin_anew() -> None:
    generator = np.random.default_rng(5)
    assert generator_of(generator) is generator
    assert generator_of(5).random() == generator.random()
    assert generator_of(None).random() != generator_of(None).random()
    assert number_of(np.uint8(7)) == 7
    with pytest.raises(DataTypeError, match="to 2"):
        number_of(2**32)
