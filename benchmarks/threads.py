"""The same number of threads for everyone; it must be said before NumPy is imported."""

from __future__ import annotations

import os
import sys

VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NPROC",  # the pool of XLA
)
FLAGS_OF_XLA = "--xla_cpu_multi_thread_eigen={}"


def pin(threads: int, devices: bool = False) -> None:
    """Hold every library to a number of threads, and this process to as many cores.

    JAX stays on the processor unless `devices` are to take part.

    Raises
    ------
    RuntimeError
        If NumPy is there already: its BLAS has read the variables.
    """
    if "numpy" in sys.modules:
        raise RuntimeError("threads must be pinned before numpy is imported")
    os.environ.update(dict.fromkeys(VARIABLES, str(threads)))
    flag = FLAGS_OF_XLA.format(str(threads > 1).lower())
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flag}".strip()
    if not devices:
        os.environ.setdefault("JAX_PLATFORMS", "cpu")
    if hasattr(os, "sched_setaffinity"):
        # Pools that read no variable count the cores they may use. The last ones, because
        # the first are where others' work is put by default.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


def thread_count() -> int:
    """The number of threads that was pinned; 1 where nothing was."""
    return int(os.environ.get("OMP_NUM_THREADS", "1"))
