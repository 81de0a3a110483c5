"""Random constraint problems, sliced and in logarithms: nothing is ever nan, or wrong."""

from __future__ import annotations

import numpy as np
import pytest

from random_constraints import complaints, random_constraints

pytestmark = pytest.mark.filterwarnings("error")

BLOCK, BLOCKS = 100, 15


@pytest.mark.parametrize("block", range(BLOCKS))
def test_constraint_networks(block: int) -> None:
    found = [complaints(seed) for seed in range(block * BLOCK, (block + 1) * BLOCK)]
    assert [line for lines in found for line in lines] == []


def test_many_have_no_solution_and_many_have_some() -> None:
    counts = [int(random_constraints(seed).solutions().sum()) for seed in range(500)]
    assert 0.2 < np.mean(np.array(counts) == 0) < 0.8
