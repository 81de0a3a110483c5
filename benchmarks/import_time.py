"""How much `import tnlearn` adds to `import numpy`.

Run ``python benchmarks/import_time.py`` on an otherwise idle machine. Each run is a fresh process
that times its own import statement, and the two statements alternate, so that a machine that
slows down slows both. Exit status 1 if the median of what is added is over the limit.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from typing import Any

from environment import format_table, write_result

RUNS = 5
#: Seconds. What a user at a prompt does not notice; more means that something loads too early.
LIMIT = 0.3


def seconds(statement: str) -> float:
    """Wall-clock time of an import statement in a fresh interpreter."""
    program = f"import time; start = time.perf_counter(); {statement}; "
    program += "print(time.perf_counter() - start)"
    command = [sys.executable, "-c", program]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def measure(runs: int = RUNS) -> dict[str, Any]:
    """Every run, and the median of what tnlearn adds."""
    alone, both = "import numpy", "import numpy, tnlearn"
    for statement in (alone, both):
        seconds(statement)  # once unrecorded: compiles bytecode and fills the disk cache
    rows = [
        {"run": k + 1, "numpy_seconds": seconds(alone), "with_tnlearn_seconds": seconds(both)}
        for k in range(runs)
    ]
    for row in rows:
        row["added_seconds"] = row["with_tnlearn_seconds"] - row["numpy_seconds"]
    median = statistics.median(row["added_seconds"] for row in rows)
    return {"median_added_seconds": median, "limit_seconds": LIMIT, "runs": rows}


def main() -> int:
    """Measure, print, write down; 1 if over the limit."""
    result = measure()
    median = result["median_added_seconds"]
    print(format_table(result["runs"]))
    print(f"median added by tnlearn: {median:.4f} s (limit {LIMIT} s)")
    print(f"written to {write_result('import_time', result)}")
    return int(median > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
