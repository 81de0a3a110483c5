"""A problem of each family of the UAI 2014 inference competition, beside its reference answer.

All of them are in `benchmarks/uai_answers.py`. The files are the competition's own, from the
repository mroavi/uai-2014-inference-competition.
"""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import tnlearn as tnl

FOLDER = Path(__file__).parent / "uai2014"
NAMES = sorted(path.name.removesuffix(".uai.gz") for path in FOLDER.glob("*.uai.gz"))


def read(name: str) -> tnl.FactorGraph:
    path = FOLDER / f"{name}.uai.gz"
    found = tnl.read(path, evidence=FOLDER / f"{name}.uai.evid")
    assert isinstance(found, tnl.FactorGraph)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_partition_functions_have_the_digits_printed(name: str) -> None:
    reference = (FOLDER / f"{name}.uai.PR").read_text().split()[-1]
    digits = len(reference.partition(".")[2])
    found = tnl.log_partition(read(name), "exact") / math.log(10)
    assert abs(found - float(reference)) <= 0.51 * 10.0**-digits


@pytest.mark.parametrize("name", sorted(path.name[:-8] for path in FOLDER.glob("*.MAR")))
def test_marginals_have_the_digits_printed(name: str) -> None:
    words = iter((FOLDER / f"{name}.uai.MAR").read_text().split()[2:])
    whole = tnl.read(FOLDER / f"{name}.uai.gz")
    found = tnl.marginals(read(name))
    for site in whole.sites:
        given = [float(next(words)) for _ in range(int(next(words)))]
        if site in found:
            assert found[site].tolist() == pytest.approx(given, abs=6e-7, rel=6e-6)
