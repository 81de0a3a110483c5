"""Local feature maps: from a number in [0, 1] to the small vector that one site of an MPS reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.errors import ModelError

Array = npt.NDArray[Any]


def linear(x: Array, degree: int) -> Array:
    """``[1, x]`` (Novikov, Trofimov, Oseledets 2016, arXiv:1605.03795, section 3)."""
    return np.stack([np.ones_like(x), x], axis=-1)


def trigonometric(x: Array, degree: int) -> Array:
    """``[cos(pi x / 2), sin(pi x / 2)]`` (Stoudenmire, Schwab 2016, arXiv:1605.05775, eq. 3)."""
    return np.stack([np.cos(np.pi / 2 * x), np.sin(np.pi / 2 * x)], axis=-1)


def polynomial(x: Array, degree: int) -> Array:
    """Powers 1, x, ..., x^degree, as Legendre polynomials of 2 x - 1: one span, well scaled."""
    return np.polynomial.legendre.legvander(2 * x - 1, degree)


#: Feature maps by name; each takes x of any shape and the degree, and appends an axis.
FEATURE_MAPS: dict[str, Callable[[Array, int], Array]] = {
    "linear": linear,
    "trigonometric": trigonometric,
    "polynomial": polynomial,
}


@dataclass(frozen=True, eq=False)
class SiteFeatures:
    """A feature map fitted to data: scaled, clipped, and put in a gauge of its own at each site.

    Attributes
    ----------
    name : str
        Key of `FEATURE_MAPS`.
    degree : int
        Of the polynomial map.
    low, high : array, shape (n_sites,)
        What is scaled to 0 and 1; values beyond are clipped.
    gauge : array, shape (n_sites, d, d)
        ``psi = gauge @ phi``. The first component is as near to the constant 1 over the
        training data as the map allows (exactly 1 if the map holds a constant); the others are
        the map's own components but the first, made orthogonal to it, which centres them. An
        MPS whose first slices are the identity then reads the mean and adds what deviates.
    """

    name: str
    degree: int
    low: Array
    high: Array
    gauge: Array

    @classmethod
    def fit(cls, x: Array, name: str, degree: int) -> SiteFeatures:
        """Fit scales and gauge to data of shape (n_samples, n_sites).

        Raises
        ------
        ModelError
            If there is no map of that name, or the degree is below 1.
        """
        if name not in FEATURE_MAPS:
            raise ModelError(f"feature_map={name!r} is unknown: give one of {sorted(FEATURE_MAPS)}")
        if degree < 1:
            raise ModelError(f"degree={degree} must be at least 1")
        low, high = x.min(axis=0), x.max(axis=0)
        raw = FEATURE_MAPS[name](_scaled(x, low, high), degree)
        return cls(name, degree, low, high, _gauge(raw))

    def __call__(self, x: Array) -> Array:
        """Features of data, shape (n_sites, n_samples, d)."""
        raw = FEATURE_MAPS[self.name](_scaled(x, self.low, self.high), self.degree)
        return np.matmul(raw.transpose(1, 0, 2), self.gauge.transpose(0, 2, 1))


def _scaled(x: Array, low: Array, high: Array) -> Array:
    # Halves first: the difference of two large numbers may be out of range, that of halves not.
    width = np.where(high > low, high / 2 - low / 2, 1)
    return np.asarray(np.clip((x / 2 - low / 2) / width, 0, 1))


def _gauge(raw: Array) -> Array:
    """The gauge of each site from features of shape (n_samples, n_sites, d)."""
    samples, sites, d = raw.shape
    moments = np.einsum("nis,nit->ist", raw, raw) / samples
    means = raw.mean(axis=0)
    gauge = np.empty((sites, d, d))
    for site in range(sites):
        nearest = np.linalg.lstsq(moments[site], means[site], rcond=1e-10)[0]
        overlap = moments[site] @ nearest
        gauge[site] = np.eye(d) - np.outer(overlap / (nearest @ overlap), nearest)
        gauge[site, 0] = nearest
    return gauge
