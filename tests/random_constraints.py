"""Random networks of 0/1 tensors: constraint problems, many without a solution.

The value of such a network is its number of solutions. They are where a logarithm of zero, or a
difference of two of them, would turn up as nan.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Any

import numpy as np

import tnlearn as tnl

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Constraints:
    """Tensors of zeros and ones over variables of two or three values.

    Attributes
    ----------
    scopes : tuple of str
        The variables of every tensor.
    arrays : tuple of arrays
        Where 1 stands, a combination is allowed.
    sizes : dict from str to int
        Values of every variable.
    output : str
        Variables that are left open.
    """

    scopes: tuple[str, ...]
    arrays: tuple[Array, ...]
    sizes: dict[str, int]
    output: str

    def network(self, *, log: bool = False) -> tnl.TensorNetwork:
        """As a network of the entries, or of their logarithms."""
        with np.errstate(divide="ignore"):
            arrays = [np.log(array) if log else array for array in self.arrays]
        pairs = zip(arrays, self.scopes, strict=True)
        return tnl.TensorNetwork([tnl.Tensor(a, s, log=log) for a, s in pairs], self.output)

    def table(self) -> Array:
        """Which joint values are allowed: an axis per variable, in the order of `sizes`."""
        table = np.ones(list(self.sizes.values()))
        names = list(self.sizes)
        for array, scope in zip(self.arrays, self.scopes, strict=True):
            axes = [names.index(variable) for variable in scope]
            order = np.argsort(axes)
            shape = [self.sizes[name] if name in scope else 1 for name in names]
            table = table * array.transpose(order).reshape(shape)
        return table

    def solutions(self) -> Array:
        """The number of solutions for every position of the output, in int64."""
        names = list(self.sizes)
        gone = tuple(k for k, name in enumerate(names) if name not in self.output)
        kept = [name for name in names if name in self.output]
        order = [kept.index(name) for name in self.output]
        return np.asarray(self.table().sum(axis=gone).transpose(order).astype(np.int64))


def random_constraints(seed: int) -> Constraints:
    """The problem of one seed: 2 to 9 variables, 2 to 14 tensors of 1 to 3 of them."""
    random = Random(seed)
    names = "abcdefghi"[: random.randint(2, 9)]
    sizes = {name: random.choice((2, 2, 3)) for name in names}
    density = random.choice((0.3, 0.5, 0.7, 0.9))
    scopes, arrays = [], []
    for _ in range(random.randint(2, 14)):
        scope = "".join(random.sample(names, min(len(names), random.randint(1, 3))))
        shape = [sizes[name] for name in scope]
        entries = [float(random.random() < density) for _ in range(int(np.prod(shape)))]
        scopes.append(scope)
        arrays.append(np.reshape(entries, shape))
    used = [name for name in names if any(name in scope for scope in scopes)]
    output = "".join(random.sample(used, random.choice((0, 0, 0, 1, 2)) % (len(used) + 1)))
    kept = {name: sizes[name] for name in used}
    return Constraints(tuple(scopes), tuple(arrays), kept, output)


def sliced_plan(network: tnl.TensorNetwork, seed: int) -> tnl.Plan:
    """A plan for the network with one or two of its indices sliced."""
    random = Random(seed)
    numbers = range(len(network.sizes))
    count = min(len(numbers), random.randint(1, 2))
    return replace(tnl.plan(network), sliced=tuple(random.sample(numbers, count)))


def complaints(seed: int) -> list[str]:
    """What is wrong with the answers to the problem of one seed; nothing should be.

    Asked are, in slices: the number of solutions, its logarithm, the gradients of both, and in
    other algebras the best total and its number. Odd seeds give entries by their logarithms.
    """
    problem = random_constraints(seed)
    exact = problem.solutions()
    wrong: list[str] = []

    def compare(name: str, got: Any, wanted: Any) -> None:
        got = np.asarray(got)
        if np.isnan(got).any():
            wrong.append(f"seed {seed}: {name} is nan")
        elif not np.allclose(got, wanted, rtol=1e-12, atol=0):
            wrong.append(f"seed {seed}: {name} is {got}, not {wanted}")

    log = seed % 2 == 1
    network = problem.network(log=log)
    plan = sliced_plan(network, seed)
    program = tnl.compile(network, plan=plan)
    x = program.pack([tensor.data for tensor in network])
    with np.errstate(divide="ignore"):
        compare("the logarithm", program.log(x).log, np.log(exact))
    value, gradient = program.value_and_gradient(x, np.ones(exact.shape))
    compare("the value", value, exact)
    for k, array in enumerate(program.unpack(gradient)):
        # Every solution lies in one entry of a tensor: entries times derivatives add up to all.
        entries = 1 if log else problem.arrays[k]
        compare(f"the gradient of {k}", np.sum(entries * array), exact.sum())
    if exact.all():
        _, gradient = program.log_value_and_gradient(x, np.ones(exact.shape))
        for k, part in enumerate(program.unpack(gradient, log=True)):
            entries = 1 if log else problem.arrays[k]
            total = np.sum(entries * part.phase * np.exp(part.log))
            compare(f"the gradient of the logarithm by {k}", total, exact.size)
    network = problem.network(log=True)
    best = np.where(exact > 0, 0.0, -np.inf)
    compare("max-plus", tnl.contract(network, algebra="max-plus", plan=plan), best)
    pairs = tnl.contract(network, algebra="max-count", plan=plan)
    compare("max-count", pairs, np.stack([best, exact], -1))
    return wrong
