"""Where exact does not fit: a refusal that names what does, and the warning of estimates."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tnlearn.errors import CostError, MemoryLimitError
from tnlearn.planning import Plan, readable_seconds


class NotConverged(UserWarning):
    """An estimate whose error may be larger than it says."""


def warn_unless(converged: bool, text: str) -> None:
    """Warn whoever asked the question, unless its answer has converged."""
    if not converged:
        warnings.warn(text, NotConverged, stacklevel=4)


@contextmanager
def refusing(methods: Sequence[str]) -> Iterator[None]:
    """Where exact does not fit, the error says by which methods there is an estimate."""
    try:
        yield
    except (MemoryLimitError, CostError) as error:
        names = " or ".join(f"method={name!r}" for name in methods)
        raise type(error)(f"{error}; {names} gives an estimate") from error


def check_flops(made: Plan, most: float) -> None:
    """CostError if a plan takes more operations than this."""
    cost = made.cost
    if cost.flops > most:
        raise CostError(
            f"exact takes {cost.flops:.1e} flops ({readable_seconds(cost.seconds)} predicted), "
            f"more than the {most:.1e} allowed: give flops=, say float('inf')"
        )
