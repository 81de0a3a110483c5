"""The spellings users know: einsum, opt_einsum's interleaved form, and ncon."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tnlearn.errors import DataTypeError, NetworkError
from tnlearn.network.tensor import Index, Tensor, as_data
from tnlearn.network.tensor_network import TensorNetwork


def from_spelling(*arguments: Any) -> TensorNetwork:
    """The network of an einsum or an interleaved call.

    Parameters
    ----------
    *arguments
        ``"ij,jk->ik", a, b`` or ``a, ["i", "j"], b, ["j", "k"], ["i", "k"]``. Without an
        output, the indices that appear once are open, in sorted order, as in NumPy.

    Raises
    ------
    NetworkError
        If the spelling and the arrays do not fit each other.
    DataTypeError
        If the arguments are neither spelling.
    """
    if arguments and isinstance(arguments[0], str):
        return from_einsum(arguments[0], arguments[1:])
    if len(arguments) >= 2 and isinstance(arguments[1], Sequence):
        return from_interleaved(arguments)
    raise DataTypeError(
        "expected a network, a model, an einsum call ('ij,jk->ik', a, b) or an interleaved one "
        f"(a, ['i', 'j'], b, ['j', 'k']); got {', '.join(type(a).__name__ for a in arguments)}"
    )


def from_einsum(equation: str, arrays: Sequence[Any]) -> TensorNetwork:
    """The network of ``einsum(equation, *arrays)``; ``...`` stands for any further axes.

    Axes under ``...`` are matched from the right and must have equal sizes: size 1 is not
    broadcast.
    """
    text = equation.replace(" ", "")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(arrays):
        raise NetworkError(
            f"the equation {equation!r} names {len(terms)} tensors but {len(arrays)} arrays "
            "were given: one comma-separated term per array"
        )
    data = [as_data(array, str(k)) for k, array in enumerate(arrays)]
    inputs = [_letters(t, len(d.shape), equation) for t, d in zip(terms, data, strict=True)]
    hidden = max((i for term in inputs for i in term if isinstance(i, int)), default=0)
    ellipsis: list[Index] = list(range(hidden, 0, -1))
    if arrow:
        output = _letters(
            right, len(right.replace("...", "")) + hidden * ("..." in right), equation
        )
    else:
        once = Counter(i for term in inputs for i in term)
        output = ellipsis + sorted(i for i in once if once[i] == 1 and isinstance(i, str))
    return _network(data, inputs, output)


def from_interleaved(arguments: Sequence[Any]) -> TensorNetwork:
    """The network of ``contract(a, [i, j], b, [j, k], [i, k])``, with any hashable indices."""
    pairs = len(arguments) // 2
    data = [as_data(arguments[2 * k], str(k)) for k in range(pairs)]
    inputs = [list(arguments[2 * k + 1]) for k in range(pairs)]
    if len(arguments) % 2:
        output = list(arguments[-1])
    else:
        once = Counter(i for term in inputs for i in term)
        try:
            output = sorted(i for i in once if once[i] == 1)
        except TypeError:
            raise NetworkError(
                "indices of several types have no order of their own: give the output as the "
                "last argument"
            ) from None
    return _network(data, inputs, output)


def from_ncon(arrays: Sequence[Any], labels: Sequence[Sequence[int]]) -> TensorNetwork:
    """The network of ``ncon(arrays, labels)``.

    Positive labels are summed and must appear exactly twice; negative ones are open, the
    result's axes running -1, -2, ... (Pfeifer, Evenbly, Singh and Vidal 2014, arXiv:1402.0939).
    """
    if len(arrays) != len(labels):
        raise NetworkError(f"ncon got {len(arrays)} arrays and {len(labels)} lists of labels")
    seen = Counter(label for term in labels for label in term)
    for label, times in seen.items():
        if not isinstance(label, int) or label == 0:
            raise NetworkError(
                f"ncon labels are positive (summed) or negative (open) whole numbers; not {label!r}"
            )
        if times != (wanted := 2 if label > 0 else 1):
            raise NetworkError(f"ncon label {label} appears {times} times; it must {wanted} times")
    output = sorted((label for label in seen if label < 0), reverse=True)
    data = [as_data(array, str(k)) for k, array in enumerate(arrays)]
    return _network(data, [list(term) for term in labels], output)


def _network(
    data: Sequence[Any], inputs: Sequence[Sequence[Index]], output: Sequence[Index]
) -> TensorNetwork:
    return TensorNetwork([Tensor(d, i) for d, i in zip(data, inputs, strict=True)], output)


def _letters(term: str, rank: int, equation: str) -> list[Index]:
    """One index per axis: letters, and the axes under ``...`` as ..., 2, 1 from the left."""
    before, dots, after = term.partition("...")
    letters: list[Index] = [*before, *after]
    hidden = rank - len(letters)
    if not all(str(c).isalpha() for c in letters):
        raise NetworkError(
            f"term {term!r} of the equation {equation!r} holds a sign that is no letter"
        )
    if hidden < 0 or (hidden and not dots):
        raise NetworkError(
            f"term {term!r} of the equation {equation!r} has {len(letters)} indices, "
            f"but its array has {rank} axes"
        )
    return [*before, *range(hidden, 0, -1), *after]
