"""Factor graphs from files of the UAI competitions, where their folder is at hand."""

from __future__ import annotations

import gzip
import math
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks.instances import Array, Instance, numbered
from benchmarks.networks import SETS

#: The folder of data sets; files are in uai2014/PR below it.
VARIABLE = "TNLEARN_DATA"


def uai_folder() -> Path | None:
    """Where the files are, if the environment says so."""
    folder = Path(os.environ.get(VARIABLE, "")) / "uai2014" / "PR"
    return folder if VARIABLE in os.environ and folder.is_dir() else None


def uai(name: str, seed: int) -> Instance:
    """The partition function of a file: a tensor per factor, an index per variable.

    Every factor is divided by the same number, by the reference answer beside the file such
    that Z is about 1: plain floats cannot hold the Z of some. Every set multiplies the
    entries by numbers near 1.
    """
    folder = uai_folder()
    if folder is None:
        raise FileNotFoundError(f"{VARIABLE} names no folder with uai2014/PR")
    with gzip.open(folder / f"{name}.uai.gz", "rt", encoding="ascii") as file:
        scopes, tables = _factors(iter(file.read().split()))
    log10 = float((folder / f"{name}.uai.PR").read_text(encoding="ascii").split()[-1])
    scale = math.pow(10, -log10 / len(tables))
    random = np.random.default_rng(seed)
    sets = [
        [table * scale * np.exp(random.normal(scale=0.01, size=table.shape)) for table in tables]
        for _ in range(SETS)
    ]
    return numbered(scopes, sets)


def _factors(words: Iterator[str]) -> tuple[list[list[int]], list[Array]]:
    """Scopes and tables of a MARKOV or BAYES file; both have the same layout."""
    kind = next(words)
    if kind not in ("MARKOV", "BAYES"):
        raise ValueError(f"a UAI file starts with MARKOV or BAYES, not {kind!r}")
    sizes = _integers(words, int(next(words)))
    scopes = [_integers(words, int(next(words))) for _ in range(int(next(words)))]
    tables = []
    for scope in scopes:
        entries = [float(word) for word in islice(words, int(next(words)))]
        tables.append(np.array(entries).reshape([sizes[k] for k in scope]))
    return scopes, tables


def _integers(words: Iterator[str], count: int) -> list[int]:
    return [int(word) for word in islice(words, count)]
