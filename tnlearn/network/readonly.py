"""Mappings that nobody can write to, and that go to other processes."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView
from typing import TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class ReadOnly(Mapping[Key, Value]):
    """A mapping without a way to change it.

    A `types.MappingProxyType` cannot be pickled or copied, so a model that held one could go to no
    process pool. Views are those of the dict, as fast as they are there: couplings are many.

    Parameters
    ----------
    given : mapping
        Copied.
    """

    __slots__ = ("_held",)

    def __init__(self, given: Mapping[Key, Value]) -> None:
        self._held = dict(given)

    def __getitem__(self, key: Key) -> Value:
        return self._held[key]

    def __contains__(self, key: object) -> bool:
        return key in self._held

    def __iter__(self) -> Iterator[Key]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def keys(self) -> KeysView[Key]:
        """As of a dict."""
        return self._held.keys()

    def values(self) -> ValuesView[Value]:
        """As of a dict."""
        return self._held.values()

    def items(self) -> ItemsView[Key, Value]:
        """As of a dict."""
        return self._held.items()

    def __repr__(self) -> str:
        return repr(self._held)
