"""Options of questions: a name that is misspelt is refused, not passed over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import networkx as nx
import pytest

import tnlearn as tnl
from tnlearn.errors import DataTypeError, ModelError

MODEL = tnl.Ising(nx.cycle_graph(4), coupling=0.5)
LONG = tnl.Ising(nx.cycle_graph(700), coupling=0.5)  # Has a shortcut before it is planned.
QUESTIONS: dict[str, Callable[..., Any]] = {
    "assess": lambda **options: tnl.assess(MODEL, **options),
    "assess at once": lambda **options: tnl.assess(LONG, **options),
    **{
        f"log_partition {method}": lambda method=method, **options: tnl.log_partition(
            MODEL, method, **options
        )
        for method in ("auto", "exact", "shortcut", "loops", "annealing")
    },
    "log_partition at once": lambda **options: tnl.log_partition(LONG, **options),
    "marginals": lambda **options: tnl.marginals(MODEL, **options),
    "marginals gibbs": lambda **options: tnl.marginals(MODEL, method="gibbs", **options),
    "sample": lambda **options: tnl.sample(MODEL, 2, **options),
    "sample gibbs": lambda **options: tnl.sample(MODEL, 2, "gibbs", **options),
    "mode": lambda **options: tnl.mode(MODEL, **options),
    "mode subgraphs": lambda **options: tnl.mode(MODEL, method="subgraphs", **options),
    "optima": lambda **options: tnl.optima(MODEL, **options),
    "density_of_states": lambda **options: tnl.density_of_states(MODEL, **options),
    "entropy": lambda **options: tnl.entropy(MODEL, **options),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_misspelt_option_is_refused(question: str) -> None:
    with pytest.raises(DataTypeError, match="'memory_limt': did you mean 'memory_limit'"):
        QUESTIONS[question](memory_limt="1MiB")


def test_an_option_like_no_other_is_refused_with_those_there_are() -> None:
    with pytest.raises(DataTypeError, match=r"no option 'xyz': there are backend, memory_limit, "):
        tnl.log_partition(MODEL, xyz=1)


@pytest.mark.parametrize("k", [1.5, "a", None])
def test_how_many_states_is_a_whole_number(k: Any) -> None:
    with pytest.raises(DataTypeError, match="give a whole number"):
        tnl.mode(MODEL, k)


def test_sets_of_sites_are_refused_in_words() -> None:
    with pytest.raises(DataTypeError, match="subsets is 0; give a list of tuples"):
        tnl.marginals(MODEL, 0)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="is no set of sites: give tuples"):
        tnl.marginals(MODEL, [([0],)])  # type: ignore[list-item]
    with pytest.raises(ModelError, match="give some, each once"):
        tnl.mode(MODEL, sites=[])


@pytest.mark.parametrize("question", [tnl.log_partition, tnl.marginals, tnl.mode, tnl.assess])
def test_so_many_operations_are_a_number(question: Any) -> None:
    with pytest.raises(DataTypeError, match="flops='a' must be a number, not str"):
        question(MODEL, flops="a")
    question(MODEL, flops=float("inf"))


def test_a_gap_and_a_backend_are_what_they_must_be() -> None:
    with pytest.raises(DataTypeError, match="gap='a' must be a number"):
        tnl.optima(MODEL, gap="a")  # type: ignore[arg-type]
    with pytest.raises(DataTypeError, match="the backend is 3; give a name"):
        tnl.log_partition(MODEL, backend=3)
