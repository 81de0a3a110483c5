"""Slices on many workers: threads, processes, and a dask cluster where it is installed.

Claim: a contraction that is sliced to fit a small memory has the same bits on every executor, with
any number of workers and with none; marginals, which are gradients, too.
"""

from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from importlib.util import find_spec
from time import perf_counter

import networkx as nx

import tnlearn as tnl

MODEL = tnl.Ising(nx.random_regular_graph(3, 160, seed=1), coupling=1.0, field=0.1, beta=0.3)


def ask(name: str, executor: Executor | None) -> tuple[float, list[float]]:
    """The logarithm of Z, and the probability of spin up at every site."""
    start = perf_counter()
    log_z = tnl.log_partition(MODEL, memory_limit="4MiB", executor=executor)
    marginals = tnl.marginals(MODEL, memory_limit="4MiB", executor=executor)
    print(f"{name:<12} log Z = {float(log_z)!r} in {perf_counter() - start:.2f} s")
    return float(log_z), [float(p[1]) for p in marginals.values()]


def main() -> None:
    """Ask the same of every executor."""
    print(tnl.plan(MODEL, memory_limit="4MiB"))
    wanted = ask("no executor", None)
    with ThreadPoolExecutor(2) as pool:
        assert ask("2 threads", pool) == wanted
    with ProcessPoolExecutor(2) as pool:
        assert ask("2 processes", pool) == wanted
    if find_spec("distributed") is not None:
        from dask.distributed import Client

        with Client(n_workers=2, threads_per_worker=1, dashboard_address=None) as client:
            assert ask("dask", client.get_executor()) == wanted


# Processes that are spawned import this file again, and must not start processes of their own.
if __name__ == "__main__":
    main()
