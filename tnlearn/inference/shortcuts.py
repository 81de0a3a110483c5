"""Ways around contraction that a model has of its own, as planar spins have."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from tnlearn.inference.log_value import LogPartition

#: Sites above which a shortcut is taken without asking what contraction costs.
LARGE = 600


@dataclass(frozen=True)
class Shortcut:
    """How a model answers without contracting its network.

    Attributes
    ----------
    method : str
        Its name.
    reason : str
        What makes it possible, in a sentence.
    log_partition : callable
    mode : callable or None
        Gives the most probable state ``{site: value}``.
    """

    method: str
    reason: str
    log_partition: Callable[[], LogPartition]
    mode: Callable[[], Mapping[Hashable, Any]] | None = None


@runtime_checkable
class HasShortcut(Protocol):
    """A model that may have one."""

    @property
    def sites(self) -> tuple[Hashable, ...]:
        """The sites."""
        ...

    def shortcut(self) -> Shortcut | None:
        """The shortcut, or None where none is possible; nothing is computed yet."""
        ...


def shortcut_of(thing: Any, at_once: bool = False) -> Shortcut | None:
    """The shortcut of a model, if it has one; with `at_once` only if the model is large."""
    if not isinstance(thing, HasShortcut) or (at_once and len(thing.sites) <= LARGE):
        return None
    return thing.shortcut()
