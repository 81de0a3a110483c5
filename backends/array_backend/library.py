"""What sets one array library apart from another, beyond the functions of the standard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tnlearn.backend import Labels
from tnlearn.errors import BackendError
from tnlearn_backends.array_backend.namespaces import Array, device_of

Function: TypeAlias = Callable[[list[Array]], list[Array]]
#: Computes what was recorded for other arrays.
Replay: TypeAlias = Callable[[list[Array]], None]


@dataclass(frozen=True)
class Recorder:
    """How a library records what a function starts on a device, to start it again as one.

    Attributes
    ----------
    library : Library
        Whose functions may be called while it is recorded.
    record : callable
        Given a function of arrays, and arrays to call it with: what it returned, whose arrays hold
        what was computed last; and what computes it again for other such arrays.
    mark : callable
        Given a device: what makes all that is started there later wait for what was so far.
    """

    library: Library
    record: Callable[[Function, list[Array]], tuple[list[Array], Replay]]
    mark: Callable[[Any], Callable[[], None]]


@dataclass(frozen=True)
class Library:
    """An array library.

    Attributes
    ----------
    name : str
        For messages.
    xp : module
        The functions of the Python array API standard, for instance one of `array_api_compat`.
    kind : type
        Of its arrays.
    matmul : callable
        The product of two matrices, or of two stacks of them, in full precision.
    device : callable
        Where arrays go that come from the host.
    from_host : callable
        A copy of a NumPy array on a device.
    to_host : callable
        An array as one of NumPy.
    host : device, optional
        The device that is the host itself: arrays on it may go to another without being asked.
    contract : callable, optional
        Given two arrays, each followed by the labels of its axes, and the labels of the result: the
        product, summed over the other labels, without a copy of either; None where it cannot.
    recorder : callable, optional
        How runs on a device are recorded; None where they cannot be.
    """

    name: str
    xp: Any
    kind: type
    matmul: Callable[[Array, Array], Array]
    device: Callable[[], Any]
    from_host: Callable[[npt.NDArray[Any], Any], Array]
    to_host: Callable[[Array], npt.NDArray[Any]]
    host: Any = None
    contract: Callable[[Array, Labels, Array, Labels, Labels], Array | None] | None = None
    recorder: Callable[[Any], Recorder | None] | None = None

    def holds(self, array: Any) -> bool:
        """Whether an array is one of this library."""
        return isinstance(array, self.kind)

    def common_device(self, arrays: Sequence[Any]) -> Any:
        """Where arrays are; those of the host do not count beside others.

        Raises
        ------
        BackendError
            If they are on several.
        """
        found = {str(d): d for d in (device_of(a) for a in arrays if self.holds(a))}
        if len(found) > 1:
            found.pop(str(self.host), None)
        if len(found) > 1:
            raise BackendError(
                f"the arrays are on {' and '.join(sorted(found))}: move them to one device, "
                "nothing is moved between devices unless you do"
            )
        return next(iter(found.values())) if found else self.device()

    def placed(self, array: Array, device: Any) -> Array:
        """An array on a device: itself if it is there."""
        if isinstance(array, np.ndarray):
            return self.from_host(array, device)
        if device_of(array) == device:
            return array
        from array_api_compat import to_device

        return to_device(array, device)

    def joined(self, arrays: Sequence[Array], device: Any) -> Array:
        """Many arrays one after another in a new one, flat; one transfer for those of the host."""
        if all(isinstance(array, np.ndarray) for array in arrays):
            return self.from_host(np.concatenate(arrays, axis=None), device)
        xp = self.xp
        flat = [xp.reshape(self.placed(array, device), (-1,)) for array in arrays]
        return xp.concat(flat)
