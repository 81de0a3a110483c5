"""The vocabulary between the engine and a backend: four instructions over numbered slots.

A program is a list of these. Slots hold tensors; every slot is written once. A size of -1 in a
shape is that of the leading index, the batch, which is free at every call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias


class Operand(NamedTuple):
    """How one tensor of a `Contract` is laid out as a batch of matrices.

    Attributes
    ----------
    slot : int
        Where the tensor is.
    permutation : tuple of int or None
        Order in which to take its axes; None leaves them as they are.
    shape : tuple of int
        The three sizes (batch, rows, columns) of the permuted tensor.
    swapped : bool
        Rows and columns are exchanged as a last step: a view, which costs nothing.
    leading : int or None
        The axis of the tensor that is the leading index, if it has it.
    """

    slot: int
    permutation: tuple[int, ...] | None
    shape: tuple[int, int, int]
    swapped: bool
    leading: int | None


class Contract(NamedTuple):
    """``target[batch, i, j] = sum_k first[batch, i, k] second[batch, k, j]``, then reshaped.

    Attributes
    ----------
    target : int
        Slot of the result.
    first, second : Operand
        The two factors.
    shape : tuple of int
        Shape of the result: its batch, row and column axes taken apart again.
    leading : int or None
        The axis of the result that is the leading index.
    sums_leading : bool
        The leading index is among those summed.
    terms : int
        Number of products added up in an entry; a bound where the leading index is summed.
    """

    target: int
    first: Operand
    second: Operand
    shape: tuple[int, ...]
    leading: int | None
    sums_leading: bool
    terms: int


class Reduce(NamedTuple):
    """Diagonals, sums and a transposition of one tensor.

    Attributes
    ----------
    target, source : int
        Slots.
    axes : tuple of int
        A label for each axis of the source; equal labels take the diagonal.
    result : tuple of int
        The labels that are kept, in the order of the result's axes; the others are summed.
    leading : int or None
        The axis of the result that is the leading index.
    terms : int
        Number of entries added up in one of the result.
    """

    target: int
    source: int
    axes: tuple[int, ...]
    result: tuple[int, ...]
    leading: int | None
    terms: int


class Expand(NamedTuple):
    """The adjoint of `Reduce`: repeat along new axes, and place on diagonals, zero elsewhere.

    Attributes
    ----------
    target, source : int
        Slots.
    axes : tuple of int
        A label for each axis of the source, all different.
    result : tuple of int
        A label for each axis of the result.
    shape : tuple of int
        Shape of the result.
    leading : int or None
        The axis of the result that is the leading index.
    """

    target: int
    source: int
    axes: tuple[int, ...]
    result: tuple[int, ...]
    shape: tuple[int, ...]
    leading: int | None


class Add(NamedTuple):
    """The sum of tensors of one shape, each conjugated where `conj` says so."""

    target: int
    sources: tuple[int, ...]
    conj: tuple[bool, ...]
    leading: int | None


Instruction: TypeAlias = Contract | Reduce | Expand | Add


class Input(NamedTuple):
    """What a backend must know of one input tensor.

    Attributes
    ----------
    name : str
        For messages.
    shape : tuple of int
        Sizes; -1 for the leading index.
    log : bool
        The array given holds natural logarithms of the entries.
    conj : bool
        The tensor is the conjugate of the array given.
    leading : int or None
        The axis that is the leading index.
    """

    name: str
    shape: tuple[int, ...]
    log: bool
    conj: bool
    leading: int | None


@dataclass(frozen=True)
class Instructions:
    """A network's value, and its reverse sweep, as one flat list over slots.

    Attributes
    ----------
    inputs : tuple of Input
        Slots 0, 1, ... in order.
    forward : tuple of Instruction
        Leave the value in slot `value`, its axes in the order of the output.
    value, seed : int
        Slots of the value and of its cotangent.
    backward : tuple of Instruction
        To be run after `forward`, with the cotangent in slot `seed`.
    gradients : tuple of (int or None)
        Slot of the gradient with respect to each input; None for constants. Inputs that share
        a parameter share the slot.
    slots : int
        How many there are.
    """

    inputs: tuple[Input, ...]
    forward: tuple[Instruction, ...]
    value: int
    seed: int
    backward: tuple[Instruction, ...]
    gradients: tuple[int | None, ...]
    slots: int


def sources(instruction: Instruction) -> tuple[int, ...]:
    """The slots an instruction reads."""
    if isinstance(instruction, Contract):
        return (instruction.first.slot, instruction.second.slot)
    if isinstance(instruction, Add):
        return instruction.sources
    return (instruction.source,)
