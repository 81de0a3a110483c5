"""Plans for several backends, and which of them is chosen: by predicted seconds, with reasons."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from law_tables import ABSENT
from tnlearn.backend import Machine, get_backend, modulo
from tnlearn.errors import BackendError
from tnlearn.planning import candidates, planner
from tnlearn.planning.cost import least_bytes

pytestmark = pytest.mark.filterwarnings("error")

SMALL = tnl.Ising(nx.grid_2d_graph(4, 4), beta=0.4)
LARGE = tnl.grid(4, 4, 24, seed=0)


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """CuPy's shipped model, on the backend that stands in for it."""
    machine = planner.machine_for("cupy")
    known = planner.machine_for
    monkeypatch.setattr(
        planner, "machine_for", lambda name: machine if name == "strict" else known(name)
    )
    monkeypatch.setattr(planner, "candidates", lambda *_: ["numpy", "strict"])
    return machine


def test_a_small_network_stays_on_the_processor(device: Machine) -> None:
    plan = tnl.plan(SMALL, backend="auto")
    assert plan.backend == "numpy"
    assert plan.why.startswith("numpy ")
    assert "strict" in plan.why
    assert "starts" in plan.why.split("; ")[1]  # what speaks against the device
    assert plan.why.split(",")[0] in str(plan)


def test_a_large_one_goes_to_the_device_and_takes_its_arrays_along(device: Machine) -> None:
    plan = tnl.plan(LARGE, backend="auto")
    assert plan.backend == "strict"
    assert "flops" in plan.why.split("; ")[1]
    both = tnl.plan(LARGE, backend=["numpy", "strict"])
    host, there = both.outlooks
    assert host.transfer == 0
    assert device.transfer is not None
    assert there.transfer == least_bytes(plan.structure, "float64") / device.transfer
    assert there.seconds == there.plan.cost.seconds + there.transfer < host.seconds


def test_transfers_can_decide(device: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A matrix product on the host is quicker than moving its factors."""
    net = tnl.TensorNetwork([tnl.Tensor(np.ones((1200, 1200)), pair) for pair in ("ij", "jk")])
    assert tnl.plan(net.open("i"), backend="auto").backend == "numpy"
    there = tnl.plan(net.open("i"), backend=["numpy", "strict"]).outlooks[1]
    assert there.most == "transfers"
    quick = replace(device, transfer=1e15)
    monkeypatch.setattr(
        planner, "machine_for", lambda name: quick if name == "strict" else MACHINES[name]
    )
    assert tnl.plan(net.open("i"), backend="auto").backend == "strict"


MACHINES = {"numpy": get_backend("numpy").machine}


def test_a_program_is_of_the_backend_that_was_chosen(device: Machine) -> None:
    program = tnl.compile(LARGE, backend="auto")
    assert type(tnl.contract(SMALL, backend="auto")) is np.ndarray
    assert program.plan.backend in ("numpy", "torch", "strict")
    assert program.plan.why
    made = tnl.plan(SMALL, backend="strict")
    assert tnl.compile(SMALL, plan=made, backend="auto").plan.backend == "strict"


def test_every_question_takes_it() -> None:
    total = tnl.log_partition(SMALL)
    assert tnl.log_partition(SMALL, backend="auto") == total
    np.testing.assert_array_equal(
        tnl.marginals(SMALL, backend="auto")[0, 0], tnl.marginals(SMALL)[0, 0]
    )
    assert tnl.mode(SMALL, backend="auto", count=True).degeneracy == 2
    assert tnl.sample(SMALL, 3, seed=0, backend="auto").shape == (3, 16)
    assert sum(tnl.density_of_states(SMALL, backend="auto").values()) == 2**16


def test_only_backends_that_know_the_algebra_and_hold_the_arrays() -> None:
    network = SMALL.network()
    assert candidates(network)[0] == "numpy"
    assert "strict" in candidates(network)
    assert candidates(network, modulo(3)) == ["numpy"]
    there = get_backend("strict").asarray(np.eye(2), "float64")
    foreign = tnl.TensorNetwork([tnl.Tensor(there, "ij")], "ij")
    assert candidates(foreign) == ["strict"]
    assert type(tnl.contract(foreign, backend="auto")) is type(there)
    with pytest.raises(BackendError, match="none that holds these arrays and knows integers"):
        candidates(foreign, modulo(3))


def test_side_by_side() -> None:
    plans = tnl.plan(SMALL, backend=["numpy", "strict"])
    assert [plan.backend for plan in plans] == ["numpy", "strict"]
    assert len(plans) == 2
    assert plans[1] == tnl.plan(SMALL, backend="strict")
    head, *rows = [line for line in str(plans).splitlines() if not line.startswith("─")]
    assert head.split() == ["Plan", "numpy", "strict"]
    assert {row[1:12].strip() for row in rows} >= {"flops", "starts", "predicted", "transfers"}


def test_orders_differ_where_the_machines_do() -> None:
    """A chain of small matrices: one vector along it, or neighbours first, in ten rounds."""
    tensors = [tnl.Tensor(np.ones((2, 2)), (k, k + 1)) for k in range(1000)]
    net = tnl.TensorNetwork(tensors).fix({0: 0})
    host, device = tnl.plan(net, backend=["numpy", "strict"])
    assert host.path != device.path
    assert host.cost.flops < device.cost.flops
    assert host.cost.starts == 999
    assert device.cost.starts < 60
    assert tnl.compile(net, plan=device, backend="strict").log(
        [tensor.data for tensor in net]
    ).log == pytest.approx(tnl.log_contract(net).log, rel=1e-14)


def test_a_large_batch_of_small_networks_is_one_start(device: Machine) -> None:
    """Where there are own kernels for it; so it goes where a single one would not."""
    bonds = [np.asarray(tensor.data) for tensor in SMALL.network()]
    plans = {}
    for batch in (10, 5000):
        tensors = [
            tnl.Tensor(np.stack([bond] * batch), ("b", *tensor.indices))
            for bond, tensor in zip(bonds, SMALL.network(), strict=True)
        ]
        net = tnl.TensorNetwork(tensors, ("b",))
        plans[batch] = tnl.plan(net, batch="b", backend=["numpy", "strict"])
        program = tnl.compile(net, batch="b", backend="strict")
    few, many = (plans[batch][1].cost for batch in (10, 5000))
    assert few.starts == len(plans[10][1].pairs)
    assert many.starts == 1
    handed = 5000 * (sum(bond.size for bond in bonds) + 1)
    assert many.bytes_moved == 8 * handed
    assert program.gradient_plan.cost.starts == 2
    alone = tnl.plan(net, backend="strict").cost  # no batch: nobody knows that it is one
    assert alone.starts > 1


@pytest.mark.skipif("cupy" not in ABSENT, reason="CuPy can be used here")
def test_an_absent_backend_is_planned_for_and_says_so() -> None:
    plans = tnl.plan(SMALL, backend=["numpy", "cupy"])
    assert "an NVIDIA A100" in str(plans)
    assert str(plans).splitlines()[-1].strip() == ABSENT["cupy"]
    assert plans.best.backend == "numpy"
    alone = tnl.plan(SMALL, backend="cupy")
    assert alone.why == ABSENT["cupy"]
    assert "cannot be used here" in str(alone)
    with pytest.raises(BackendError, match="cannot be used here"):
        tnl.compile(SMALL, plan=alone, backend="auto")
    with pytest.raises(BackendError, match="cannot be used here"):
        _ = tnl.plan(SMALL, backend=["cupy"]).best
    with pytest.raises(BackendError, match="no backend is called 'nobody'"):
        tnl.plan(SMALL, backend=["numpy", "nobody"])


def test_backends_that_ship_no_model_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    from tnlearn.backend import discovery

    class Point:
        value = "nowhere:Nothing"

        def load(self) -> Any:
            raise ImportError("needs a quantum computer")

    monkeypatch.setattr(discovery, "installed", lambda: {"nothing": (Point(),)})
    with pytest.raises(BackendError, match="'nothing' cannot be used here: needs a quantum comp"):
        tnl.plan(SMALL, backend="nothing")
