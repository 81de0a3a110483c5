"""Bayesian networks written as BIF: one row of numbers for every joint state of the parents."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from itertools import product
from pathlib import Path

from tnlearn.errors import DataTypeError, FormatError
from tnlearn.files.bif_tokens import TOKEN
from tnlearn.files.texts import written
from tnlearn.files.words import shown
from tnlearn.physics import BayesianNetwork


def write_model(model: BayesianNetwork, path: Path) -> None:
    """A model as a file: names are words, or in quotes where they have to be.

    Sites and values that are no texts are written as `str` has them, and are texts when they are
    read again. Numbers are read as the same floats.

    Raises
    ------
    DataTypeError
        If it is no Bayesian network.
    FormatError
        If a name is empty, or has a quotation mark or a line break in it, or two look the same.
    """
    if not isinstance(model, BayesianNetwork):
        raise DataTypeError(f"BIF files hold a BayesianNetwork, not a {type(model).__name__}")
    # Before anything is written: this may fail.
    names = _words(model.sites, "the variables")
    states = {site: _words(model.values(site), f"the values of {site!r}") for site in model.sites}
    with written(path) as text:
        text.write("network unknown {\n}\n")
        for site in model.sites:
            listed = ", ".join(states[site].values())
            size = len(states[site])
            text.write(
                f"variable {names[site]} {{\n  type discrete [ {size} ] {{ {listed} }};\n}}\n"
            )
        for scope, table in model.factors.factors:
            *parents, child = scope
            given = f" | {', '.join(names[each] for each in parents)}" if parents else ""
            text.write(f"probability ( {names[child]}{given} ) {{\n")
            rows = table.reshape(-1, table.shape[-1]).tolist()
            for head, row in zip(_heads(parents, states), rows, strict=True):
                text.write(f"  {head} {', '.join(map(repr, row))};\n")
            text.write("}\n")


def _heads(parents: list[Hashable], states: dict[Hashable, dict[Hashable, str]]) -> Iterator[str]:
    """What stands before each row, those of the last parent changing fastest."""
    if not parents:
        yield "table"
        return
    for at in product(*(states[parent].values() for parent in parents)):
        yield f"({', '.join(at)})"


def _words(names: tuple[Hashable, ...], what: str) -> dict[Hashable, str]:
    """How names stand in a file, and that they can be told apart there."""
    found = {name: _word(str(name)) for name in names}
    if len(set(found.values())) < len(names):
        twice = next(name for name in names if [*found.values()].count(found[name]) > 1)
        raise FormatError(f"two of {what} are both {shown(str(twice))} in a file")
    return found


def _word(name: str) -> str:
    """A name as a token: bare if it is read as one word, else in quotes."""
    match = TOKEN.fullmatch(name)
    if match is not None and match["word"] == name and not name.startswith("//"):
        return name
    if not name or '"' in name or "\n" in name:
        raise FormatError(
            f"{shown(name)} is no name in a BIF file: it is empty, or has a quotation mark or a "
            "line break in it"
        )
    return f'"{name}"'
