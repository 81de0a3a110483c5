"""The stochastic unit: its sign, in both directions, and its range."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import tnlearn as tnl
from tnlearn.errors import DataTypeError, ModelError
from tnlearn.physics import BoltzmannMachine, probability_on

pytestmark = pytest.mark.filterwarnings("error")


def test_a_unit_that_costs_energy_is_mostly_off() -> None:
    assert probability_on(1.0) < 0.5 < probability_on(-1.0)
    assert probability_on(1.0, beta=-1.0) > 0.5
    assert probability_on(0.0) == 0.5


@pytest.mark.parametrize("beta", [0.3, 1.0, 2.5])
def test_detailed_balance(beta: float) -> None:
    """``ln(p_on / p_off) = -beta (E_on - E_off)``."""
    gaps = np.linspace(-8.0, 8.0, 33)
    on, off = probability_on(gaps, beta), probability_on(-gaps, beta)
    np.testing.assert_allclose(on + off, 1.0, rtol=1e-15)
    np.testing.assert_allclose(np.log(on / off), -beta * gaps, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(on, 1 / (1 + np.exp(beta * gaps)), rtol=1e-13)


def test_it_is_the_conditional_of_a_boltzmann_machine() -> None:
    machine = BoltzmannMachine({(0, 1): 1.5, (1, 2): -0.7}, {0: 0.2, 1: -0.4}, beta=1.3)
    off, on = machine.energy([[1, 0, 1], [1, 1, 1]])
    fixed = machine.network().fix({0: 1, 2: 1})
    assert tnl.marginals(fixed)[1][1] == pytest.approx(probability_on(on - off, 1.3), rel=1e-13)


def test_nothing_overflows() -> None:
    assert probability_on([1e4, -1e4]).tolist() == [0.0, 1.0]
    assert probability_on([1e300, -1e300], 1e300).tolist() == [0.0, 1.0]
    assert probability_on([math.inf, -math.inf]).tolist() == [0.0, 1.0]
    assert 0 < probability_on(700.0) < 1e-300


def test_shapes() -> None:
    assert probability_on(np.zeros((2, 3))).shape == (2, 3)
    assert probability_on(1).shape == ()
    gaps = np.zeros(3)
    gaps.flags.writeable = False
    probability_on(gaps)[0] = 7


@pytest.mark.parametrize(
    ("gap", "beta", "message"),
    [
        (math.nan, 1.0, "energy gap nan has no probability"),
        ([0.0, math.inf], 0.0, r"energy gap inf has no probability at beta=0"),
        (1.0, math.inf, "beta is inf"),
    ],
)
def test_mistakes(gap: Any, beta: float, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        probability_on(gap, beta)


def test_what_is_no_number_is_named() -> None:
    with pytest.raises(DataTypeError, match="energy gap is 'wide'"):
        probability_on("wide")
    with pytest.raises(DataTypeError, match="beta is 'cold'"):
        probability_on(1.0, "cold")  # type: ignore[arg-type]
