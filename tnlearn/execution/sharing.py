"""Which tensors share a parameter, and so a gradient."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

from tnlearn.backend import Scaled


@dataclass(frozen=True)
class Sharing:
    """One key per tensor, equal for those that share a parameter, and the constants."""

    keys: tuple[Hashable, ...]
    constants: frozenset[int]

    def summed(
        self, gradients: Sequence[Scaled | None], add: Callable[[Scaled, Scaled], Scaled]
    ) -> list[Scaled | None]:
        """Gradients summed over the tensors that share a parameter."""
        totals: dict[Hashable, Scaled] = {}
        for key, gradient in zip(self.keys, gradients, strict=True):
            if gradient is not None:
                total = totals.get(key)
                totals[key] = gradient if total is None else add(total, gradient)
        return self._spread(totals)

    def filled(self, gradients: Sequence[Scaled | None]) -> list[Scaled | None]:
        """Gradients that are there for one of those that share a parameter, for all of them."""
        pairs = zip(self.keys, gradients, strict=True)
        return self._spread({key: gradient for key, gradient in pairs if gradient is not None})

    def _spread(self, totals: Mapping[Hashable, Scaled]) -> list[Scaled | None]:
        return [None if k in self.constants else totals.get(key) for k, key in enumerate(self.keys)]
