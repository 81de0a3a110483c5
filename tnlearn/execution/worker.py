"""What runs in a worker process: it is sent programs and arrays once, and chunks many times."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import uuid4

import numpy.typing as npt

from tnlearn.backend import get_backend, one_thread
from tnlearn.errors import MemoryLimitError
from tnlearn.execution.blas import one_blas_thread
from tnlearn.execution.crew import Reply, Tensors
from tnlearn.execution.recipe import Compiled, from_text
from tnlearn.planning.memory import available_bytes
from tnlearn.planning.plan import readable_bytes

Array = npt.NDArray[Any]
#: Tensors on their way between processes: what JSON can hold, and plain arrays.
Sent = tuple[Any, list[Array]]

#: Loads that a worker keeps for the next call: so many, and beyond the last so many bytes.
KEPT, KEPT_BYTES = 4, 2**28
#: What a forked worker shares with its parent; the number of the process tells them apart.
ORIGIN = uuid4().hex


class Load(NamedTuple):
    """A recipe as JSON, and the packed inputs: what a worker is sent once."""

    recipe: str
    header: Any
    arrays: list[Array]


class Task(NamedTuple):
    """One chunk of slices.

    Attributes
    ----------
    name : str
        Different for every task.
    key : str
        Of the load it needs.
    slices : range
        The chunk.
    cotangent : Sent or None
        For the gradient; None for the value.
    load : Load or None
        Given to a worker that said it lacks it.
    """

    name: str
    key: str
    slices: range
    cotangent: Sent | None
    load: Load | None


class _Kept(NamedTuple):
    """A load unpacked."""

    compiled: Compiled
    inputs: Tensors
    size: int


_kept: dict[str, _Kept] = {}


def run_task(task: Task) -> Reply:
    """The value or gradient summed over a chunk, unless this process lacks what it needs."""
    found = _kept.get(task.key)
    if found is None:
        if task.load is None:
            return Reply(_name(), None)
        found = _unpacked(task.load)
        _keep(task.key, found)
    with one_blas_thread(), one_thread():
        return Reply(_name(), _computed(found, task))


def _name() -> str:
    return f"{ORIGIN}-{os.getpid()}"


def _computed(found: _Kept, task: Task) -> Sent:
    compiled, inputs, _ = found
    if task.cotangent is None:
        return compiled.value.send([compiled.value.run(inputs, task.slices)])
    executable = compiled.with_gradient
    (cotangent,) = executable.receive(*task.cotangent)
    return executable.send(executable.gradient(inputs, cotangent, task.slices))


def _unpacked(load: Load) -> _Kept:
    compiled = _compiled(load.recipe)
    need, free = compiled.recipe.peak_bytes, available_bytes(compiled.recipe.backend)
    if need > free:
        raise MemoryLimitError(
            f"the plan takes {readable_bytes(need)} in each worker, but one has "
            f"{readable_bytes(free)} free: use fewer workers, or a smaller memory_limit"
        )
    size = sum(array.nbytes for array in load.arrays)
    return _Kept(compiled, compiled.value.receive(load.header, load.arrays), size)


@lru_cache(maxsize=8)
def _compiled(text: str) -> Compiled:
    recipe = from_text(text)
    return Compiled(recipe, get_backend(recipe.backend))


def _keep(key: str, found: _Kept) -> None:
    """Keep a load in place of those that came first."""
    _kept[key] = found
    for old in list(_kept):
        others = sum(kept.size for name, kept in list(_kept.items()) if name != key)
        if old != key and (len(_kept) > KEPT or others > KEPT_BYTES):
            _kept.pop(old, None)
