"""Ising models and QUBOs as lists of coefficients, the COO format of dimod.

A line ``# vartype=SPIN`` or ``# vartype=BINARY``, and lines ``i j a``: a term a x_i x_j of the
energy, or a x_i where i = j. So couplings and fields are J = -a and h = -a of spins. Bits
x = (1 + s) / 2 become spins, and the constant by which their energies differ is left out, since
an Ising model has none: `tnlearn.interop.from_bqm` gives it.
"""

from __future__ import annotations

import re
from pathlib import Path

from tnlearn.errors import DataTypeError, FormatError
from tnlearn.files.texts import opened, written
from tnlearn.files.words import decimal, lines, reals, shown, whole
from tnlearn.physics import Ising
from tnlearn.physics.quadratic import quadratic_model

#: The largest label: what a 64-bit integer holds in any case.
MOST = 10**18 - 1
VARTYPE = re.compile(r"vartype\s*[:=]\s*(\S+)")


def read_model(path: Path) -> Ising:
    """A model on the labels that occur, in their order."""
    bits: bool | None = None
    linear: dict[int, float] = {}
    products: dict[tuple[int, int], float] = {}
    with opened(path) as pieces:
        for number, line in lines(pieces):
            if line.startswith("#"):
                bits = _vartype(line, number, bits)
            elif line:
                a, b, value = _term(line, number)
                linear.setdefault(a, 0.0)
                linear.setdefault(b, 0.0)
                if a == b:
                    linear[a] += value
                else:
                    products[a, b] = products.get((a, b), 0.0) + value
    if bits is None:
        raise FormatError("it does not say what its variables are: add '# vartype=SPIN' or BINARY")
    if not linear:
        raise FormatError("it has no terms")
    return quadratic_model({a: linear[a] for a in sorted(linear)}, products, bits=bits)[0]


def _vartype(line: str, number: int, before: bool | None) -> bool | None:
    found = VARTYPE.search(line)
    if found is None:
        return before
    if found[1] not in ("SPIN", "BINARY"):
        raise FormatError(f"line {number:,}: the vartype is {shown(found[1])}, not SPIN or BINARY")
    bits = found[1] == "BINARY"
    if before not in (None, bits):
        raise FormatError(f"line {number:,}: the vartype is given again, as another one")
    return bits


def _term(line: str, number: int) -> tuple[int, int, float]:
    words = line.split()
    if len(words) != 3:
        raise FormatError(f"line {number:,} is {shown(line)}: give two labels and a coefficient")
    a, b = (whole(word, f"line {number:,}: a label", MOST) for word in words[:2])
    return a, b, float(reals(words[2:], f"line {number:,}")[0])


def write_model(model: Ising, path: Path) -> None:
    """A model of spins; its own labels if they are whole numbers, else those of its order."""
    if not isinstance(model, Ising):
        raise DataTypeError(f"COO files hold an Ising model, not a {type(model).__name__}")
    own = all(type(site) is int and 0 <= site <= MOST for site in model.sites)
    at = {site: site if own else k for k, site in enumerate(model.sites)}
    bound = {site for edge in model.couplings for site in edge}
    with written(path) as text:
        text.write("# vartype=SPIN\n")
        for site, field in model.fields.items():
            # Sites are known only by their terms.
            if field or site not in bound:
                text.write(f"{at[site]} {at[site]} {decimal(-field)}\n")
        for (a, b), coupling in model.couplings.items():
            text.write(f"{at[a]} {at[b]} {decimal(-coupling)}\n")
