"""Where arrays can be: a library, and the processor or a device."""

from __future__ import annotations

from abc import ABC, abstractmethod
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.bound import Rates
from benchmarks.devices import device_name, device_rates
from benchmarks.threads import thread_count


class Place(ABC):
    """A library with its arrays in one place; imported when it is first used."""

    name: str
    library: str
    distributions: tuple[str, ...]

    def version(self) -> str | None:
        """Of the library; None if it is not installed, or has no such place."""
        if not find_spec(self.library):
            return None
        for distribution in self.distributions:
            try:
                return version(distribution) if self.device() is not None else None
            except PackageNotFoundError:
                continue
        return None

    @abstractmethod
    def device(self) -> str | None:
        """The name of the device; nothing for the processor, None if there is no such device."""

    @abstractmethod
    def put(self, array: Any) -> Any:
        """A NumPy array there."""

    @abstractmethod
    def get(self, array: Any) -> Any:
        """An array from there as one of NumPy."""

    @abstractmethod
    def synchronize(self) -> None:
        """Wait until all is done there."""

    def rates(self, dtype: str) -> Rates | None:
        """What the device reaches in a large product and a copy; None for the processor."""
        if not self.device():
            return None
        return device_rates(dtype, self.put, self.synchronize, lambda a, b: a @ b)


class OnTorch(Place):
    """PyTorch, on the processor or on CUDA's device."""

    library, distributions = "torch", ("torch",)

    def __init__(self, where: str) -> None:
        self.where, self.name = where, f"torch-{where}"

    def device(self) -> str | None:
        """Nothing for the processor."""
        return "" if self.where == "cpu" else device_name("torch") or None

    def put(self, array: Any) -> Any:
        """A copy there; programs that are compiled from now on are planned for it."""
        import torch

        torch.set_num_threads(thread_count())
        torch.set_default_device(self.where)
        return torch.from_numpy(np.array(array)).to(self.where)

    def get(self, array: Any) -> Any:
        """A copy on the host."""
        return array.cpu().numpy()

    def synchronize(self) -> None:
        """On the processor all is done already."""
        if self.where == "cuda":
            import torch

            torch.cuda.synchronize()


class OnCupy(Place):
    """CuPy, on its current device."""

    name, library = "cupy", "cupy"
    distributions = ("cupy-cuda12x", "cupy-cuda13x", "cupy")

    def device(self) -> str | None:
        """None without CUDA."""
        return device_name("cupy") or None

    def put(self, array: Any) -> Any:
        """A copy on the device."""
        import cupy

        return cupy.asarray(array)

    def get(self, array: Any) -> Any:
        """A copy on the host."""
        import cupy

        return cupy.asnumpy(array)

    def synchronize(self) -> None:
        """All streams."""
        import cupy

        cupy.cuda.Device().synchronize()


PLACES: tuple[Place, ...] = (OnTorch("cpu"), OnTorch("cuda"), OnCupy())
