"""One run over the slices, as it is computed here, by threads beside us, or in other processes."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import uuid4

from tnlearn.backend import Scaled, one_thread
from tnlearn.execution.blas import one_blas_thread
from tnlearn.execution.crew import Reply, Submits, Tensors, Work
from tnlearn.execution.recipe import Compiled
from tnlearn.execution.worker import Load, Task, run_task


@dataclass(frozen=True, eq=False)
class Run:
    """What all chunks have in common.

    Attributes
    ----------
    compiled : Compiled
        The program.
    inputs : sequence of Scaled
        Packed for it.
    cotangent : Scaled or None
        That of the whole value, if the gradient is wanted and not the value.
    """

    compiled: Compiled
    inputs: Tensors
    cotangent: Scaled | None = None

    def here(self, chunk: range) -> Tensors:
        """The value, as the only tensor, or the gradients, summed over some slices."""
        with one_blas_thread():
            if self.cotangent is None:
                return [self.compiled.value.run(self.inputs, chunk)]
            return self.compiled.with_gradient.gradient(self.inputs, self.cotangent, chunk)


@dataclass(frozen=True, eq=False)
class Shared:
    """A run by threads of this process: all is there already."""

    run: Run

    def here(self, chunk: range) -> Tensors:
        """Compute a chunk in this thread."""
        return self.run.here(chunk)

    def submit(self, executor: Submits, chunk: range, serial: int, loaded: bool) -> Any:
        """Have a thread compute a chunk."""
        return executor.submit(self._alone, chunk)

    def _alone(self, chunk: range) -> Tensors:
        with one_thread():
            return self.run.here(chunk)

    def read(self, returned: Tensors) -> Reply:
        """What it returned, as it is."""
        return Reply("this process", returned)


@dataclass(frozen=True, eq=False)
class Shipped:
    """A run in other processes, on this machine or another."""

    run: Run

    @cached_property
    def _name(self) -> str:
        # Some executors (dask's) take equal tasks for one; these are to be run again if asked.
        return uuid4().hex

    @cached_property
    def _load(self) -> Load:
        header, arrays = self.run.compiled.value.send(self.run.inputs)
        return Load(self.run.compiled.recipe.text, header, arrays)

    @cached_property
    def _key(self) -> str:
        """A hash of all that a worker must have got, so that equal arrays are sent once."""
        load = self._load
        found = hashlib.blake2b(digest_size=16)
        form = [(array.dtype.str, array.shape) for array in load.arrays]
        found.update(json.dumps([load.recipe, load.header, form]).encode())
        for array in load.arrays:
            found.update(array.tobytes("A") if not array.flags.c_contiguous else array.data)
        return found.hexdigest()

    @cached_property
    def _cotangent(self) -> Any:
        cotangent = self.run.cotangent
        return None if cotangent is None else self.run.compiled.value.send([cotangent])

    def here(self, chunk: range) -> Tensors:
        """Compute a chunk in this thread."""
        return self.run.here(chunk)

    def submit(self, executor: Submits, chunk: range, serial: int, loaded: bool) -> Any:
        """Have some process compute a chunk."""
        name, load = f"{self._name}-{serial}", self._load if loaded else None
        return executor.submit(run_task, Task(name, self._key, chunk, self._cotangent, load))

    def read(self, returned: Reply) -> Reply:
        """The tensors that were sent back."""
        worker, sent = returned
        return Reply(worker, None if sent is None else self.run.compiled.value.receive(*sent))


def work_for(executor: Submits, run: Run) -> Work:
    """The run in the form that suits the executor."""
    return Shared(run) if isinstance(executor, ThreadPoolExecutor) else Shipped(run)
