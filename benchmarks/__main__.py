"""The command line: ``python -m benchmarks list``, ``run`` and ``figure``.

NumPy is imported after the threads are pinned, so everything else is imported in functions.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import threads

if TYPE_CHECKING:
    from benchmarks.peers import Peer


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    options = _parser().parse_args(arguments)
    return int(options.command(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("run", help="time a suite and write results/NAME.json and .md")
    run.set_defaults(command=_run)
    run.add_argument("--suite", default="quick", help="see `list` (default: quick)")
    run.add_argument(
        "--only", default="", metavar="PATTERNS", help="problems by name, separated by commas"
    )
    run.add_argument("--peers", default="", help="separated by commas; by default all there are")
    run.add_argument("--seconds-per-measurement", type=float, default=2.0)
    run.add_argument("--seconds-per-run", type=float, default=20.0, help="slower peers are skipped")
    run.add_argument("--seconds-to-prepare", type=float, default=120.0, help="likewise")
    run.add_argument("--seconds-to-plan", type=float, default=10.0, help="for a peer's search")
    run.add_argument(
        "--peer-memory",
        metavar="BYTES",
        help='such as "8GiB"; peers that hold more are skipped (default: half of what is free)',
    )
    run.add_argument("--threads", type=int, help="(default: 1; all cores for the suite gpu)")
    run.add_argument("--seed", type=int, default=0)
    run.add_argument("--name", help="of the files written (default: contraction_SUITE)")
    run.add_argument("--folder", type=Path, help="for the files (default: benchmarks/results)")
    run.add_argument("--resume", action="store_true", help="go on with a run that was cut")
    show = commands.add_parser("list", help="problems, suites and peers")
    show.set_defaults(command=_list)
    figure = commands.add_parser("figure", help="draw a result file")
    figure.set_defaults(command=_figure)
    figure.add_argument("results", type=Path)
    return parser


def _run(options: argparse.Namespace) -> int:
    on_devices = options.suite == "gpu"
    threads.pin(options.threads or (_cores() if on_devices else 1), on_devices)
    from benchmarks import report
    from benchmarks.devices import devices
    from benchmarks.environment import RESULTS
    from benchmarks.figure import draw
    from benchmarks.limits import Limits
    from benchmarks.problems import Problem, selected
    from benchmarks.run import Result, Settings, run
    from tnlearn.planning.memory import as_bytes

    chosen = selected(options.suite, _words(options.only))
    if not chosen:
        print("no problem is called so; see `python -m benchmarks list`", file=sys.stderr)
        return 2
    limits = Limits(
        measurement=options.seconds_per_measurement,
        preparing=options.seconds_to_prepare,
        run=options.seconds_per_run,
        planning=options.seconds_to_plan,
        memory=as_bytes(options.peer_memory),
    )
    settings = Settings(_peers(_words(options.peers), options.suite), limits, options.seed)
    if on_devices:
        found = [f"{library} on {name}" for library, name in devices().items()]
        print("devices: " + ("; ".join(found) or "none, only the processor takes part"), flush=True)
    name = options.name or f"contraction_{options.suite}"
    folder = options.folder or RESULTS

    def after(result: Result, problem: Problem) -> None:
        # Saved each time: a run that is broken off leaves what it has.
        report.save(result, settings, options.suite, name, folder)
        print(f"\n{report.tables_of(result, problem)}", flush=True)

    before = None
    if options.resume:
        before = report.resume(settings, options.suite, folder / f"{name}.json")
    result = run(chosen, settings, after, before)
    path = report.save(result, settings, options.suite, name, folder)
    print(f"\nwritten to {path} and {draw(path)}")
    return int(any("disagrees" in row["status"] for row in result.measurements))


def _list(options: argparse.Namespace) -> int:
    from benchmarks.environment import format_table
    from benchmarks.peers import PEERS
    from benchmarks.problems import problems

    rows = [
        {"problem": p.name, "suites": ", ".join(p.suites), "tasks": ", ".join(p.tasks)}
        for p in problems()
    ]
    print(format_table(rows))
    print()
    print(format_table([{"peer": p.name, "version": p.version() or "not there"} for p in PEERS]))
    return 0


def _figure(options: argparse.Namespace) -> int:
    from benchmarks.figure import draw

    print(f"written to {draw(options.results)}")
    return 0


def _words(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (word.strip() for word in text.split(","))))


def _cores() -> int:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _peers(names: Sequence[str], suite: str) -> list[Peer]:
    """The installed peers that were asked for; the reference always."""
    from benchmarks.peers import peers_of

    every = peers_of(suite)
    unknown = [name for name in names if not any(name in peer.name for peer in every)]
    if unknown:
        raise SystemExit(f"no peer is called {unknown[0]!r}; see `python -m benchmarks list`")
    wanted = [peer for peer in every if not names or any(name in peer.name for name in names)]
    return list(dict.fromkeys([every[0], *(peer for peer in wanted if peer.version())]))


if __name__ == "__main__":
    sys.exit(main())
