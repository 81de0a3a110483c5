"""Plans found again: the same plan, whatever is in the folder and whoever shares it."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import opt_einsum
import pytest

import tnlearn as tnl
from tnlearn.planning import cache, memo, planfiles, planner

NETWORK = tnl.grid(4, 4, 3, seed=0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in which every plan of this test is kept, and nothing in memory."""
    monkeypatch.setenv("TNLEARN_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(cache, "WORTH_A_FILE", 0.0)
    monkeypatch.setattr(cache, "MEMO", memo.Memo())
    return tmp_path / "plans"


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Grows by one with every search that really runs."""
    ran: list[Any] = []
    search = planner._searched

    def counted(*given: Any) -> Any:
        ran.append(given)
        return search(*given)

    monkeypatch.setattr(planner, "_searched", counted)
    return ran


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """What another process would know: only what is on disk."""
    monkeypatch.setattr(cache, "MEMO", memo.Memo())


OPTIONS: dict[str, dict[str, Any]] = {
    "default": {},
    "fast": {"search": "fast"},
    "seed": {"seed": 3},
    "seconds": {"search": 0.02},
    "sliced": {"memory_limit": 6000},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_plan_is_searched_for_once(
    options: dict[str, Any],
    folder: Path,
    searches: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = tnl.plan(NETWORK, **options)
    assert tnl.plan(NETWORK, **options) == first
    forget(monkeypatch)
    again = tnl.plan(NETWORK, **options)
    assert again == first
    assert again.pairs == first.pairs
    assert len(searches) == 1
    assert len(list(folder.iterdir())) == 1
    if "search" not in options or options["search"] == "fast":
        assert tnl.plan(NETWORK, **options, cache=False) == first
        assert len(searches) == 2


def test_names_and_data_do_not_matter(folder: Path, searches: list[Any]) -> None:
    tnl.plan(NETWORK)
    renamed = NETWORK.relabel({index: f"another {index}" for index in NETWORK.sizes})
    tnl.plan(renamed)
    tnl.plan(tnl.grid(4, 4, 3, seed=9))
    assert len(searches) == 1


def other_dtype() -> tnl.TensorNetwork:
    tensors = [tnl.Tensor(t.data.astype(np.float32), t.indices, t.name) for t in NETWORK]
    return tnl.TensorNetwork(tensors)


OTHERS: dict[str, Callable[[], Any]] = {
    "structure": lambda: tnl.plan(tnl.grid(4, 5, 3, seed=0)),
    "sizes": lambda: tnl.plan(tnl.grid(4, 4, 2, seed=0)),
    "dtype": lambda: tnl.plan(other_dtype()),
    "search": lambda: tnl.plan(NETWORK, search="fast"),
    "seed": lambda: tnl.plan(NETWORK, seed=1),
    "limit": lambda: tnl.plan(NETWORK, memory_limit=6000),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_what_matters_is_told_apart(
    other: Callable[[], Any], folder: Path, searches: list[Any]
) -> None:
    tnl.plan(NETWORK)
    other()
    assert len(searches) == 2


def test_the_machine_and_the_versions_matter(
    folder: Path, searches: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    tnl.plan(NETWORK)
    machine = planner.machine_of(planner.get_backend("numpy"))
    slow = dataclasses.replace(machine, bandwidth=1e3)
    with monkeypatch.context() as patch:
        patch.setattr(planner, "machine_of", lambda backend: slow)
        assert tnl.plan(NETWORK).cost.seconds > 1
    forget(monkeypatch)
    monkeypatch.setattr("tnlearn.planning.key._versions", lambda: ["2", "3"])
    tnl.plan(NETWORK)
    assert len(searches) == 3


def test_a_limit_that_the_plan_keeps_does_not_matter(folder: Path, searches: list[Any]) -> None:
    whole = tnl.plan(NETWORK)
    assert tnl.plan(NETWORK, memory_limit=whole.cost.peak_bytes) == whole
    assert len(searches) == 1
    assert tnl.plan(NETWORK, memory_limit=whole.cost.peak_bytes - 1) != whole
    assert len(searches) == 2


def test_the_optimizers_and_paths_of_others_are_asked_each_time(
    folder: Path, searches: list[Any]
) -> None:
    path = [(0, 1)] * (len(NETWORK) - 1)
    for search in (opt_einsum.paths.greedy, "greedy", path) * 2:
        tnl.plan(NETWORK, search=search)
    assert len(searches) == 6
    assert not folder.exists()


def test_only_what_took_a_while_is_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "WORTH_A_FILE", 1e3)
    tnl.plan(NETWORK)
    assert not folder.exists()


@pytest.mark.parametrize("off", ["", "off"])
def test_nothing_is_written_where_the_cache_is_off(
    off: str, folder: Path, searches: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TNLEARN_CACHE_DIR", off)
    monkeypatch.chdir(folder.parent)
    tnl.plan(NETWORK)
    tnl.plan(NETWORK)
    assert len(searches) == 1
    assert list(folder.parent.iterdir()) == []


def changed(**changes: Any) -> Callable[[bytes], bytes]:
    return lambda text: json.dumps(json.loads(text) | changes).encode()


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda text: b"",
    "cut off": lambda text: text[:-20],
    "no text": lambda text: b"\xff\x00" * 40,
    "another kind": lambda text: b"[1, 2]",
    "deep": lambda text: b"[" * 100_000,
    "long": lambda text: text + b" " * 10_000,
    "of another key": changed(key="0" * 40),
    "no path": changed(path=None),
    "a path of letters": changed(path=[["a", "b"]]),
    "a path of threes": changed(path=[[0, 1, 2]]),
    "a short path": changed(path=[[0, 1]]),
    "a path that takes a tensor twice": changed(path=[[0, 0]] * 15),
    "an index that is not there": changed(sliced=[1000]),
    "an index by a truth": changed(sliced=[True]),
    "a slice that is not needed": changed(sliced=[0]),
    "an order without a name": changed(order=7),
}


@pytest.mark.parametrize("breaking", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_replaced(
    breaking: Callable[[bytes], bytes],
    folder: Path,
    searches: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = tnl.plan(NETWORK)
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    file.write_bytes(breaking(whole))
    forget(monkeypatch)
    assert tnl.plan(NETWORK) == first
    assert len(searches) == 2
    assert file.read_bytes() == whole


def test_a_file_over_the_limit_is_not_believed(
    folder: Path, searches: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = tnl.plan(NETWORK, memory_limit=6000)
    (file,) = folder.iterdir()
    file.write_bytes(changed(sliced=[])(file.read_bytes()))
    forget(monkeypatch)
    assert tnl.plan(NETWORK, memory_limit=6000) == first
    assert len(searches) == 2


def test_a_folder_that_cannot_be_written_stops_nothing(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TNLEARN_CACHE_DIR", str(tmp_path / "file"))
    assert tnl.plan(NETWORK) == tnl.plan(NETWORK, cache=False)


def test_the_folder_is_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planfiles, "MOST_FILES", 8)
    folder.mkdir()
    abandoned, unfinished = folder / ".a.tmp", folder / ".b.tmp"
    for file in (abandoned, unfinished):
        file.write_text("")
    os.utime(abandoned, (0, 0))
    for seed in range(7):
        tnl.plan(NETWORK, search="fast", seed=seed)
        (file,) = (f for f in folder.glob("*.json") if f.stat().st_mtime > time.time() - 20)
        os.utime(file, (time.time() - 100 + 5 * seed,) * 2)
    assert not abandoned.exists()
    assert len(list(folder.iterdir())) == 8
    assert file.exists()
    (oldest,) = (f for f in folder.glob("*.json") if f.stat().st_mtime < time.time() - 99.5)
    tnl.plan(NETWORK, search="fast", seed=8)
    assert unfinished.exists()
    assert file.exists()
    assert not oldest.exists()
    assert len(list(folder.iterdir())) == 6


def test_a_file_that_is_used_is_not_old(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tnl.plan(NETWORK)
    (file,) = folder.iterdir()
    os.utime(file, (0, 0))
    forget(monkeypatch)
    tnl.plan(NETWORK)
    assert file.stat().st_mtime > time.time() - 20


def test_the_memory_is_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memo, "MOST_PLANS", 4)
    for seed in range(6):
        tnl.plan(NETWORK, search="fast", seed=seed)
    assert [key.seed for key in cache.MEMO.found] == [2, 3, 4, 5]
    assert cache.MEMO.steps == 4 * (len(NETWORK) - 1)
    monkeypatch.setattr(memo, "MOST_STEPS", 40)
    tnl.plan(NETWORK, search="fast", seed=6)
    assert cache.MEMO.steps <= 40


def test_threads_share_the_cache(folder: Path) -> None:
    seeds = [k % 5 for k in range(40)]
    alone = [tnl.plan(NETWORK, search="fast", seed=seed, cache=False) for seed in range(5)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda seed: tnl.plan(NETWORK, search="fast", seed=seed), seeds))
    assert found == [alone[seed] for seed in seeds]


ENDLESS = """
import itertools, tnlearn as tnl
from tnlearn.planning import cache, memo
cache.WORTH_A_FILE = 0.0
network = tnl.grid(4, 4, 3, seed=0)
for k in itertools.count():
    tnl.plan(network, search="fast", seed=k % 20)
    cache.MEMO.clear()
    if not k % 7:
        for file in __import__("pathlib").Path(FOLDER).glob("*.json"):
            file.unlink(missing_ok=True)
    print(k, flush=True)
"""


def test_processes_share_the_folder_and_one_is_killed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = ENDLESS.replace("FOLDER", repr(str(folder)))
    killed, other = (
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    )
    alone = [tnl.plan(NETWORK, search="fast", seed=seed, cache=False) for seed in range(20)]
    for process in (killed, other):
        assert process.stdout is not None
        process.stdout.readline()
    for seed in 3 * [*range(20)]:
        forget(monkeypatch)
        assert tnl.plan(NETWORK, search="fast", seed=seed) == alone[seed]
        if seed == 10:
            killed.send_signal(signal.SIGKILL)
    assert other.poll() is None, "the other should not have failed"
    other.kill()
    for process in (killed, other):
        process.communicate()
    for file in folder.glob("*.json"):
        json.loads(file.read_bytes())
