"""Measured speeds: kept, used by every plan from then on, and given up again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import tnlearn as tnl
from tnlearn.backend import Machine, calibrated, get_backend, machine_of
from tnlearn.cli import calibrate, main
from tnlearn.cli.info import collect

NETWORK = tnl.grid(3, 3, 4, seed=0)
MEASURED = Machine("measured on this machine", 1e3, 1e3, 1.0, 1e3)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for the model, and networks that are measured in no time."""
    monkeypatch.setenv("TNLEARN_CACHE_DIR", str(tmp_path))
    for name, value in {"LARGE": 64, "LONG": 1000, "STEPS": (2, 10), "SECONDS": 0.02}.items():
        monkeypatch.setattr(calibrate, name, value)
    return tmp_path


def test_the_command_measures_prints_and_keeps(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = get_backend("numpy").machine
    before = tnl.plan(NETWORK).cost
    assert main(["calibrate"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["shipped", "measured"]
    machine = machine_of(get_backend("numpy"))
    assert machine != shipped
    assert get_backend("numpy").machine == shipped
    for line, field in zip(lines[1:], calibrate.ROWS_PRINTED, strict=False):
        assert f"{getattr(shipped, field):.2g} " in line
        assert f"{getattr(machine, field):.2g}  {calibrate.ROWS_PRINTED[field][1]}" in line
    after = tnl.plan(NETWORK).cost
    assert after.seconds != before.seconds
    assert str(folder) in lines[-1]
    assert main(["calibrate", "--reset"]) == 0
    assert "one x86-64 core again" in capsys.readouterr().out
    assert tnl.plan(NETWORK).cost == before
    assert main(["calibrate", "--reset"]) == 0


def test_a_device_s_transfers_are_measured_too(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = get_backend("strict")
    device = replace(backend.machine, transfer=1e9)
    monkeypatch.setattr(type(backend), "machine", device)
    assert main(["calibrate", "--backend", "strict"]) == 0
    assert "to and fro" in capsys.readouterr().out
    machine = machine_of(backend)
    assert machine.grouped
    assert machine.transfer is not None
    assert 1e6 < machine.transfer < 1e12


def test_what_is_measured_is_right_within_an_order_of_magnitude() -> None:
    machine = calibrate.measured("numpy")
    assert 1e9 < machine.flops < 1e13
    assert 1e8 < machine.bandwidth < 1e12
    assert 1e-8 < machine.latency < 1e-3
    assert machine.small_flops is not None
    assert 1e7 < machine.small_flops < 1e12


def test_info_says_which_speeds_are_used(folder: Path) -> None:
    assert collect()["backends"]["numpy"]["speeds"] == "one x86-64 core"
    path = calibrated.stored_at("numpy")
    assert path is not None
    calibrated.store(path, MEASURED)
    assert collect()["backends"]["numpy"]["speeds"] == "measured on this machine"


BROKEN: dict[str, Any] = {
    "nothing": None,
    "text": "fast",
    "half": {"name": "x", "flops": 1.0},
    "negative": {"bandwidth": -1.0},
    "zero": {"latency": 0},
    "infinite": {"latency": float("inf")},
    "not a number": {"flops": float("nan")},
    "words": {"flops": "many"},
    "a truth": {"flops": True},
    "no name": {"name": 3},
    "none": {"small_flops": None},
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_broken_model_is_as_none(broken: Any, folder: Path) -> None:
    path = calibrated.stored_at("numpy")
    assert path is not None
    calibrated.store(path, MEASURED)
    backend = get_backend("numpy")
    assert machine_of(backend) == MEASURED
    if isinstance(broken, dict) and len(broken) == 1:
        broken = json.loads(path.read_text()) | broken
    path.write_text(json.dumps(broken))
    calibrated._measured.cache_clear()
    assert machine_of(backend) == backend.machine


@pytest.mark.parametrize("arguments", [[], ["--reset"]])
def test_without_a_folder_there_is_nowhere_to_keep_it(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TNLEARN_CACHE_DIR", "off")
    assert main(["calibrate", *arguments]) == 1
    assert "TNLEARN_CACHE_DIR is off" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "file").write_text("")
    monkeypatch.setenv("TNLEARN_CACHE_DIR", str(folder / "file"))
    assert main(["calibrate"]) == 1
    assert "cannot be written" in capsys.readouterr().err


def test_an_unknown_backend_is_an_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", "--backend", "abacus"]) == 1
    assert "no backend is called 'abacus'" in capsys.readouterr().err
