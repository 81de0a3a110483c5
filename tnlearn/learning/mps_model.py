"""A matrix product state with a label leg, as arrays and as a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.network import Index, Tensor, TensorNetwork

Array = npt.NDArray[Any]

BATCH, LABEL = "batch", "label"


def site_shapes(sites: int, features: int, bond: int, labels: int) -> list[tuple[int, ...]]:
    """Shapes of the site tensors: (left bond, feature, [label,] right bond).

    The first has no left bond and the last no right one; the label is on the middle one.
    """
    shapes = []
    for site in range(sites):
        left = () if site == 0 else (bond,)
        right = () if site == sites - 1 else (bond,)
        shapes.append((*left, features, *((labels,) if site == sites // 2 else ()), *right))
    return shapes


def mps_network(tensors: Sequence[Array], features: Array) -> TensorNetwork:
    """The network of ``f[sample, label]``: site tensors, and the features they read.

    Parameters
    ----------
    tensors : sequence of arrays
        Of `site_shapes`.
    features : array, shape (n_sites, n_samples, d)
    """
    sites = len(tensors)
    network = [
        Tensor(tensor, _indices(site, sites), f"site {site}") for site, tensor in enumerate(tensors)
    ]
    network += [
        Tensor(features[site], (BATCH, ("feature", site)), f"feature {site}")
        for site in range(sites)
    ]
    return TensorNetwork(network, (BATCH, LABEL))


def feature_names(sites: int) -> list[str]:
    """Names of the tensors that hold data and not parameters."""
    return [f"feature {site}" for site in range(sites)]


def _indices(site: int, sites: int) -> tuple[Index, ...]:
    left: tuple[Index, ...] = () if site == 0 else (("bond", site),)
    right: tuple[Index, ...] = () if site == sites - 1 else (("bond", site + 1),)
    label: tuple[Index, ...] = (LABEL,) if site == sites // 2 else ()
    return (*left, ("feature", site), *label, *right)


class MPSParameters:
    """The trainable entries of all site tensors in one flat vector.

    The slices that read the first feature, which is nearly constant, are held at the identity:
    any MPS in which they can be inverted has this gauge, and it is what keeps a long chain of
    any length near one. The middle tensor, with the label, is free.

    Parameters
    ----------
    shapes : list of tuple of int
        Of `site_shapes`.
    deviation : float
        Standard deviation of the normal entries to start from.
    """

    def __init__(
        self, shapes: list[tuple[int, ...]], deviation: float, generator: np.random.Generator
    ) -> None:
        self.tensors = [np.zeros(shape, dtype=np.float32) for shape in shapes]
        self._free = [self._free_part(site, t) for site, t in enumerate(self.tensors)]
        self.vector = deviation * generator.standard_normal(
            sum(part.size for part in self._free), dtype=np.float32
        )
        for site, tensor in enumerate(self.tensors):
            if site != len(shapes) // 2:
                self._set_identity(site, tensor)
        self.spread()

    def spread(self) -> None:
        """Write the vector into the tensors."""
        start = 0
        for part in self._free:
            part[...] = self.vector[start : start + part.size].reshape(part.shape)
            start += part.size

    def gather(self, gradients: Sequence[Array], out: Array) -> None:
        """Write the free entries of one gradient per tensor into a vector."""
        start = 0
        for site, gradient in enumerate(gradients):
            part = self._free_part(site, gradient)
            out[start : start + part.size] = part.reshape(-1)
            start += part.size

    def _free_part(self, site: int, tensor: Array) -> Array:
        if site == len(self.tensors) // 2:
            return tensor
        return tensor[1:] if site == 0 else tensor[:, 1:]

    def _set_identity(self, site: int, tensor: Array) -> None:
        if site == 0 or site == len(self.tensors) - 1:
            tensor[0, 0] = 1
        else:
            tensor[:, 0] = np.eye(tensor.shape[0], dtype=tensor.dtype)
