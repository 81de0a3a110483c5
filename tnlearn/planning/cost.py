"""What an order of contraction costs: operations, traffic and memory, counted exactly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tnlearn.backend import Machine
from tnlearn.planning.launches import is_whole, starts_of
from tnlearn.planning.structure import Structure
from tnlearn.planning.walk import Pair

#: Rows, columns and sums of a step, all at least so many, that make it a matrix product.
PRODUCT = 8
ITEM_BYTES = {"float32": 4, "float64": 8, "complex64": 8, "complex128": 16}


@dataclass(frozen=True)
class Cost:
    """The cost of one run, all slices included.

    Attributes
    ----------
    flops : float
        Real operations: two for a real multiply-add, eight for a complex one.
    bytes_moved : float
        Bytes read and written by the pair steps.
    peak_bytes : int
        Most memory held at once: packed inputs, intermediates, and the copies that permuting
        both operands of a step may take.
    width : float
        Log2 of the number of entries of the largest intermediate.
    slices : int
        How many times the steps run.
    starts : int
        How often the machine is started: once a step, or once for small steps that are alike.
    seconds : float
        Predicted on the machine model.
    """

    flops: float
    bytes_moved: float
    peak_bytes: int
    width: float
    slices: int
    starts: int
    seconds: float


def cost_of(
    structure: Structure,
    pairs: Sequence[Pair],
    sliced: Sequence[int],
    dtype: str,
    machine: Machine,
    batch: int | None = None,
) -> Cost:
    """The cost of running `pairs`, once for every position of the `sliced` indices.

    The index of the batch, if there is one, has another size at every call.
    """
    item = ITEM_BYTES[dtype]
    inside = cut(structure, sliced)
    sizes = [inside.elements(term) for term in inside.reduced]
    sizes.extend(inside.elements(pair.result) for pair in pairs)
    flops = small = moved = 0
    for number, pair in enumerate(pairs, start=len(inside.inputs)):
        summed = inside.elements(pair.summed)
        if is_product(inside, pair, summed):
            flops += sizes[number] * summed
        else:
            small += sizes[number] * summed
        moved += sizes[pair.first] + sizes[pair.second] + sizes[number]
    largest = max(sizes)
    slices = structure.elements(sliced)
    # Two real operations for a multiply-add, eight for a complex one.
    each = (8.0 if dtype.startswith("complex") else 2.0) * slices
    products, others = _real(flops) * each, _real(small) * each
    traffic = _real(moved) * item * slices
    if slices == 1 and is_whole(machine, inside, batch, flops + small, len(pairs)):
        traffic, starts = float(least_bytes(structure, dtype)), 1
        products, others = 0.0, products + others
    else:
        starts = starts_of(inside, pairs, machine, batch) * slices
    return Cost(
        products + others,
        traffic,
        peak_elements(structure, inside, pairs, sizes) * item,
        math.log2(max(largest, 1)),
        slices,
        starts,
        machine.seconds(products, traffic, starts, dtype, others),
    )


def _real(count: int) -> float:
    """A count as a float; infinite where none can hold it, as for a hopeless order."""
    try:
        return float(count)
    except OverflowError:
        return math.inf


def is_product(inside: Structure, pair: Pair, summed: int) -> bool:
    """Whether a step that sums over `summed` positions runs at the rate of a matrix product."""
    return summed >= PRODUCT <= min(inside.elements(pair.left), inside.elements(pair.right))


def least_bytes(structure: Structure, dtype: str) -> int:
    """Bytes that any order takes: the tensors as they are given, and the result."""
    given = sum(structure.elements(term) for term in structure.inputs)
    return (given + structure.elements(structure.output)) * ITEM_BYTES[dtype]


def cut(structure: Structure, sliced: Sequence[int]) -> Structure:
    """The structure of one slice: the sliced indices have size 1."""
    if not sliced:
        return structure
    gone = set(sliced)
    sizes = tuple(1 if k in gone else size for k, size in enumerate(structure.sizes))
    inside = Structure(structure.inputs, structure.output, sizes)
    vars(inside)["reduced"] = structure.reduced  # Sizes do not change it.
    return inside


def peak_elements(
    structure: Structure, inside: Structure, pairs: Sequence[Pair], sizes: Sequence[int]
) -> int:
    """Most entries held at once; `sizes` are those of all tensors of a slice, in order.

    The packed inputs stay. A step holds its factors and its result, or one factor twice, while it
    is put in another order; an input so copied is still there when the result is made. Results
    are handed over as copies, and those of slices are added up.
    """
    count = len(inside.inputs)
    inputs = sum(structure.elements(term) for term in structure.inputs)
    inputs += structure.elements(structure.output) * (1 if inside is structure else 3)
    # Only inputs that lose an axis on the way in take room besides the packed ones.
    mine = [reduced != given for reduced, given in zip(inside.reduced, inside.inputs, strict=True)]
    mine.extend(True for _ in pairs)
    peak = held = sum(size for size, own in zip(sizes[:count], mine, strict=False) if own)
    for number, pair in enumerate(pairs, start=count):
        factors = (pair.first, pair.second)
        own = [sizes[k] for k in factors if mine[k]]
        copied = sum(sizes[k] for k in factors if not mine[k])
        peak = max(peak, held + copied + max(sizes[number], *own, 0))
        held += sizes[number] - sum(own)
    return inputs + peak
