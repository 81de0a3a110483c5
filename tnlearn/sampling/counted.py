"""Random numbers by position: a key and a count are all there is to remember."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def keyed(generator: np.random.Generator) -> npt.NDArray[np.uint64]:
    """A random key of two words, and the count 0."""
    return np.append(generator.integers(0, 2**64, 2, dtype=np.uint64), np.uint64(0))


def at_count(generator: npt.NDArray[np.uint64]) -> np.random.Generator:
    """The generator for one count. Each count has 2**192 numbers of its own (Philox)."""
    counter = np.array([0, 0, 0, generator[2]], np.uint64)
    return np.random.Generator(np.random.Philox(key=generator[:2], counter=counter))


def advanced(generator: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The same key, and the count after this one."""
    return generator + np.array([0, 0, 1], np.uint64)
