"""No damage does harm: a file loads, or is a format error, and no code of it runs."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

import tnlearn as tnl
from header_edits import Header, changed, put, rewritten
from random_networks import random_case
from saved_things import (
    BAYES,
    GRAPH,
    MODEL,
    NETWORK,
    PLAN,
    A,
    Tiny,
)
from tnlearn.errors import FormatError
from tnlearn.files import load, save

pytestmark = pytest.mark.filterwarnings("error")


def specimens() -> list[Any]:
    fit = Tiny(alpha=0.5).fit(x_=A, y_=["a", 1, None], z_=np.array(["a", "b"]))
    return [NETWORK, random_case(7).network(), PLAN, MODEL, fit, GRAPH, BAYES]


def use(thing: Any) -> None:
    """What a user does first: nothing that was loaded may fail here."""
    assert repr(thing)
    if isinstance(thing, tnl.Plan):
        assert str(thing)
        assert len(thing.pairs) == len(thing.path)
        hash(thing)
    if isinstance(thing, tnl.TensorNetwork):
        assert len(thing.names) == len(thing)
        assert math.prod(thing.shape) >= 0
    if isinstance(thing, tnl.Ising | tnl.FactorGraph | tnl.BayesianNetwork):
        thing.network()


def survives(path: Path) -> bool:
    """Whether a file loads; FormatError is the only error it may raise."""
    try:
        use(load(path))
    except FormatError:
        return False
    return True


@pytest.mark.parametrize("number", range(7))
def test_random_damage_is_a_format_error_or_harmless(
    number: int, tiny: type[Tiny], path: Path
) -> None:
    save(specimens()[number], path)
    whole = path.read_bytes()
    random = Random(number)
    refused = 0
    for _ in range(250):
        raw = bytearray(whole)
        for _ in range(random.choice((1, 1, 2, 5))):
            at = random.randrange(len(raw))
            how = random.randrange(4)
            if how == 0:
                raw[at] ^= 1 << random.randrange(8)
            elif how == 1:
                raw[at : at + random.randrange(9)] = random.randbytes(random.randrange(9))
            elif how == 2:
                raw[at:at] = raw[random.randrange(len(raw)) :][: random.randrange(40)]
            else:
                raw[at] = random.choice(b'0123456789-,:"[]{}e\\')
        path.write_bytes(raw[: random.randrange(1, len(raw))] if random.random() < 0.2 else raw)
        refused += not survives(path)
    assert refused > 100


NASTY: list[Any] = [
    *(None, True, -1, 0, 1, 2, 7, 2**31, 2**62, 2**63, 10**400, -0.0, 0.5, 1e308, "", "x", "0"),
    *([], [[]], {}, [0], [0, 0], [2**62, 2**62], [0, 1], {"tuple": []}, {"tuple": 1}),
    *({"frozenset": [{"tuple": [[]]}]}, {"float": "inf"}, {"float": "nan"}, {"array": 0}, 10**5),
]


def places(at: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in a JSON value, and a key of it."""
    for key in list(at) if isinstance(at, dict) else range(len(at)):
        yield at, key
        if isinstance(at[key], dict | list):
            yield from places(at[key])


def spoil(random: Random, header: Header, ours: Header) -> None:
    at, key = random.choice([*places(ours), *places(ours.get("payload", {})), *places(header)])
    how = random.randrange(6)
    if how == 0:
        del at[key]
    elif how == 1 and isinstance(at, list):
        at.append(deepcopy(at[key]))
    elif how == 2 and isinstance(at[key], int):
        at[key] += random.choice((-1, 1))
    else:
        at[key] = deepcopy(random.choice(NASTY))


@pytest.mark.parametrize("number", range(7))
def test_a_spoilt_header_is_a_format_error_or_harmless(
    number: int, tiny: type[Tiny], path: Path
) -> None:
    save(specimens()[number], path)
    whole = path.read_bytes()
    random = Random(number)
    refused = 0
    for _ in range(300):
        refused += not survives(rewritten(whole, path, lambda h, ours: spoil(random, h, ours)))
    assert refused > 150


def test_loading_runs_no_code(tmp_path: Path) -> None:
    """The hook sees every import, exec, compile and unpickling, and cannot be taken off again."""
    save(NETWORK, tmp_path / "network")
    save(PLAN, tmp_path / "plan")
    save(MODEL, tmp_path / "model")
    save(GRAPH, tmp_path / "graph")
    save(BAYES, tmp_path / "bayes")
    (tmp_path / "pickle").write_bytes(b"\x80\x04cos\nsystem\n(S'true'\ntR.")
    changed(NETWORK, tmp_path / "hostile", put("os.system", "kind"))
    program = """
        import sys
        from pathlib import Path
        from tnlearn.errors import FormatError
        from tnlearn.files import load
        def load_all():
            for path in sorted(Path(sys.argv[1]).iterdir()):
                try:
                    print(path.name, type(load(path)).__name__)
                except FormatError:
                    print(path.name, "refused")
        load_all()
        def watch(event, arguments):
            if event.split(".")[0] in ("exec", "compile", "import", "pickle", "subprocess", "os"):
                if event not in ("os.listdir", "os.scandir"):
                    print(event, arguments, flush=True)
        sys.addaudithook(watch)
        print("watching")
        load_all()
        exec("1")
    """
    lines = [line.removeprefix(" " * 8) for line in program.splitlines()]
    command = [sys.executable, "-c", "\n".join(lines), str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    _, seen = ended.stdout.split("watching\n")
    *loaded, compiled, executed = seen.splitlines()
    assert loaded == [
        "bayes BayesianNetwork",
        "graph FactorGraph",
        "hostile refused",
        "model Ising",
        "network TensorNetwork",
        "pickle refused",
        "plan Plan",
    ]
    assert compiled.startswith("compile (b'1'"), "the hook sees what it should"
    assert executed.startswith("exec ")
