"""Evidence in Bayesian networks from files, beside an elimination of variables on bare tables.

Run with ``python benchmarks/bif.py --folder DIR``, where DIR holds ``.bif`` or ``.bif.gz`` files;
writes ``results/bif.json`` and exits 1 if a table is read differently or a log-probability is off
by more than 1e-10. Evidence is drawn from a state of the network, so that it is possible. The
elimination reads the files by itself, and knows nothing of tnlearn. A network is asked no longer
than its seconds, and passed over where the elimination would need too large a table.
"""

from __future__ import annotations

import argparse
import gzip
import re
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from environment import write_result
from tqdm import tqdm

import tnlearn as tnl

OFF = 1e-10
#: Entries that a table of the elimination may have; a network that needs more is passed over.
MOST_ENTRIES = 2**24

#: Variables of a table, and the table.
Table = tuple[tuple[str, ...], Any]


def plain(path: Path) -> tuple[dict[str, list[str]], dict[str, Table]]:
    """States and tables of a tidy file, a line at a time: one row of numbers on each."""
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()
    blocks = re.findall(r"^(variable|probability) (.*?)\n}", text, re.DOTALL | re.MULTILINE)
    states = {}
    for kind, block in blocks:
        if kind == "variable":
            states[block.split()[0]] = _listed(block.rpartition("{")[2].partition("}")[0])
    tables: dict[str, Table] = {}
    for kind, block in blocks:
        if kind == "probability":
            head, *rows = block.split("\n")
            name, *parents = re.split(r"[ |,]+", head.strip("( ){"))
            table = np.zeros([len(states[each]) for each in (*parents, name)])
            for row in rows:
                given, _, numbers = row.strip(" ;").removeprefix("table").rpartition(")")
                at = [
                    states[parent].index(state)
                    for parent, state in zip(parents, _listed(given.strip("( ")), strict=True)
                ]
                table[tuple(at)] = [float(number) for number in numbers.split(",")]
            tables[name] = (*parents, name), table
    return states, tables


def _listed(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def drawn(states: Mapping[str, Sequence[str]], tables: Mapping[str, Table], random: Any) -> Any:
    """A state of the network: every variable after its parents."""
    at: dict[str, int] = {}
    while len(at) < len(tables):
        for name, (scope, table) in tables.items():
            if name not in at and all(parent in at for parent in scope[:-1]):
                row = table[tuple(at[parent] for parent in scope[:-1])]
                at[name] = int(random.choice(len(row), p=row / row.sum()))
    return {name: states[name][k] for name, k in at.items()}


def eliminated(tables: Sequence[Table], at: Mapping[str, int]) -> float:
    """Logarithm of the sum over all variables that are not held, one after another.

    The next is always the one whose elimination makes the smallest table.
    """
    left = dict(enumerate(_held(table, at) for table in tables))
    on: dict[str, set[int]] = {}
    for number, (scope, _) in left.items():
        for name in scope:
            on.setdefault(name, set()).add(number)
    sizes = {n: t.shape[k] for s, t in left.values() for k, n in enumerate(s)}
    log = 0.0

    def made(name: str) -> tuple[str, ...]:
        names = dict.fromkeys(n for number in on[name] for n in left[number][0])
        return tuple(n for n in names if n != name)

    cost = {name: _entries(made(name), sizes) for name in on}
    while cost:
        name = min(cost, key=lambda each: (cost[each], each))
        if cost.pop(name) > MOST_ENTRIES:
            raise MemoryError("the tables of the elimination grow too large")
        scope = made(name)
        joined = _product([left.pop(number) for number in sorted(on[name])], (*scope, name))
        table = joined.sum(axis=-1)
        scale = table.max()
        log += np.log(scale)
        number = len(tables) + len(sizes) - len(cost)
        left[number] = scope, table / scale
        gone = on.pop(name)
        for each in scope:
            on[each] = (on[each] - gone) | {number}
        for each in scope:
            cost[each] = _entries(made(each), sizes)
    return float(log + sum(np.log(float(table)) for _, table in left.values()))


def _held(table: Table, at: Mapping[str, int]) -> Table:
    scope, entries = table
    kept = tuple(name for name in scope if name not in at)
    return kept, entries[tuple(at.get(name, slice(None)) for name in scope)]


def _entries(names: Sequence[str], sizes: Mapping[str, int]) -> float:
    return float(np.prod([float(sizes[name]) for name in names]))


def _product(tables: Sequence[Table], scope: Sequence[str]) -> Any:
    result: Any = 1.0
    for names, table in tables:
        order = sorted(range(len(names)), key=lambda k: scope.index(names[k]))
        known = {names[k]: table.shape[k] for k in order}
        result = result * table.transpose(order).reshape([known.get(name, 1) for name in scope])
    return result


def evidences(
    states: Mapping[str, Sequence[str]], tables: Mapping[str, Table], count: int
) -> Iterator[dict[str, str]]:
    """Random parts of random states: half of the variables at most, and one at least."""
    random = np.random.default_rng(0)
    for _ in range(count):
        state = drawn(states, tables, random)
        held = int(random.integers(1, max(2, len(state) // 2 + 1)))
        names = random.choice(list(state), size=held, replace=False).tolist()
        yield {name: state[name] for name in names}


def comes_back(model: tnl.BayesianNetwork) -> bool:
    """Whether it is written and read again with the same names, and numbers to the last bit."""
    with tempfile.TemporaryDirectory() as folder:
        tnl.write(model, Path(folder) / "model.bif")
        found = tnl.read(Path(folder) / "model.bif")
    pairs = zip(found.factors.factors, model.factors.factors, strict=True)
    return (
        found.sites == model.sites
        and all(found.values(site) == model.values(site) for site in model.sites)
        and all(a.scope == b.scope and a.table.tobytes() == b.table.tobytes() for a, b in pairs)
    )


def row_of(path: Path, count: int, seconds: float) -> dict[str, Any]:
    """One network: how long it is read, and how far its answers are off."""
    start = time.perf_counter()
    model = tnl.read(path)
    row: dict[str, Any] = {
        "network": path.name.partition(".")[0],
        "variables": len(model.sites),
        "entries": sum(factor.table.size for factor in model.factors.factors),
        "read, seconds": time.perf_counter() - start,
    }
    states, tables = plain(path)
    same = list(states) == list(model.sites) and all(
        tuple(states[name]) == model.values(name) for name in states
    )
    same = same and all(
        scope == tables[scope[-1]][0] and np.array_equal(table, tables[scope[-1]][1])
        for scope, table in model.factors.factors
    )
    row |= {"tables": "equal" if same else "DIFFERENT", "evidences": 0, "off by at most": 0.0}
    row["written and read"] = "equal" if comes_back(model) else "DIFFERENT"
    if not same:
        return row
    start = time.perf_counter()
    for evidence in evidences(states, tables, count):
        if time.perf_counter() - start > seconds:
            break
        at = {name: states[name].index(state) for name, state in evidence.items()}
        try:
            wanted = eliminated(list(tables.values()), at)
        except MemoryError:
            row["passed over"] = row.get("passed over", 0) + 1
            continue
        held = tnl.condition(model, evidence)
        found = float(tnl.log_partition(held, memory_limit="4GiB"))
        row["off by at most"] = max(row["off by at most"], abs(found - wanted))
        row["evidences"] += 1
    row["all, seconds"] = time.perf_counter() - start
    return row


def is_right(row: Mapping[str, Any]) -> bool:
    """Whether everything asked of a network is as it should be."""
    same = row["tables"] == row["written and read"] == "equal"
    return same and bool(row["off by at most"] <= OFF)


def main() -> int:
    """Read every file of a folder, ask, print and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="of the networks")
    parser.add_argument("--count", type=int, default=200, help="evidences of each")
    parser.add_argument("--seconds", type=float, default=30.0, help="for one network at most")
    parser.add_argument("--results", type=Path, default=None)
    given = parser.parse_args()
    paths = sorted(p for p in given.folder.iterdir() if p.name.endswith((".bif", ".bif.gz")))
    rows = [row_of(path, given.count, given.seconds) for path in tqdm(paths, disable=None)]
    wrong = [row for row in rows if not is_right(row)]
    payload = {
        "networks": len(rows),
        "evidences": sum(row["evidences"] for row in rows),
        "off by at most": max(row["off by at most"] for row in rows),
        "wrong": [row["network"] for row in wrong],
        "asked less often": [r["network"] for r in rows if r["evidences"] < given.count],
        "rows": rows,
    }
    folder = {} if given.results is None else {"folder": given.results}
    path = write_result("bif", payload, **folder)
    print(path.with_suffix(".md").read_text())
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
