"""The suite for devices, where there is none: it runs, says so, and draws what it would draw."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import networks, one_slice
from benchmarks.agreement import disagreement
from benchmarks.bound import Rates
from benchmarks.devices import device_rates
from benchmarks.families import crossovers, family
from benchmarks.figure import draw
from benchmarks.instances import Answer
from benchmarks.orders import search
from benchmarks.peers import ON_DEVICES, PEERS, peers_of
from benchmarks.peers.on_devices import TnlearnOn, others
from benchmarks.peers.places import OnTorch
from benchmarks.problems import FIXED, Problem
from fake_peers import QUICK, TINY

ROOT = Path(__file__).parents[2]


def row(peer: str, size: int, seconds: float, **more: Any) -> dict[str, Any]:
    timed = {"problem": f"grid by bond {size}", "task": "value", "peer": peer, "status": "ok"}
    return {**timed, "running_seconds": seconds, "bound_percent": 10.0, **more}


#: Processors and a device that starts slowly.
ROWS = [
    row(peer, size, seconds(size), **({"device": "a card"} if peer == "cupy" else {}))
    for size in (4, 8, 16, 32)
    for peer, seconds in {
        "numpy": lambda n: n**4 * 1e-7,
        "torch": lambda n: n**4 * 2e-7,
        "cupy": lambda n: 1e-3 + n**4 * 1e-9,
    }.items()
]


def test_the_size_from_which_a_device_wins() -> None:
    assert crossovers(ROWS) == [{"family": "grid by bond", "device is quicker from": 16}]
    slower = [{**r, "running_seconds": 1.0} if "device" in r else r for r in ROWS]
    assert crossovers(slower)[0]["device is quicker from"] == "nowhere"
    quicker = [{**r, "running_seconds": 0.0} if "device" in r else r for r in ROWS]
    assert crossovers(quicker)[0]["device is quicker from"] == 4
    # A size at which it loses again counts: from there on it must not.
    again = [{**r, "running_seconds": 9.0} if r is ROWS[8] else r for r in ROWS]
    assert crossovers(again)[0]["device is quicker from"] == 32
    assert crossovers([r for r in ROWS if "device" not in r]) == []
    assert family("grid 4x4 by bond 8") == ("grid 4x4 by bond", 8)
    assert family("ising 6x6") is None


@pytest.mark.parametrize("device", ["a card", "processor"])
def test_the_picture_over_sizes(tmp_path: Path, device: str) -> None:
    rows = [r for r in ROWS if device == "a card" or "device" not in r]
    result = {
        "suite": "gpu",
        "measurements": rows,
        "devices": {"numpy": "processor", "torch": "processor", "cupy": device},
        "threads": {"OMP_NUM_THREADS": "2"},
        "environment": {"machine": {"cpu": "a processor"}, "date": "today"},
    }
    (tmp_path / "r.json").write_text(json.dumps(result), encoding="utf-8")
    assert draw(tmp_path / "r.json").read_bytes().startswith(b"\x89PNG")


def test_rates_are_those_of_work_that_was_waited_for() -> None:
    """The clock goes on until the device is done, and what is done once is not counted."""
    said: list[str] = []
    rates = device_rates(
        "float32",
        lambda array: array[:64, :64] if array.ndim == 2 else array[:64],
        lambda: said.append("waited"),
        lambda a, b: said.append("multiplied") or a @ b,
    )
    assert isinstance(rates, Rates)
    assert rates.flops > 0 < rates.bytes
    assert said[:6] == ["waited", "multiplied", "waited"] * 2


def test_libraries_in_a_place_agree() -> None:
    pytest.importorskip("torch")
    place = OnTorch("cpu")
    for problem in ("ising 3x3", "rbm 3x4 batch 5", "circuit 2x2 depth 3"):
        instance = TINY[problem].build(0)
        order = search(instance, "tnlearn", 0, None, 0.0)
        answers: list[Answer] = []
        for peer in (PEERS[0], TnlearnOn(place), *others(place)):
            assert peer.version()
            runner = peer.prepare(instance, "value", order if peer.planners else None, "")
            packed = runner.pack(instance.sets[1])
            answers.append(runner.answer(runner.run(packed)))
        assert type(answers[1].value) is np.ndarray
        assert all(disagreement(answers[0], other) < 1e-9 for other in answers[1:])


def test_places_that_are_not_there_take_no_part() -> None:
    """Each device is asked for in a process of its own, which must find one."""
    there = {peer.name: peer.version() for peer in ON_DEVICES}
    assert there["tnlearn"]
    for peer in ON_DEVICES:
        if there[peer.name] and "cuda" in peer.name:
            assert peer.device()
    assert peers_of("gpu") is ON_DEVICES
    assert peers_of("cpu") is PEERS
    assert len({peer.name for peer in ON_DEVICES}) == len(ON_DEVICES)


def test_sycamore_s_circuit_has_53_qubits_of_which_none_is_coupled_twice_in_a_cycle() -> None:
    instance = networks.sycamore(8, 0)
    ends = [term for term in instance.inputs if len(term) == 1]
    assert len(ends) == 2 * 53
    pairs = [term for term in instance.inputs if len(term) == 4]
    assert 53 * 8 + 2 * 53 + len(pairs) == len(instance.inputs)
    # Every bond of the lattice is there twice in ABCDCDAB.
    assert len(pairs) == 2 * (5 * 9 + 6 * 8 - 2)


def test_one_slice_is_timed_and_the_rest_is_said_to_be_extrapolated() -> None:
    pytest.importorskip("torch")
    problem = Problem("circuit", partial(networks.circuit, 4, 4, 6), (), one_slice=True)
    peers = [PEERS[0], *[peer for peer in ON_DEVICES if peer.name == "tnlearn torch-cpu"]]

    rows = one_slice.measure(problem, peers, 0, replace(QUICK, memory=2**31))
    assert [row["peer"] for row in rows] == [peer.name for peer in peers]
    for found in rows:
        assert found["status"] == "ok", found
        assert "extrapolated" in found["note"]
        whole = found["seconds_of_one_slice"] * found["slices"]
        assert found["extrapolated_seconds"] == whole
    assert sum(problem.one_slice for problem in FIXED if "gpu" in problem.suites) == 2


def test_one_command_runs_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks", "run", "--suite=gpu", "--only=bond 16"]
    command += ["--seconds-per-measurement=0.01", "--seconds-to-plan=0.1", "--peer-memory=2GiB"]
    command += ["--peers=tnlearn", "--name=g", f"--folder={tmp_path}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("devices: ")
    result = json.loads((tmp_path / "g.json").read_text(encoding="utf-8"))
    assert result["devices"]["tnlearn"] == "processor"
    timed = {r["peer"]: r for r in result["measurements"] if r["status"] == "ok"}
    assert timed["tnlearn"]["running_seconds"] > 0
    assert all(timed[name]["packing_seconds"] > 0 for name in timed)
    if "none" in done.stdout.splitlines()[0]:
        assert not any("device" in r for r in timed.values())
    assert (tmp_path / "g.png").exists()
