"""A structure in the form that optimizers of other libraries take: one character per index."""

from __future__ import annotations

from typing import TypeAlias

from tnlearn.errors import PlanError
from tnlearn.planning.structure import Structure

#: Inputs, output and sizes, an index being one character.
Symbols: TypeAlias = tuple[list[list[str]], list[str], dict[str, float]]

#: There are not many more characters.
MOST_INDICES = 1_000_000


def symbols_of(structure: Structure) -> Symbols:
    """The reduced inputs, the output and the sizes.

    Raises
    ------
    PlanError
        If there are more indices than characters.
    """
    if len(structure.sizes) > MOST_INDICES:
        raise PlanError(
            f"the network has loops and {len(structure.sizes):,} indices; order search takes at "
            f"most {MOST_INDICES:,}: give an explicit path"
        )
    # Characters below 256 and the surrogates, which are no characters, are stepped over.
    letter = [
        chr(256 + k) if 256 + k < 0xD800 else chr(2304 + k) for k in range(len(structure.sizes))
    ]
    inputs = [[letter[i] for i in term] for term in structure.reduced]
    used = {i for term in structure.reduced for i in term}
    return (
        inputs,
        [letter[i] for i in structure.output],
        {letter[i]: structure.sizes[i] for i in sorted(used)},
    )
