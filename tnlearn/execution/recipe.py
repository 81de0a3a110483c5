"""All it takes to compile a program, as plain data, so that any process can compile it again."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

from tnlearn.backend import SUM_PRODUCT, Algebra, Backend, Executable, Input, Instructions
from tnlearn.execution.curvature import lower_curvature
from tnlearn.execution.lowering import lower
from tnlearn.execution.recomputing import sweep_of, within_limit
from tnlearn.planning import Cost, Plan, Structure, fit_sweep, fits_for_sure, judge_of


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
        """The instructions, with the reverse sweep or without, that keep the memory limit.

        Raises
        ------
        MemoryLimitError
            If they do not, with the slices of this plan.
        """
        written = self._written(with_gradient, bool(self.plan.sliced))
        if not (with_gradient or self.second):
            return written  # As it was planned.
        return within_limit(written, self.plan)

    def for_gradient(self) -> Recipe:
        """The same in slices enough for the reverse sweep to keep the memory limit.

        Raises
        ------
        MemoryLimitError
            If no number of slices does.
        """
        written, plan = self._written(True, bool(self.plan.sliced)), self.plan
        if fits_for_sure(judge_of(plan), sweep_of(written), plan.sliced, plan.memory_limit):
            return self
        return replace(self, plan=self.gradient_plan())

    def gradient_plan(self) -> Plan:
        """The plan of the two sweeps together; raises as `for_gradient`."""
        plan = self.plan
        sweeps = cache(lambda sliced: sweep_of(self._written(True, sliced)))
        judge = judge_of(plan, self.batch)
        found = fit_sweep(judge, sweeps, plan.pairs, plan.sliced, plan.memory_limit)
        fitted = replace(plan, sliced=found.sliced, cost=found.cost)
        vars(fitted)["pairs"] = plan.pairs
        return fitted

    def _written(self, with_gradient: bool, sliced: bool) -> Instructions:
        """The instructions as the plan says, for one slice of a sliced plan or for all of it."""
        plan = self.plan
        # With slices summed after them: the same entry may be in different slices of two inputs.
        sharing = range(len(self.inputs)) if sliced else self.sharing
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
    """A recipe compiled by its backend: for the value and for the gradient, when first needed."""

    def __init__(self, recipe: Recipe, backend: Backend) -> None:
        self.recipe = recipe
        self._backend = backend

    @cached_property
    def instructions(self) -> Instructions:
        """Those of the value."""
        return self.recipe.lower(with_gradient=False)

    @cached_property
    def value(self) -> Executable:
        """The value alone."""
        return self.compile(self.instructions)

    @cached_property
    def with_gradient(self) -> Executable:
        """The value and the gradient; its reverse sweep has twice the steps of the value alone."""
        return self.compile(self.recipe.lower(with_gradient=True))

    @cached_property
    def reverse(self) -> Compiled:
        """The same with slices enough for the gradient; itself where none are missing."""
        recipe = self.recipe.for_gradient()
        return self if recipe.plan.sliced == self.recipe.plan.sliced else self.of(recipe)

    def of(self, recipe: Recipe) -> Compiled:
        """Another recipe for the same backend."""
        return Compiled(recipe, self._backend)

    def compile(self, instructions: Instructions) -> Executable:
        """Instructions compiled for the precision and algebra of the recipe."""
        recipe = self.recipe
        return self._backend.compile(instructions, recipe.dtype, recipe.algebra)
