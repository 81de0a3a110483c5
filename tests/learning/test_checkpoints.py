"""Checkpoints: interrupted runs end in the same bits; damage and strange files are refused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone

import tnlearn as tnl
from tnlearn.errors import FormatError, ModelError
from tnlearn.learning import rbm_training, training
from tnlearn.learning.checkpoints import Checkpoint, fingerprint

DATA = np.random.default_rng(0).random((90, 6))
MACHINES: dict[str, Any] = {
    learning: tnl.RBM(
        n_hidden=4, learning=learning, chains=16, rungs=3, epochs=6, batch_size=20, random_state=0
    )
    for learning in ("exact", "persistent", "tempered", "contrastive")
}
MACHINES["real numbers"] = tnl.GaussianRBM(
    n_hidden=3, learning="tempered", chains=16, rungs=3, epochs=6, batch_size=20, random_state=0
)


def interrupted(
    monkeypatch: pytest.MonkeyPatch,
    machine: Any,
    path: Path,
    steps: int,
    optimizer: type[Any] = rbm_training.Momentum,
    y: Any = None,
) -> None:
    """A fit that ends by Ctrl-C in a step."""
    step, count = optimizer.step, [0]

    def failing(self: Any, gradient: Any) -> None:
        count[0] += 1
        if count[0] > steps:
            raise KeyboardInterrupt
        step(self, gradient)

    with monkeypatch.context() as patch:
        patch.setattr(optimizer, "step", failing)
        with pytest.raises(KeyboardInterrupt):
            clone(machine).fit(DATA, y, checkpoint=path)


@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize("steps", [2, 5, 17])
def test_an_interrupted_fit_ends_in_the_same_bits(
    name: str, steps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the first epoch, of which nothing is kept; in the second; and in the fourth."""
    machine, path = MACHINES[name], tmp_path / "run"
    whole = clone(machine).fit(DATA)
    interrupted(monkeypatch, machine, path, steps)
    assert path.exists() == (steps >= 5)
    calls = []
    step = rbm_training.Momentum.step
    monkeypatch.setattr(
        rbm_training.Momentum, "step", lambda *given: (calls.append(1), step(*given))[1]
    )
    resumed = clone(machine).fit(DATA, checkpoint=path)
    assert len(calls) == 30 - steps // 5 * 5
    np.testing.assert_array_equal(resumed.model_.weights, whole.model_.weights)
    np.testing.assert_array_equal(resumed.score_samples(DATA), whole.score_samples(DATA))
    again = clone(machine).fit(DATA, checkpoint=path)
    np.testing.assert_array_equal(again.model_.weights, whole.model_.weights)
    assert [file.name for file in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("stops", [False, True])
@pytest.mark.parametrize("steps", [2, 5, 12])
def test_so_does_that_of_a_classifier(
    stops: bool, steps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four steps an epoch; early stopping goes on where it was, also after its end."""
    y, path = DATA[:, 0] > 0.5, tmp_path / "run"
    machine = tnl.MPSClassifier(
        3, epochs=8, batch_size=20, early_stopping=stops, n_iter_no_change=2, random_state=0
    )
    whole = clone(machine).fit(DATA, y)
    interrupted(monkeypatch, machine, path, steps, training.Adam, y)
    assert path.exists() == (steps >= 4)
    for _ in range(2):
        resumed = clone(machine).fit(DATA, y, checkpoint=path)
        for one, other in zip(resumed.tensors_, whole.tensors_, strict=True):
            np.testing.assert_array_equal(one, other)
        assert resumed.loss_curve_ == whole.loss_curve_
        assert resumed.validation_scores_ == whole.validation_scores_
    with pytest.raises(ModelError, match="of another run, whose data is"):
        clone(machine).fit(DATA, ~y, checkpoint=path)


def test_seeds_need_not_be_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = clone(MACHINES["persistent"]).set_params(random_state=None)
    interrupted(monkeypatch, machine, tmp_path / "run", 12)
    one, other = (clone(machine).fit(DATA, checkpoint=copy) for copy in copies(tmp_path / "run", 2))
    np.testing.assert_array_equal(one.model_.weights, other.model_.weights)


def copies(path: Path, count: int) -> list[Path]:
    found = [path.with_name(f"copy {k}") for k in range(count)]
    for copy in found:
        copy.write_bytes(path.read_bytes())
    return found


def test_another_run_is_refused(tmp_path: Path) -> None:
    machine, path = MACHINES["persistent"], tmp_path / "run"
    clone(machine).fit(DATA, checkpoint=path)
    before = path.read_bytes()
    for change in ({"epochs": 7}, {"learning_rate": 0.1}, {"random_state": 1}):
        name = next(iter(change))
        with pytest.raises(ModelError, match=f"of another run, whose {name} is"):
            clone(machine).set_params(**change).fit(DATA, checkpoint=path)
    with pytest.raises(ModelError, match="of another run, whose data is"):
        clone(machine).fit(DATA[:50], checkpoint=path)
    with pytest.raises(ModelError, match="of another run, whose"):
        MACHINES["real numbers"].fit(DATA, checkpoint=path)
    assert path.read_bytes() == before
    clone(machine).set_params(progress=True).fit(DATA, checkpoint=path)


def test_every_damage_is_seen(tmp_path: Path) -> None:
    """Bytes that are changed anywhere, files cut short, and other files."""
    machine, path = MACHINES["contrastive"], tmp_path / "run"
    clone(machine).fit(DATA, checkpoint=path)
    sound, random = path.read_bytes(), np.random.default_rng(0)
    damaged = [sound[:k] for k in (0, 7, 8, 100, len(sound) - 1)] + [b"hello", sound + b"x"]
    for place in random.integers(0, len(sound), 60).tolist():
        changed = bytearray(sound)
        changed[place] ^= 1 << int(random.integers(8))
        damaged.append(bytes(changed))
    kept = []
    for number, content in enumerate(damaged):
        path.write_bytes(content)
        try:
            Checkpoint(path, {}).read()
        except FormatError as error:
            kept.append(str(error))
        except ModelError:  # It was read, and is of a run: not of {}.
            assert number > 6
    assert all("damaged or no checkpoint: delete it to begin anew" in text for text in kept)
    assert len(kept) >= len(damaged) - 2  # Blanks that pad the header may turn to others.
    path.write_bytes(damaged[3])
    with pytest.raises(FormatError, match="damaged"):
        clone(machine).fit(DATA, checkpoint=path)


def test_arrays_and_notes_come_back(tmp_path: Path) -> None:
    place = Checkpoint(tmp_path / "run", {"a": 1})
    assert place.read() is None
    given = {"x": np.arange(6.0)[::2], "n": np.array([2**63], np.uint64)}
    place.write(given, {"state": 2**100})
    arrays, notes = place.read() or ({}, {})
    assert notes == {"state": 2**100}
    for name, array in given.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype


def test_fingerprints_tell_data_apart() -> None:
    one = np.zeros((2, 3))
    others = [np.zeros((3, 2)), np.zeros((2, 3), np.float32), np.ones((2, 3))]
    assert fingerprint(one) == fingerprint(one.copy())
    assert len({fingerprint(x) for x in [one, *others]}) == 4


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        clone(MACHINES["exact"]).fit(DATA, checkpoint=tmp_path / "no" / "run")


@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise on Windows")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_process_that_is_stopped_leaves_a_checkpoint(number: int, tmp_path: Path) -> None:
    program = (
        "import numpy as np, signal, sys, tnlearn as tnl\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "data = np.random.default_rng(0).random((90, 6))\n"
        "tnl.RBM(n_hidden=4, learning='contrastive', epochs=100000, random_state=0)"
        ".fit(data, checkpoint=sys.argv[1])\n"
    )
    path = tmp_path / "run"
    process = subprocess.Popen([sys.executable, "-c", program, str(path)], stderr=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.2)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode != 0
    found = Checkpoint(path, {})._arrays()
    assert np.isfinite(found["parameters"]).all()
