"""The command `tnlearn`: what can be typed, and how its errors are shown."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tnlearn.errors import TnlearnError

FAILED, INTERRUPTED = 1, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        What follows the name of the command; by default that of this process.

    Returns
    -------
    int
        The exit status: 0, 1 for an error that has been printed, 130 if interrupted.
    """
    _print_any_character()
    given = _parser().parse_args(arguments)
    try:
        _run(given)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of our output has left, as `head` does. Python would complain at exit too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (TnlearnError, OSError) as error:
        return _said(f"error: {error}", FAILED)
    except KeyboardInterrupt:
        # On a terminal, "^C" or a progress bar stands in the line.
        return _said("interrupted", INTERRUPTED, "\n" if sys.stderr.isatty() else "")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tnlearn",
        description="Tensor networks for physics-inspired machine learning.",
        epilog="example: tnlearn tour",
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    parser.set_defaults(command=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    tour = commands.add_parser(
        "tour",
        help="a minute with the library, on real data",
        description="Contract an Ising model and check it against the exact solution, train a "
        "classifier on scanned digits, and write pictures and the model to a folder.",
        epilog="example: tnlearn tour --directory /tmp/tour",
    )
    tour.add_argument(
        "--directory",
        type=Path,
        default=Path("tnlearn-tour"),
        metavar="DIR",
        help="where to write; made if missing (default: ./tnlearn-tour)",
    )
    tour.set_defaults(command="tour")
    info = commands.add_parser(
        "info",
        help="versions, backends, memory, and what is wrong with the installation",
        description="Print versions, backends, memory, and what is wrong with the installation.",
        epilog="example: tnlearn info --json > info.json",
    )
    info.add_argument("--json", action="store_true", help="print it for a program to read")
    info.set_defaults(command="info")
    _add_infer(commands)
    calibrate = commands.add_parser(
        "calibrate",
        help="measure how fast this machine is, for the seconds that plans predict",
        description="Measure the rates of large and small steps, the bandwidth, and the cost of "
        "starting a step, in a few seconds, and keep them for all plans made from now on. Until "
        "then, plans use a model that is the same everywhere.",
        epilog="example: tnlearn calibrate --backend numpy",
    )
    calibrate.add_argument("--backend", default="numpy", help="(default: numpy)")
    calibrate.add_argument("--reset", action="store_true", help="go back to the shipped model")
    calibrate.set_defaults(command="calibrate")
    return parser


def _add_infer(commands: Any) -> None:
    infer = commands.add_parser(
        "infer",
        help="log Z, marginals, the best state or samples of a model in a file",
        description="Read a model, say what an answer costs, and give it in the format of the UAI "
        "competitions. The verdict goes to standard error, the answer to standard output.",
        epilog="example: tnlearn infer grid.uai.gz --evidence grid.uai.evid --task mar",
    )
    infer.add_argument(
        "file",
        type=Path,
        help="a model: .uai, .bif, .rudy or .coo, also with .gz, or one saved by tnlearn",
    )
    infer.add_argument("--evidence", type=Path, metavar="E", help="values of some variables")
    infer.add_argument(
        "--task",
        choices=("pr", "mar", "map", "sample"),
        default="pr",
        help="partition function (default), marginals, most probable state, exact samples",
    )
    infer.add_argument("--samples", type=int, default=10, metavar="N", help="(default: 10)")
    infer.add_argument("--seed", type=int, default=0, help="of samples and estimates (default: 0)")
    infer.add_argument(
        "--memory", metavar="LIMIT", help='say "4GiB" (default: half of what is free)'
    )
    infer.add_argument("--exact", action="store_true", help="refuse rather than estimate")
    infer.add_argument("--json", action="store_true", help="print it for a program to read")
    infer.set_defaults(command="infer")


def _run(given: argparse.Namespace) -> None:
    """Import no more than the command needs: the tour's libraries take seconds to load."""
    if given.version:
        from tnlearn.cli.info import own_version

        print("tnlearn", own_version())
    elif given.command == "tour":
        from tnlearn.cli.tour import tour

        tour(given.directory)
    elif given.command == "info":
        from tnlearn.cli.info import print_info

        print_info(given.json)
    elif given.command == "calibrate":
        from tnlearn.cli.calibrate import calibrate

        calibrate(given.backend, given.reset)
    elif given.command == "infer":
        from tnlearn.cli.infer import infer

        infer(given)
    else:
        _parser().print_help()


def _print_any_character() -> None:
    """Let a terminal of few characters show a question mark, rather than fail."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _said(text: str, status: int, before: str = "") -> int:
    print(f"{before}tnlearn: {' '.join(text.split())}", file=sys.stderr)
    return status
