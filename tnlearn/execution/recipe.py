"""All it takes to compile a program, as plain data, so that any process can compile it again."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from tnlearn.backend import SUM_PRODUCT, Algebra, Backend, Executable, Input, Instructions
from tnlearn.execution.curvature import lower_curvature
from tnlearn.execution.lowering import lower
from tnlearn.planning import Cost, Plan, Structure


@dataclass(frozen=True, eq=False)
class Recipe:
    """A plan, and what the instructions need besides.

    Attributes
    ----------
    plan : Plan
        The order and the slices.
    inputs : tuple of Input
        What the backend must know of each input.
    batch : int or None
        The index whose size is free.
    sharing : sequence of hashable
        One key per input: the gradients of equal keys are summed.
    constants : frozenset of int
        Inputs whose gradient is not wanted.
    backend : str
        The name of the backend that compiles it.
    second : bool
        The derivative along a direction takes the place of the value.
    algebra : Algebra
        What the program adds and multiplies with.
    """

    plan: Plan
    inputs: tuple[Input, ...]
    batch: int | None
    sharing: Sequence[Hashable]
    constants: frozenset[int]
    backend: str
    second: bool = False
    algebra: Algebra = SUM_PRODUCT

    @property
    def dtype(self) -> str:
        """Of the numbers it computes with."""
        return self.plan.dtype if self.algebra == SUM_PRODUCT else "float64"

    @property
    def peak_bytes(self) -> int:
        """What a run takes; the plan counts one number of its own dtype per entry."""
        return self.plan.cost.peak_bytes * widening(self.algebra, self.plan.dtype)

    def lower(self, with_gradient: bool) -> Instructions:
        """The instructions, with the reverse sweep or without."""
        plan = self.plan
        # With slices summed after them: the same entry may be in different slices of two inputs.
        sharing = range(len(self.inputs)) if plan.sliced else self.sharing
        given = (plan.structure, plan.sliced, plan.pairs, self.inputs, self.batch)
        if not self.second:
            return lower(*given, sharing if with_gradient else None, self.constants)
        whole = lower_curvature(*given, sharing, self.constants)
        nothing = (None,) * len(whole.inputs)
        return whole if with_gradient else replace(whole, backward=(), gradients=nothing)

    @cached_property
    def text(self) -> str:
        """The recipe of a sliced program as JSON; which inputs share a parameter is left out.

        Gradients of slices are not summed over those that share one, see `lower`.
        """
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        del fields["sharing"]
        fields["plan"] = dataclasses.asdict(self.plan)
        fields["constants"] = sorted(self.constants)
        fields["algebra"] = dataclasses.asdict(self.algebra)
        return json.dumps(fields)


def from_text(text: str) -> Recipe:
    """The recipe that wrote `text`; what it says was checked when the plan was made."""
    given = {name: _as_tuples(value) for name, value in json.loads(text).items()}
    plan = {name: _as_tuples(value) for name, value in given.pop("plan").items()}
    structure = Structure(**{k: _as_tuples(v) for k, v in plan.pop("structure").items()})
    inputs = tuple(Input(*fields) for fields in given.pop("inputs"))
    return Recipe(
        plan=Plan(structure=structure, cost=Cost(**plan.pop("cost")), **plan),
        inputs=inputs,
        sharing=range(len(inputs)),
        constants=frozenset(given.pop("constants")),
        algebra=Algebra(**given.pop("algebra")),
        **given,
    )


def widening(algebra: Algebra, dtype: str) -> int:
    """How many times as large entries are as one number of a dtype."""
    if algebra == SUM_PRODUCT:
        return 1
    return math.prod(algebra.parts) * (2 if dtype == "float32" else 1)


def _as_tuples(given: Any) -> Any:
    return tuple(map(_as_tuples, given)) if isinstance(given, list) else given


class Compiled:
    """A recipe compiled by its backend: for the value, and when first needed for the gradient."""

    def __init__(self, recipe: Recipe, backend: Backend) -> None:
        self.recipe = recipe
        self._backend = backend
        self.instructions = recipe.lower(with_gradient=False)
        self.value: Executable = self._compile(self.instructions)

    @cached_property
    def with_gradient(self) -> Executable:
        """The value and the gradient; its reverse sweep has twice the steps of the value alone."""
        return self._compile(self.recipe.lower(with_gradient=True))

    def _compile(self, instructions: Instructions) -> Executable:
        recipe = self.recipe
        return self._backend.compile(instructions, recipe.dtype, recipe.algebra)
