"""The problems, as data, and the suites they belong to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from typing import TypeAlias

from benchmarks import networks, uai
from benchmarks.instances import Instance

#: Who searches the order, and for how many seconds.
Search: TypeAlias = tuple[str, float]

BETA = 0.44  # near the critical temperature of the square lattice
VALUE, BOTH = ("value",), ("value", "gradient")


@dataclass(frozen=True)
class Problem:
    """One row of the results.

    Attributes
    ----------
    name : str
    build : callable
        Gives the instance when called with the seed.
    suites : tuple of str
        In which it runs.
    tasks : tuple of str
        "value", "gradient" (of the value, or of the loss of an instance with a target; the
        value or loss itself is always computed along with it).
    one_order : bool
        Everyone runs our order: what is compared is the arithmetic alone.
    searches : tuple of (planner, seconds)
        Compare orders and not libraries: tnlearn runs each of these.
    cold : bool
        Time fresh processes up to their first result instead of repeated runs.
    one_slice : bool
        Time one slice of tnlearn's alone: all of them would take too long.
    """

    name: str
    build: Callable[[int], Instance]
    suites: tuple[str, ...]
    tasks: tuple[str, ...] = VALUE
    one_order: bool = False
    searches: tuple[Search, ...] = ()
    cold: bool = False
    one_slice: bool = False


def _ising(length: int) -> Callable[[int], Instance]:
    return partial(networks.ising, networks.lattice(length), BETA)


_cubic = partial(networks.ising, networks.regular(3, 120), BETA)
_complete = partial(networks.ising, networks.complete(14), BETA / 14)
_BRIEF = (("tnlearn", 0.2), ("tnlearn", 1.0), ("cotengra", 1.0))
_SEARCHES = (("tnlearn", 1.0), ("tnlearn", 10.0), ("cotengra", 50.0))

FIXED: tuple[Problem, ...] = (
    Problem("ising 3x3", _ising(3), ("tiny",), BOTH),
    Problem("ising 3x3 (one order)", _ising(3), ("tiny",), one_order=True),
    Problem("rbm 3x4 batch 5", partial(networks.rbm, 3, 4, 5), ("tiny",)),
    Problem("grid 3x3 bond 3", partial(networks.bond_grid, 3, 3), ("tiny",)),
    Problem("mps 6 bond 3", partial(networks.mps, 6, 3, 4, "float32"), ("tiny",), BOTH),
    Problem("ttn 4 bond 3", partial(networks.ttn, 2, 3, 4, "float64"), ("tiny",), BOTH),
    Problem("circuit 2x2 depth 3", partial(networks.circuit, 2, 2, 3), ("tiny",)),
    Problem("ising 6x6", _ising(6), ("quick", "cpu"), BOTH),
    Problem("ising 10x10", _ising(10), ("quick", "cpu"), BOTH),
    Problem("ising 14x14 (one order)", _ising(14), ("cpu",), one_order=True),
    Problem("ising 18x18 (one order)", _ising(18), ("cpu",), one_order=True),
    Problem("ising 20x20 (one order)", _ising(20), ("cpu",), one_order=True),
    Problem("ising 22x22 (one order)", _ising(22), ("cpu",), one_order=True),
    Problem("ising 14x14", _ising(14), ("cpu",)),
    Problem("ising 22x22", _ising(22), ("cpu",)),
    Problem("ising cubic 120", _cubic, ("cpu",)),
    Problem("ising complete 14", _complete, ("quick", "cpu")),
    Problem("rbm 8x12 batch 64", partial(networks.rbm, 8, 12, 64), ("quick",)),
    Problem("rbm 20x40 batch 64", partial(networks.rbm, 20, 40, 64), ("cpu",)),
    Problem("grid 5x5 bond 8", partial(networks.bond_grid, 5, 8), ("quick",)),
    Problem("grid 5x5 bond 16", partial(networks.bond_grid, 5, 16), ("cpu",)),
    Problem("grid 4x4 bond 32", partial(networks.bond_grid, 4, 32), ("cpu",)),
    Problem("grid 5x5 bond 24", partial(networks.bond_grid, 5, 24), ("long",)),
    Problem("grid 5x5 bond 32", partial(networks.bond_grid, 5, 32), ("long",)),
    Problem("mps 32 bond 16", partial(networks.mps, 32, 16, 50, "float32"), ("quick",), BOTH),
    Problem("mps 196 bond 24", partial(networks.mps, 196, 24, 200, "float32"), ("cpu",), BOTH),
    Problem("mps 196 bond 120", partial(networks.mps, 196, 120, 200, "float32"), ("cpu",), BOTH),
    Problem("ttn 64 bond 16", partial(networks.ttn, 6, 16, 100, "float32"), ("cpu",), BOTH),
    Problem("circuit 3x3 depth 8", partial(networks.circuit, 3, 3, 8), ("quick",)),
    Problem("circuit 4x5 depth 8", partial(networks.circuit, 4, 5, 8), ("cpu",)),
    Problem("order ising 10x10", _ising(10), ("quick",), searches=_BRIEF),
    Problem("order ising 20x20", _ising(20), ("cpu",), searches=_SEARCHES),
    Problem("cold ising 6x6", _ising(6), ("quick", "cpu"), cold=True),
    Problem("cold ising 10x10", _ising(10), ("cpu",), cold=True),
    *(
        Problem(f"grid 4x4 by bond {bond}", partial(networks.bond_grid, 4, bond), ("gpu",))
        for bond in (4, 8, 16, 24, 32, 48, 64, 80)
    ),
    *(
        Problem(
            f"{side}x{side} Ising batch {n}",
            partial(networks.ising_batch, side, n, BETA),
            ("batches",),
        )
        for side, n in ((4, 2000), (6, 200), (6, 2000), (6, 20_000), (8, 2000))
    ),
    *(
        Problem(f"6x6 Ising by batch {n}", partial(networks.ising_batch, 6, n, BETA), ("gpu",))
        for n in (1, 10, 100, 1000, 10_000, 100_000)
    ),
    *(
        Problem(f"square Ising by length {length}", _ising(length), ("gpu",))
        for length in (6, 10, 14, 18, 22, 26)
    ),
    *(
        Problem(
            f"MPS of 196 sites by bond {bond}",
            partial(networks.mps, 196, bond, 2000, "float32"),
            ("gpu",),
        )
        for bond in (20, 60, 120)
    ),
    *(
        Problem(
            f"53 qubits by cycle {cycles}",
            partial(networks.sycamore, cycles),
            ("gpu",),
            one_slice=True,
        )
        for cycles in (10, 12)
    ),
)

#: Files whose width lets every library finish.
UAI_NAMES = ("Grids_11", "Pedigree_11", "Promedus_11", "Segmentation_11", "linkage_21")


def problems() -> tuple[Problem, ...]:
    """All problems; those from files only where the files are."""
    if uai.uai_folder() is None:
        return FIXED
    files = (Problem(f"uai {name}", partial(uai.uai, name), ("cpu",)) for name in UAI_NAMES)
    return (*FIXED, *files)


def suites() -> list[str]:
    """Their names."""
    return sorted({suite for problem in FIXED for suite in problem.suites})


def selected(suite: str, patterns: tuple[str, ...] = ()) -> list[Problem]:
    """The problems of a suite whose name fits one of the shell patterns, or has it in it."""
    return [
        problem
        for problem in problems()
        if suite in problem.suites
        and (not patterns or any(fnmatch(problem.name, f"*{pattern}*") for pattern in patterns))
    ]
