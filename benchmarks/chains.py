"""Which instances are matrix-product classifiers, for peers that know only these."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.instances import Instance


@dataclass(frozen=True)
class Chain:
    """Where the parts of a chain are among the tensors of an instance.

    Attributes
    ----------
    cores : tuple of int
        From left to right: (physical, right), (left, physical, right), ..., (left, physical).
    middle : int
        The position among `cores` of the one whose physical index is the open one.
    features : tuple of int
        The tensors (batch, physical), from left to right, one per other core.
    """

    cores: tuple[int, ...]
    middle: int
    features: tuple[int, ...]

    @property
    def sites(self) -> int:
        """Number of cores less one, that of the classes."""
        return len(self.features)


def as_chain(instance: Instance) -> Chain | None:
    """The instance as a chain, if it was built as one: cores first, then features, in order."""
    count = len(instance.inputs) // 2
    if len(instance.inputs) != 2 * count + 1 or instance.target is None:
        return None
    cores, features = instance.inputs[: count + 1], instance.inputs[count + 1 :]
    physical = [cores[0][:1], *(core[1:2] for core in cores[1:])]
    bonds = [core[-1] for core in cores[:-1]]
    if bonds != [core[0] for core in cores[1:]] or any(len(core) != 3 for core in cores[1:-1]):
        return None
    classes = instance.output[1:]
    if list(features) != [(instance.batch, *p) for p in physical if p != classes]:
        return None
    middle = physical.index(classes)  # There, or there were fewer features than these.
    return Chain(tuple(range(count + 1)), middle, tuple(range(count + 1, 2 * count + 1)))
