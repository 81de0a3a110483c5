"""States that hard zeros allow: positions decided at random, what follows from them, and back."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tnlearn.compiling import kernel
from tnlearn.inference.counting.clauses import clauses_of
from tnlearn.inference.counting.formula import formula_of
from tnlearn.inference.counting.propagation import assume, forget, propagate
from tnlearn.inference.counting.search import begin
from tnlearn.inference.counting.state import LEVEL, TOP, WAYS, state_of
from tnlearn.network import Tensor, TensorNetwork

#: Conflicts after which a search begins afresh, and how often it does.
CONFLICTS, ATTEMPTS = 2000, 20


def allowed_states(
    network: TensorNetwork, count: int, generator: np.random.Generator
) -> npt.NDArray[np.int8] | None:
    """Positions of all indices, in the order of ``network.sizes``, shape (count, indices).

    None where no tensor forbids anything, or the search found nothing: it decides indices in a
    random order and at random, and turns back where that contradicts itself (Davis, Logemann,
    Loveland 1962, Commun. ACM 5, 394). The states are not drawn from any distribution.
    """
    rules = [_allows(tensor) for tensor in network]
    if all(rule.all() for rule in rules):
        return None
    pairs = zip(rules, network, strict=True)
    made = clauses_of(TensorNetwork(Tensor(rule, tensor.indices) for rule, tensor in pairs))
    if made.log_factor == -np.inf:
        return None
    variables = len(made.weights) // 2
    formula = formula_of(variables, made.clauses, made.weights)
    state = state_of(formula, made.clauses, WAYS)
    if not begin(formula, state):
        return None
    found = []
    for _ in range(ATTEMPTS * count):
        order = generator.permutation(variables)
        sides = generator.integers(0, 2, variables)
        if _complete(formula, state, 2 * order + sides, CONFLICTS):
            found.append(state.values[1::2] > 0)
        forget(state, _given(state))
        if len(found) == count:
            break
    if not found:
        return None
    chosen = np.array(found)[generator.permutation(count) % len(found)]
    return _positions(network, chosen)


def _allows(tensor: Tensor) -> npt.NDArray[np.float64]:
    data = np.asarray(tensor.data)
    return np.asarray(data != (-np.inf if tensor.log else 0.0), np.float64)


def _given(state) -> int:
    """The length of the trail before anything was decided."""
    return int(np.count_nonzero(state.levels[state.trail[: state.scalars[TOP]] >> 1] == 0))


def _positions(network: TensorNetwork, true: npt.NDArray[np.bool_]) -> npt.NDArray[np.int8]:
    """From variables, as `clauses_of` numbers them, to positions."""
    columns, at = [], 0
    for size in network.sizes.values():
        own = 1 if size == 2 else size
        held = true[:, at : at + own]
        columns.append(held[:, 0] if size == 2 else held.argmax(axis=1))
        at += own
    return np.stack(columns, axis=1).astype(np.int8)


@kernel
def _complete(formula, state, literals, conflicts):
    """Decide one literal after another until all are known; False if it was given up."""
    scalars = state.scalars
    tops = np.empty(len(literals) + 1, np.int64)
    places = np.empty(len(literals) + 1, np.int64)
    turned = np.zeros(len(literals) + 1, np.int64)
    depth, place = 0, 0
    while True:
        while place < len(literals) and state.values[literals[place]] != 0:
            place += 1
        if place == len(literals):
            scalars[LEVEL] = 0
            return True
        depth += 1
        tops[depth], places[depth], turned[depth] = scalars[TOP], place, 0
        scalars[LEVEL] = depth
        assume(state, literals[place], -1, depth)
        while propagate(formula, state) >= 0:
            conflicts -= 1
            while depth > 0 and turned[depth] == 1:
                depth -= 1
            if depth == 0 or conflicts < 0:
                scalars[LEVEL] = 0
                return False
            forget(state, tops[depth])
            place = places[depth]
            turned[depth] = 1
            scalars[LEVEL] = depth
            assume(state, literals[place] ^ 1, -1, depth)
