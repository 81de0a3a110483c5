"""Factor graphs and Bayesian networks: their laws, and what they refuse."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import tnlearn as tnl
from small_models import every_state, factor_graph, weights
from tnlearn.errors import ModelError, TnlearnError

pytestmark = pytest.mark.filterwarnings("error")


def alarm() -> tnl.BayesianNetwork:
    """Pearl's alarm, with named states."""
    return tnl.BayesianNetwork(
        {
            "burglary": ((), [0.999, 0.001]),
            "earthquake": ((), [0.998, 0.002]),
            "alarm": (
                ("burglary", "earthquake"),
                [[[0.999, 0.001], [0.71, 0.29]], [[0.06, 0.94], [0.05, 0.95]]],
            ),
            "john": (("alarm",), [[0.95, 0.05], [0.1, 0.9]]),
            "mary": (("alarm",), [[0.99, 0.01], [0.3, 0.7]]),
        },
        dict.fromkeys(("burglary", "alarm", "john", "mary"), ("no", "yes")),
    )


@pytest.mark.parametrize("seed", range(20))
def test_the_network_is_the_sum_over_states(seed: int) -> None:
    model = factor_graph(seed, zeros=0.1)
    _, weight = weights(model)
    assert tnl.contract(model.network()) == pytest.approx(weight.sum(), rel=1e-12)
    if weight.sum():
        found = model.log_probability(every_state(model))
        np.testing.assert_allclose(np.exp(found), weight / weight.sum(), atol=1e-13)


@pytest.mark.parametrize("seed", range(5))
def test_logarithms_are_the_same_tables(seed: int) -> None:
    model = factor_graph(seed)
    with np.errstate(divide="ignore"):
        logs = [(scope, np.log(table)) for scope, table in model.factors]
    states = {site: len(model.values(site)) for site in model.sites}
    other = tnl.FactorGraph(logs, states, log=True)
    assert tnl.log_partition(other) == pytest.approx(tnl.log_partition(model), rel=1e-13)
    np.testing.assert_allclose(other.energy(every_state(other)), model.energy(every_state(model)))


def test_the_alarm() -> None:
    model = alarm()
    assert tnl.log_partition(model) == pytest.approx(0, abs=1e-14)
    called = tnl.condition(model, {"john": "yes", "mary": "yes"})
    assert tnl.marginals(called)["burglary"][1] == pytest.approx(0.284171835, abs=1e-9)
    assert tnl.mode(called).state["burglary"] == "no"
    drawn = tnl.sample(model, 5, seed=0)
    assert set(drawn[:, model.sites.index("mary")]) <= {"no", "yes"}
    states, weight = weights(model)
    assert weight.sum() == pytest.approx(1)
    np.testing.assert_allclose(np.exp(model.log_probability(states)), weight)


def test_variables_of_no_factor_count() -> None:
    model = tnl.FactorGraph([], {"a": 3, "b": ("x", "y")})
    assert tnl.log_partition(model) == pytest.approx(math.log(6))
    assert model.sites == ("a", "b")
    np.testing.assert_allclose(tnl.marginals(model)["a"], 1 / 3)


def test_tables_are_kept_as_they_were() -> None:
    table = np.array([1.0, 2.0])
    model = tnl.FactorGraph([(("a",), table)])
    table[0] = 7
    assert model.factors[0].table[0] == 1
    with pytest.raises(ValueError, match="read-only"):
        model.factors[0].table[0] = 3


REFUSED: dict[str, tuple[Any, str]] = {
    "negative": ([(("a",), [1.0, -2.0])], r"over \('a',\) holds -2.0"),
    "nan": ([(("a",), [1.0, math.nan])], "holds nan"),
    "infinite": ([(("a",), [1.0, math.inf])], "holds inf"),
    "complex": ([(("a",), [1.0, 2j])], "complex128; it must be real"),
    "text": ([(("a",), ["1", "2"])], "must be real"),
    "axes": ([(("a", "b"), [1.0, 2.0])], r"has shape \(2,\): give an axis per variable"),
    "twice": ([(("a", "a"), np.ones((2, 2)))], "each variable once"),
    "sizes": (
        [(("a",), [1.0, 2.0]), (("a",), [1.0, 2.0, 3.0])],
        "'a' has 2 values, but 3 in the table of factor 1",
    ),
    "empty": ([(("a",), [])], "'a' has no values"),
}


@pytest.mark.parametrize(("factors", "message"), REFUSED.values(), ids=REFUSED)
def test_refused_factors(factors: Any, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        tnl.FactorGraph(factors)


def test_refused_states() -> None:
    model = alarm()
    with pytest.raises(
        ModelError, match="'burglary' has no value 'maybe': its values are 'no', 'yes'"
    ):
        model.energy([["maybe", 0, "no", "no", "no"]])
    with pytest.raises(ModelError, match=r"shape \(n_states, 5\), got \(2,\)"):
        model.energy([0, 1])
    with pytest.raises(ModelError, match="no variable"):
        model.values("smoke")
    with pytest.raises(ModelError, match="a value twice"):
        tnl.FactorGraph([], {"a": (1, 1)})


WRONG: dict[str, tuple[Any, str]] = {
    "sum": ({"a": ((), [0.5, 0.4])}, r"'a' sums to 0.9 in row \(\), not to 1"),
    "row": ({"a": ((), [0.5, 0.5]), "b": (("a",), [[1, 0], [1, 1]])}, r"'b' sums to 2 in row \(1,"),
    "nan": ({"a": ((), [math.nan, 1.0])}, "'a' sums to nan"),
    "parent": ({"b": (("a",), [[1, 0], [1, 0]])}, "'a' is a parent of 'b' but has no table"),
    "circle": (
        {"a": (("b",), np.eye(2)), "b": (("a",), np.eye(2))},
        "circle: 'a' -> 'b'|circle: 'b' -> 'a'",
    ),
    "negative": ({"a": ((), [1.5, -0.5])}, "holds -0.5"),
}


@pytest.mark.parametrize(("tables", "message"), WRONG.values(), ids=WRONG)
def test_refused_tables(tables: Any, message: str) -> None:
    with pytest.raises(TnlearnError, match=message):
        tnl.BayesianNetwork(tables)


def test_rows_are_divided_on_request() -> None:
    tables = {"a": ((), [1, 3]), "b": (("a",), [[2, 2], [0, 5]])}
    with pytest.raises(ModelError, match="normalise=True"):
        tnl.BayesianNetwork(tables)
    model = tnl.BayesianNetwork(tables, normalise=True)
    np.testing.assert_allclose(tnl.marginals(model)["b"], [0.125, 0.875])


def test_rounded_rows_are_taken_as_they_are() -> None:
    model = tnl.BayesianNetwork({"a": ((), [0.333, 0.333, 0.333])})
    assert tnl.log_partition(model) == pytest.approx(math.log(0.999))


def test_numbers_of_values_may_be_of_numpy() -> None:
    model = tnl.FactorGraph([(("a",), [1.0, 2.0])], {"a": np.int64(2)})
    assert model.values("a") == (0, 1)
