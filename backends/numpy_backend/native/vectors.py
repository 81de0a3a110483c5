"""How wide the processor's vectors are, and so the tile of a matrix that its registers hold."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import llvmlite.binding as llvm


class Tile(NamedTuple):
    """A block of a product that stays in registers while its terms are added.

    Attributes
    ----------
    lanes : int
        Numbers in a vector.
    rows, columns : int
        Of the block; its rows fill two vectors.
    """

    lanes: int
    rows: int
    columns: int


@cache
def tile(itemsize: int) -> Tile:
    """The tile for real numbers of so many bytes.

    Two vectors of rows by eight columns are 16 sums, enough to hide what an addition takes, and
    with the factors they fit 32 registers; where there are 16, four columns do.
    """
    features = llvm.get_host_cpu_features()
    wide, many = features.get("avx512f", False), "neon" in features
    size = 64 if wide else 16 if many or not features.get("avx", False) else 32
    lanes = size // itemsize
    return Tile(lanes, 2 * lanes, 8 if wide or many else 4)
