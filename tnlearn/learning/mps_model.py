"""A matrix product state with a label leg, as arrays and as a network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.backend import get_backend
from tnlearn.execution import Program, compile
from tnlearn.network import Index, Tensor, TensorNetwork

Array = npt.NDArray[Any]
Shape = tuple[int, ...]

BATCH, LABEL = "batch", "label"

#: Standard deviation of the entries that training starts from: 0.01 to 0.03 do equally well.
DEVIATION = 0.01


def site_shapes(sites: int, features: int, bond: int, labels: int) -> list[Shape]:
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
        Tensor(features[site], (BATCH, ("feature", site)), name)
        for site, name in enumerate(_feature_names(sites))
    ]
    return TensorNetwork(network, (BATCH, LABEL))


@lru_cache(maxsize=8)
def mps_program(shapes: tuple[Shape, ...], dtype: str, backend: str) -> Program:
    """The network of site tensors of these shapes, compiled for any number of samples.

    Kept for the next model of these sizes: a program holds no data.
    """
    nothing = np.zeros((), dtype=dtype)
    tensors = [np.broadcast_to(nothing, shape) for shape in shapes]
    features = np.broadcast_to(nothing, (len(shapes), 1, shapes[0][0]))
    return compile(
        mps_network(tensors, features),
        batch=BATCH,
        constants=_feature_names(len(shapes)),
        backend=backend,
    )


def mps_scores(tensors: Sequence[Array], features: Array, backend: str) -> Array:
    """``f[sample, label]`` in float64, so that it does not depend on how samples are batched.

    Parameters
    ----------
    tensors : sequence of arrays
        Of `site_shapes`.
    features : array, shape (n_sites, n_samples, d)
    backend : str
        Who does the arithmetic.
    """
    program = mps_program(tuple(tensor.shape for tensor in tensors), "float64", backend)
    scores = program([*(tensor.astype("float64") for tensor in tensors), *features])
    return np.asarray(get_backend(backend).to_host(scores))


def _feature_names(sites: int) -> list[str]:
    """Names of the tensors that hold data and not parameters."""
    return [f"feature {site}" for site in range(sites)]


def _indices(site: int, sites: int) -> tuple[Index, ...]:
    left: tuple[Index, ...] = () if site == 0 else (("bond", site),)
    right: tuple[Index, ...] = () if site == sites - 1 else (("bond", site + 1),)
    label: tuple[Index, ...] = (LABEL,) if site == sites // 2 else ()
    return (*left, ("feature", site), *label, *right)


def initial_deviation(features: Array, bond: int) -> float:
    """The standard deviation of entries to start from, at which no chain of matrices explodes.

    A site ``1 + sum_s psi_s B_s`` with entries of deviation sigma in B multiplies the mean
    squared length of a vector by ``1 + bond sigma^2 sum_s psi_s^2``. All sites together shall
    not multiply it by more than e.

    Parameters
    ----------
    features : array, shape (n_sites, n_samples, d)
        The first of the d is 1.
    bond : int
        Size of the bonds.
    """
    psi = features[..., 1:]
    squares = float(np.einsum("ins,ins->i", psi, psi).sum()) / features.shape[1]
    return DEVIATION if squares == 0 else min(DEVIATION, (bond * squares) ** -0.5)


class MPSParameters:
    """The trainable entries of all site tensors in one flat vector.

    The slices that read the first feature, which is 1, are held at the identity: any MPS in
    which they can be inverted has this gauge, and it is what keeps a chain of any length near
    one. The middle tensor, with the label, is free.

    Parameters
    ----------
    shapes : sequence of tuple of int
        Of `site_shapes`.
    deviation : float
        Standard deviation of the normal entries to start from.
    generator : Generator
        Draws them.
    dtype : {"float32", "float64"}

    Attributes
    ----------
    tensors : list of arrays
    vector : array, shape (n,)
        Call `spread` after changing it.
    """

    def __init__(
        self,
        shapes: Sequence[Shape],
        deviation: float,
        generator: np.random.Generator,
        dtype: str = "float32",
    ) -> None:
        self.tensors = [np.zeros(shape, dtype=dtype) for shape in shapes]
        self._parts = self._free_parts(self.tensors)
        count = sum(part.size for part in self._parts)
        self.vector = (deviation * generator.standard_normal(count)).astype(dtype)
        self._entries = self._cut(self.vector)
        self._gradient = np.empty_like(self.vector)
        self._slopes = self._cut(self._gradient)
        for site, tensor in enumerate(self.tensors):
            if site != len(shapes) // 2:
                self._set_identity(site, tensor)
        self.spread()

    @classmethod
    def random(
        cls, features: Array, bond: int, labels: int, generator: np.random.Generator
    ) -> MPSParameters:
        """A model to start from, for features of shape (n_sites, n_samples, d)."""
        shapes = site_shapes(len(features), features.shape[2], bond, labels)
        return cls(shapes, initial_deviation(features, bond), generator, features.dtype.name)

    def spread(self) -> None:
        """Write the vector into the tensors."""
        for part, entries in zip(self._parts, self._entries, strict=True):
            part[...] = entries

    def gathered(self, gradients: Sequence[Array]) -> Array:
        """The free entries of one gradient per tensor as a vector, which the next call changes."""
        for slope, part in zip(self._slopes, self._free_parts(gradients), strict=True):
            slope[...] = part
        return self._gradient

    def _cut(self, vector: Array) -> list[Array]:
        """The vector as one array per tensor, of the shape of its free part."""
        ends = np.cumsum([part.size for part in self._parts])
        pieces = np.split(vector, ends[:-1])
        return [piece.reshape(part.shape) for piece, part in zip(pieces, self._parts, strict=True)]

    def _free_parts(self, arrays: Sequence[Array]) -> list[Array]:
        """What is trained of one array per tensor: all but the slices that read the 1."""
        middle = len(arrays) // 2
        first, *others = arrays
        rest = [a if k == middle else a[:, 1:] for k, a in enumerate(others, 1)]
        return [first if middle == 0 else first[1:], *rest]

    def _set_identity(self, site: int, tensor: Array) -> None:
        if site == 0 or site == len(self.tensors) - 1:
            tensor[0, 0] = 1
        else:
            tensor[:, 0] = np.eye(tensor.shape[0], dtype=tensor.dtype)
