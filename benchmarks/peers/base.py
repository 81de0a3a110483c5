"""What the harness asks of a library."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any, ClassVar

import numpy as np

from benchmarks.bound import Rates
from benchmarks.instances import Answer, Arrays, Instance
from benchmarks.orders import Order


def _value(result: Any) -> Answer:
    return Answer(np.asarray(result))


@dataclass(frozen=True)
class Runner:
    """A network prepared by a library for one task, in three parts that are timed apart.

    For every set of arrays, ``answer(run(pack(arrays)))`` is what the task asks for.

    Attributes
    ----------
    run : callable
        Packed arrays to a result in the library's own form, complete when it returns.
    pack : callable
        A set of arrays to what `run` takes; done once for each set.
    answer : callable
        A result to NumPy arrays; not timed.
    """

    run: Callable[[Any], Any]
    pack: Callable[[Arrays], Any] = list
    answer: Callable[[Any], Answer] = _value


class Peer(ABC):
    """A library as the harness sees it; stateless.

    Attributes
    ----------
    name : str
        In results and on the command line.
    distribution, module : str
        What is installed, and what is imported.
    tasks : tuple of str
        What it can do.
    planners : tuple of str
        Whose orders it is given; the fastest counts. Empty for those that take none.
    modes : tuple of str
        Settings of its own to try; the fastest counts.
    slices : bool
        Whether it runs an order in slices where it would not fit in memory at once.
    """

    name: ClassVar[str]
    distribution: ClassVar[str]
    module: ClassVar[str]
    tasks: ClassVar[tuple[str, ...]] = ("value",)
    planners: ClassVar[tuple[str, ...]] = ("tnlearn",)
    modes: ClassVar[tuple[str, ...]] = ("",)
    slices: ClassVar[bool] = False

    def version(self) -> str | None:
        """Of the library; None if it is not installed."""
        try:
            return version(self.distribution) if find_spec(self.module) else None
        except PackageNotFoundError:
            return None

    def device(self) -> str:
        """The name of the device it computes on; nothing, as here, for the processor."""
        return ""

    def rates(self, dtype: str) -> Rates | None:
        """What the device reaches; None, as here, for the processor. In a process of its own."""
        return None

    @abstractmethod
    def objection(self, instance: Instance) -> str | None:
        """Why the library cannot express the instance; None if it can."""

    @abstractmethod
    def prepare(self, instance: Instance, task: str, order: Order | None, mode: str) -> Runner:
        """Everything that is done once for a network, whatever its arrays.

        Parameters
        ----------
        task : str
            One of `tasks`.
        order : Order or None
            Of one of `planners`; None if there are none.
        mode : str
            One of `modes`.
        """
