"""Problems of the UAI 2014 inference competition against their reference answers.

Run with ``python benchmarks/uai_answers.py`` and ``TNLEARN_DATA`` naming the folder that holds
``uai2014/PR``, ``MAR`` and ``MAP``; writes ``results/uai_answers.json`` and ``.md``. Every problem
runs in a process of its own under a limit of seconds. An answer to PR is right if it has the
reference's printed digits, one to MAR if all marginals have them, one to MAP if its state weighs at
least as much as the reference's: where that cannot be had exactly, the best that a search comes by.
With ``--peers`` cotengra and pgmpy answer PR, each with as many seconds, where they are installed;
that is put beside the answers there are. pgmpy is asked about the narrow ones. A peer that failed
ran out of memory, mostly: its order is drawn by chance, and another attempt may end well.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import os
import re
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from environment import RESULTS, write_result
from tqdm import tqdm
from uai_peers import MEMORY, PEERS

import tnlearn as tnl
from tnlearn.errors import MemoryLimitError, ModelError

TASKS = ("PR", "MAR", "MAP")
#: What one problem may take, and operations that are worth beginning in that time.
SECONDS, FLOPS, MODE_FLOPS = 120.0, 3e12, 1e10
#: Widths, in bits, above which a peer is not asked: its elimination takes minutes or all memory.
WIDEST = {"pgmpy": 18}
#: References that are not held against an answer, and why.
DOUBTFUL = {
    "relational_3": "the reference disagrees with two independent methods",
    "relational_5": "the reference disagrees with two independent methods",
    "sat-grid-pbl-0010.cnf": "the file holds factors that are all zero",
    "linkage_15": "cotengra contracts the file to this answer, to 14 digits",
}


def folder() -> Path:
    """Where the problems are."""
    return Path(os.environ["TNLEARN_DATA"]) / "uai2014"


def solve(task: str, name: str) -> dict[str, Any]:
    """One problem: read, judged, answered, compared."""
    start = time.perf_counter()
    path = folder() / task / f"{name}.uai"
    model = tnl.read(f"{path}.gz", evidence=path.with_suffix(".uai.evid"))
    whole = tnl.read(f"{path}.gz")
    verdict = tnl.assess(model, flops=FLOPS)
    row: dict[str, Any] = {
        "variables": len(whole.sites),
        "states, log10": verdict.log_states / math.log(10),
    }
    if verdict.plan is not None:
        row |= {"width": verdict.plan.cost.width, "flops": verdict.plan.cost.flops}
        row |= {"slices": verdict.plan.cost.slices}
    if verdict.method not in ABLE[task]:
        return row | {"status": "too hard", "seconds": time.perf_counter() - start}
    words = path.with_suffix(f".uai.{task}").read_text().split()
    try:
        row |= ANSWERS[task](whole, model, words)
    except (MemoryLimitError, ModelError) as error:  # Too large, or no state to start from.
        row |= {"status": f"too hard ({type(error).__name__})"}
    return row | {"seconds": time.perf_counter() - start}


def partition(_whole: Any, model: Any, words: list[str]) -> dict[str, Any]:
    """The decimal logarithm of Z, to the last digit printed."""
    value = tnl.log_partition(model, flops=FLOPS)
    if value.method not in ("exact", "counting"):
        return {"status": "too hard"}
    found, reference = value / math.log(10), words[-1]
    right = agrees(found, reference)
    asked = {"method": value.method, "reference": float(reference)}
    return {"status": verdict_of(right), "found": found} | asked


def marginals(whole: Any, model: Any, words: list[str]) -> dict[str, Any]:
    """All probabilities, to their last digits printed."""
    found = tnl.marginals(model)
    values = iter(words[2:])
    worst = 0.0
    for site in whole.sites:
        given = [next(values) for _ in range(int(next(values)))]
        if site in found:
            off = [abs(float(w) - p) / unit(w) for w, p in zip(given, found[site], strict=True)]
            worst = max(worst, *off)
    return {"status": verdict_of(worst <= 0.51), "worst, last digits": worst}


def mode(_whole: Any, model: Any, words: list[str]) -> dict[str, Any]:
    """The logarithm of the weight of the best state."""
    found = tnl.mode(model, method="auto", flops=MODE_FLOPS)
    state = [int(word) for word in words[2:]]
    row = np.array([[state[site] for site in model.sites]])
    reference = -float(model.energy(row)[0])
    right = -found.energy >= reference - 1e-9 * abs(reference)
    asked = {"method": found.method, "reference": reference}
    status = verdict_of(right) if right or found.exact else "below the reference"
    return {"status": status, "found": -found.energy} | asked


ANSWERS = {"PR": partition, "MAR": marginals, "MAP": mode}
#: Verdicts after which an answer is begun; any, where there is an estimate that counts.
ANY = ("exact", "counting", "compressed", "loops", "annealing")
ABLE = {"PR": ("exact", "counting"), "MAR": ("exact",), "MAP": ANY}


def agrees(found: float, reference: str) -> bool:
    """Whether a number has all digits that are printed."""
    return abs(found - float(reference)) <= 0.51 * unit(reference)


def unit(word: str) -> float:
    """One in the last digit of a printed number; six digits are printed at most."""
    mantissa, _, power = word.lower().partition("e")
    digits = len(mantissa.partition(".")[2])
    return max(10.0 ** (int(power or 0) - digits), 1e-6 * abs(float(word)), 1e-15)


def verdict_of(right: bool) -> str:
    """In a word."""
    return "right" if right else "wrong"


def of_peers(row: dict[str, Any], peers: list[str]) -> dict[str, Any]:
    """What peers answer to a problem of PR: columns of its row."""
    script = str(Path(__file__).with_name("uai_peers.py"))
    columns: dict[str, Any] = {}
    for peer in peers:
        if row.get("width", math.inf) > WIDEST.get(peer, math.inf):
            columns[peer] = "not asked"
            continue
        found = in_a_process([sys.executable, script, peer, row["problem"]])
        if "found" in found:
            path = folder() / "PR" / f"{row['problem']}.uai.PR"
            found["status"] = verdict_of(agrees(found["found"], path.read_text().split()[-1]))
        status = found["status"].partition(" ")[0]
        columns |= {peer: status, f"{peer}, seconds": found.get("seconds")}
    return columns


def in_a_process(command: list[str]) -> dict[str, Any]:
    """What a command prints, killed when its time is over."""
    start = time.perf_counter()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return {"status": "too long", "seconds": time.perf_counter() - start}
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:]
        return {"status": f"failed {' '.join(last)}"}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def rows_there() -> dict[tuple[str, str], dict[str, Any]]:
    """Rows of the result by task and problem."""
    path = RESULTS / "uai_answers.json"
    found = json.loads(path.read_text())["problems"] if path.exists() else []
    return {(row["task"], row["problem"]): row for row in found}


def problems(tasks: list[str], names: str) -> Iterator[tuple[str, str]]:
    """Tasks and names of all files that fit a pattern."""
    for task in tasks:
        for path in sorted((folder() / task).glob(f"{names}.uai.gz")):
            yield task, path.name.removesuffix(".uai.gz")


def family_of(problem: str) -> str:
    """The name without numbers: letters up to the first that is none, but for a leading digit."""
    found = re.match(r"(\d*[A-Za-z]+|\w+)", problem)
    return "logic" if problem.endswith(".cnf") or found is None else found[1]


def by_family(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One line for the problems of each kind."""
    kinds: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        kinds[row["task"], family_of(row["problem"])].append(row)
    return [
        {
            "task": task,
            "family": family,
            "problems": len(some),
            "right": sum(row["status"] == "right" for row in some),
            "wrong": sum(row["status"] == "wrong" for row in some),
            "not answered": sum(row["status"] not in ("right", "wrong") for row in some),
            "widest": max((row["width"] for row in some if "width" in row), default=None),
            "seconds": sum(row.get("seconds", 0.0) for row in some),
            **{
                f"{peer} right": sum(row.get(peer) == "right" for row in some)
                for peer in PEERS
                if any(peer in row for row in some)
            },
        }
        for (task, family), some in kinds.items()
    ]


def answer(task: str, name: str) -> dict[str, Any]:
    """The row of one problem, solved in a process of its own."""
    row = {"task": task, "problem": name}
    row |= in_a_process([sys.executable, __file__, "--problem", task, name])
    return row | ({"note": DOUBTFUL[name]} if name in DOUBTFUL else {})


def main() -> int:
    """Run all problems, print and write the results; 1 if an answer is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problem", nargs=2, metavar=("TASK", "NAME"))
    parser.add_argument(
        "--tasks", nargs="+", choices=TASKS, default=list(TASKS), help="others keep their rows"
    )
    parser.add_argument("--only", default="*", help="problems by name; others keep their rows")
    parser.add_argument("--peers", action="store_true", help="ask only those that are installed")
    given = parser.parse_args()
    if given.problem:
        print(json.dumps(solve(*given.problem)))
        return 0
    peers = [peer for peer in PEERS if given.peers and importlib.util.find_spec(peer)]
    rows, fresh = rows_there(), {}
    for key in tqdm([*problems(given.tasks, given.only)], disable=None):
        if not given.peers:
            fresh[key] = answer(*key)
        elif key in rows and key[0] == "PR":
            fresh[key] = of_peers(rows[key], peers)
    rows = rows_there()  # Another run may have ended meanwhile.
    for key, row in fresh.items():
        theirs = [name for name in rows.get(key, {}) if name.startswith(tuple(PEERS))]
        rows[key] = rows[key] | row if given.peers else row | {n: rows[key][n] for n in theirs}
    found = [rows[key] for key in sorted(rows, key=lambda key: (TASKS.index(key[0]), key[1]))]
    once = f"asked once, in {MEMORY / 2**30:.0f} GiB; failed: out of memory, mostly"
    payload = {
        "seconds a problem": SECONDS,
        "peers": once,
        "families": by_family(found),
        "problems": found,
    }
    print(write_result("uai_answers", payload).with_suffix(".md").read_text())
    return int(any(row["status"] == "wrong" and "note" not in row for row in found))


if __name__ == "__main__":
    raise SystemExit(main())
