"""Which runs of a program are recorded: those of a kind that comes again.

Two runs are of one kind if they start the same on a device: schedule, shapes, and exponents that
the host knows. A kind's recordings have one place for inputs and results, so one run at a time uses
them; others that come meanwhile run as if there were none.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

from tnlearn_backends.array_backend.library import Library, Recorder
from tnlearn_backends.array_backend.namespaces import device_of
from tnlearn_backends.array_backend.operations import State
from tnlearn_backends.array_backend.recording import Recording, given, pays, recorded
from tnlearn_backends.array_backend.scaled import Scaled, batch_of
from tnlearn_backends.array_backend.steps import Layout
from tnlearn_backends.array_backend.sweeps import Sweep

#: Runs of a kind before one of it is recorded, which takes as long as some hundred runs.
PLAIN_RUNS = 1
#: Kinds that a program remembers, and sweeps of a kind that are recorded: the forward one, and
#: reverse ones, of which there is one for the bounds of every cotangent.
KINDS, SWEEPS = 4, 3


class Kind:
    """Runs of one kind.

    Attributes
    ----------
    lock : Lock
        Held by the run that uses the recordings.
    used : bool
        Whether the run at hand has used one.
    failed : bool
        Whether a recording could not be made.
    """

    def __init__(self, recorder: Recorder, worth: Callable[[Sweep], bool], patience: int) -> None:
        self.lock, self.used, self.failed = threading.Lock(), False, False
        self._settle: Callable[[], None] | None = None
        self._recorder, self._worth, self._patience = recorder, worth, patience
        self._sweeps: dict[Hashable, tuple[Sweep, bool]] = {}
        self._runs: Counter[Hashable] = Counter()
        self._recordings: dict[Hashable, Recording | None] = {}

    @property
    def is_recorded(self) -> bool:
        """Whether anything was worth a recording."""
        return any(recording is not None for recording in self._recordings.values())

    def begin(self) -> None:
        """A run begins, after all that the last one has started."""
        if self._settle is not None:
            self._settle()
        self.used = False

    def end(self, device: object) -> None:
        """A run has started all that it will."""
        self._settle = self._recorder.mark(device) if self.used else self._settle

    def noted(self, key: Hashable) -> None:
        """A sweep was run that may be recorded the next time."""
        self._runs[key] += 1

    def sweep(
        self, key: Hashable, plain: Sweep, build: Callable[[Library, Sweep], Sweep]
    ) -> tuple[Sweep, bool]:
        """A sweep, and whether it is worth a recording.

        One that is has the functions that can be recorded from the first run on, as results are to
        have the same bits in all runs.
        """
        found = self._sweeps.get(key)
        if found is None:
            worth = self._worth(plain)
            found = (build(self._recorder.library, plain) if worth else plain, worth)
            self._sweeps[key] = found
        return found

    def play(
        self,
        key: Hashable,
        sweep: Sweep,
        state: State,
        fed: Sequence[int],
        slots: Sequence[int],
    ) -> State | None:
        """What a sweep leaves in some slots, by its recording; None if there is none.

        Parameters
        ----------
        key : hashable
            Of the sweep, among those that begin with tensors of this kind.
        sweep : Sweep
            One that is worth a recording.
        state : State
            What the sweep begins with.
        fed : sequence of int
            Slots with tensors that no recording has made.
        slots : sequence of int
            Of the results.
        """
        if key not in self._recordings and self._is_due(key):
            self._recordings[key] = None  # Nor is it tried again if it fails.
            self._recordings[key] = self._recorded(sweep, state, fed, slots)
        recording = self._recordings.get(key)
        if recording is None:
            return None
        self.used = True
        return recording.again(given(state, fed))

    def _is_due(self, key: Hashable) -> bool:
        return self._runs[key] >= self._patience and len(self._recordings) < SWEEPS

    def _recorded(
        self, sweep: Sweep, state: State, fed: Sequence[int], slots: Sequence[int]
    ) -> Recording | None:
        try:
            return recorded(self._recorder, sweep, state, fed, slots)
        except Exception:  # Whatever keeps a library from it, the sweep can be run as any other.
            self.failed = True
            return None


class Turn(NamedTuple):
    """A kind, for one run of it.

    Attributes
    ----------
    kind : Kind
    alone : bool
        Whether this run may use the recordings.
    """

    kind: Kind
    alone: bool


class Kinds:
    """The kinds of runs of a program, those that came last."""

    def __init__(self, library: Library, layout: Layout) -> None:
        self._library, self._layout = library, layout
        self._lock, self._patience = threading.Lock(), PLAIN_RUNS
        self._found: OrderedDict[Hashable, Kind] = OrderedDict()
        self._failed = False

    @contextmanager
    def lent(self, inputs: Sequence[Scaled], key: Hashable) -> Iterator[Turn | None]:
        """The kind of a run, by its inputs and schedule; None where nothing can be recorded."""
        kind = self._kind(inputs, key)
        if kind is None:
            yield None
            return
        if self._failed or not kind.lock.acquire(blocking=False):
            yield Turn(kind, False)
            return
        try:
            kind.begin()
            try:
                yield Turn(kind, True)
            finally:
                kind.end(device_of(inputs[0].mantissa))
                self._failed = self._failed or kind.failed
        finally:
            kind.lock.release()

    def _kind(self, inputs: Sequence[Scaled], key: Hashable) -> Kind | None:
        find = self._library.recorder
        if find is None or not inputs:
            return None
        device = device_of(inputs[0].mantissa)
        recorder = find(device)
        if recorder is None:
            return None
        batch = batch_of(inputs)
        powers = tuple(t.exponent if type(t.exponent) is int else None for t in inputs)
        whole = (key, str(device), batch, powers)
        with self._lock:
            kind = self._found.pop(whole, None)
            if kind is None:
                worth = partial(pays, layout=self._layout, batch=batch)
                kind = Kind(recorder, worth, self._patience)
            self._found[whole] = kind
            if len(self._found) > KINDS:
                _, last = self._found.popitem(last=False)
                # Where kinds change so often that recordings are in vain, ever fewer are made.
                self._patience *= 2 if last.is_recorded else 1
        return kind
