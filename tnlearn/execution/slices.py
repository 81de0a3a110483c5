"""Running a program over its slices, chunk by chunk, and adding up in a fixed order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tnlearn.backend import Executable, Scaled
from tnlearn.progress import progress_bar

#: Chunks into which slices are divided: few enough to cost nothing, and enough for a bar to move
#: and for many workers. Their number depends on nothing else, so that sums have the same bits.
CHUNKS = 64


class Slices:
    """All slices of a program."""

    def __init__(self, count: int, progress: bool) -> None:
        self._count = count
        self._progress = progress

    def value(self, executable: Executable, inputs: Sequence[Scaled]) -> Scaled:
        """The sum over all slices."""
        if self._count == 1:
            return executable.run(inputs, range(1))
        total: Scaled | None = None
        for chunk in self._chunks():
            part = executable.run(inputs, chunk)
            total = part if total is None else executable.add(total, part)
        return total

    def value_and_gradient(
        self,
        executable: Executable,
        with_gradient: Executable,
        inputs: Sequence[Scaled],
        seed: Callable[[Scaled], Scaled],
    ) -> tuple[Scaled, Sequence[Scaled | None]]:
        """The value, and the gradient with respect to each input, summed over the slices."""
        if self._count == 1:
            return with_gradient.run_with_gradient(inputs, seed)
        # The cotangent may depend on the whole value, so that is found first.
        value = self.value(executable, inputs)
        cotangent = seed(value)
        totals: Sequence[Scaled | None] | None = None
        for chunk in self._chunks():
            parts = with_gradient.gradient(inputs, cotangent, chunk)
            totals = parts if totals is None else _sums(executable, totals, parts)
        return value, totals or []

    def _chunks(self) -> Iterator[range]:
        length = -(-self._count // CHUNKS)
        chunks = [
            range(start, min(start + length, self._count))
            for start in range(0, self._count, length)
        ]
        yield from progress_bar(chunks, "slices", self._progress)


def _sums(
    executable: Executable, first: Sequence[Scaled | None], second: Sequence[Scaled | None]
) -> list[Scaled | None]:
    return [
        None if one is None or other is None else executable.add(one, other)
        for one, other in zip(first, second, strict=True)
    ]
