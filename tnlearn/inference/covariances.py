"""Covariances of statistics, or their products with vectors, from the second derivative of Z.

With statistics ``f_a`` centred on their means and weights that sum to 1, the derivative of the
gradient of Z along ``sum_b v_b f_b`` is their covariance with that sum, and nothing is subtracted.
Many directions are the batch of one program.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.errors import ModelError, RangeError
from tnlearn.execution import compile
from tnlearn.inference.distribution import check_weights, subset_of
from tnlearn.inference.support import supported
from tnlearn.network import Index, Tensor, TensorNetwork

Floats = npt.NDArray[np.float64]
Scope = tuple[Index, ...]

#: Directions in one run.
TOGETHER = 64
#: The index along which they are.
DIRECTION = ("direction",)
NOTHING = "every state has probability zero: there are no fluctuations"


def covariances(
    statistics: Statistics, directions: npt.ArrayLike | None, options: dict[str, Any]
) -> Floats:
    """The covariance matrix of statistics, times directions if there are any."""
    n = statistics.count
    given = np.eye(n) if directions is None else np.asarray(directions, float)
    if given.ndim not in (1, 2) or given.shape[-1] != n:
        raise ModelError(f"directions need shape ({n},) or (k, {n}), got {given.shape}")
    if not np.isfinite(given).all():
        raise ModelError("a direction holds nan or inf")
    rows = np.atleast_2d(given)
    found = np.zeros(rows.shape)
    if statistics.groups and rows.size:
        response = Response(statistics, min(TOGETHER, len(rows)), options)
        for start in range(0, len(rows), TOGETHER):
            part = slice(start, start + TOGETHER)
            found[part] = response.to(rows[part])
    if directions is None:
        return (found + found.T) / 2  # Symmetric but for rounding.
    return found.reshape(given.shape)


@dataclass(frozen=True, eq=False)
class Group:
    """The statistics on some sites: their numbers, and their tables stacked."""

    numbers: list[int]
    tables: Floats


class Statistics:
    """Statistics by the sites that they are on, where hard zeros leave these a choice."""

    def __init__(self, network: TensorNetwork, terms: Sequence[tuple[Scope, Any]]) -> None:
        for name, tensor in zip(network.names, network, strict=True):
            check_weights(name, tensor)
        self.count = len(terms)
        self.support = supported(network)
        if self.support.empty:
            raise ModelError(NOTHING)
        numbers: dict[Scope, list[int]] = {}
        for number, (sites, _) in enumerate(terms):
            numbers.setdefault(sites, []).append(number)
        self.groups: dict[Scope, Group] = {}
        for sites, some in numbers.items():
            tables = [_fitting(network, sites, terms[k][1]) for k in some]
            self._add(sites, some, np.stack(tables))

    def _add(self, sites: Scope, numbers: list[int], tables: Floats) -> None:
        """Statistics of sites with no choice are constants, which have no covariance."""
        kept = self.support.kept
        left = tuple(site for site in sites if not self.support.is_fixed(site))
        if left:
            where = np.ix_(np.arange(len(tables)), *(kept[site] for site in sites))
            sizes = [len(kept[site]) for site in left]
            added = tables[where].reshape(-1, *sizes)
            before = self.groups.get(left, Group([], added[:0]))
            self.groups[left] = Group(
                before.numbers + numbers, np.concatenate([before.tables, added])
            )


class Response:
    """The program that answers directions."""

    def __init__(self, statistics: Statistics, batch: int, options: dict[str, Any]) -> None:
        network = statistics.support.network
        self._names = [f"model {k}" for k in range(len(network))]
        named = [replace(t, name=name) for t, name in zip(network, self._names, strict=True)]
        log_z, self._groups = self._centred(named, statistics.groups, options)
        self._model = [*named, Tensor(np.asarray(-log_z), (), "1 / Z", log=True)]
        probes = [
            Tensor(
                np.zeros((batch, *group.tables.shape[1:])),
                (DIRECTION, *sites),
                f"probe {k}",
                log=True,
            )
            for k, (sites, group) in enumerate(self._groups.items())
        ]
        self._program = compile(
            TensorNetwork([*self._model, *probes], (DIRECTION,)),
            batch=DIRECTION,
            constants=[*self._names, "1 / Z"],
            **options,
        )

    def _centred(
        self, named: list[Tensor], groups: Mapping[Scope, Group], options: dict[str, Any]
    ) -> tuple[float, dict[Scope, Group]]:
        """The logarithm of Z, and statistics less their means."""
        probes = [
            Tensor(np.zeros(group.tables.shape[1:]), sites, f"probe {k}", log=True)
            for k, (sites, group) in enumerate(groups.items())
        ]
        network = TensorNetwork([*named, *probes])
        program = compile(network, constants=self._names, **options)
        try:
            value, packed = program.log_value_and_gradient([t.data for t in network])
        except RangeError:
            raise ModelError(NOTHING) from None
        gradient = dict(zip(network.names, program.unpack(packed, log=True), strict=True))
        centred = {}
        for k, (sites, group) in enumerate(groups.items()):
            p = np.exp(np.asarray(program.backend.log_to_host(gradient[f"probe {k}"]).log, float))
            means = np.tensordot(group.tables, p / p.sum(), p.ndim)
            centred[sites] = Group(group.numbers, group.tables - means.reshape(-1, *[1] * p.ndim))
        return float(value.log), centred

    def to(self, rows: Floats) -> Floats:
        """The covariance of every statistic with each sum of statistics, shape (k, n)."""
        count = len(rows)
        model = [tensor.data for tensor in self._model]
        moves = [
            np.tensordot(rows[:, group.numbers], group.tables, 1) for group in self._groups.values()
        ]
        arrays = [*model, *(np.zeros(move.shape) for move in moves)]
        _, product = self._program.hvp(arrays, [*model, *moves], np.ones(count))
        found = np.zeros(rows.shape)
        answers = self._program.unpack(product)[len(model) :]
        on_host = self._program.backend.to_host
        for group, answer in zip(self._groups.values(), answers, strict=True):
            axes = list(range(1, group.tables.ndim))
            covariances = np.tensordot(on_host(answer), group.tables, (axes, axes))
            found[:, group.numbers] += covariances
        return found


def _fitting(network: TensorNetwork, sites: Scope, table: Any) -> Floats:
    sizes = tuple(network.sizes[site] for site in subset_of(sites, network)) if sites else ()
    given = np.asarray(table, float)
    if given.shape != sizes:
        raise ModelError(
            f"the table over {sites!r} has shape {given.shape}; the sites have {sizes} values"
        )
    if not np.isfinite(given).all():
        raise ModelError(f"the table over {sites!r} holds nan or inf")
    return given
