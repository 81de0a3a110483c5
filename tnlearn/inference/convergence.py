"""Where exact does not fit: a refusal that names what does, and the warning of estimates."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tnlearn.errors import MemoryLimitError


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
    except MemoryLimitError as error:
        names = " or ".join(f"method={name!r}" for name in methods)
        raise MemoryLimitError(f"{error}; {names} gives an estimate") from error
