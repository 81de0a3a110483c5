"""Steps shared among threads: parts of a step are claimed one by one, by whoever is free.

The thread that runs the tape writes a ticket, a row and the number of its next part, takes parts
itself until there are none left, and waits until those that others took are done. Helpers that
come late find what is left, or nothing. Every entry of a target is computed within one part and
in the same way, so that results do not depend on the number of threads.
"""

from __future__ import annotations

from numba import int64, njit

from tnlearn_backends.numpy_backend.native.columns import (
    CREW_AT,
    FINISHED,
    PARTS,
    TAPE,
    TICKET,
    WIDTH,
)
from tnlearn_backends.numpy_backend.native.intrinsics import moved, peek, pointer_at
from tnlearn_backends.numpy_backend.native.memory import memory_of, width_of
from tnlearn_backends.numpy_backend.native.products import run_part
from tnlearn_backends.numpy_backend.native.waiting import fetch, fetch_add, pause, publish

#: Bits of a ticket that count parts; the row, counted from 1, is above them.
PART_BITS = 24
MASK = (1 << PART_BITS) - 1


@njit(nogil=True)
def share(row, step, memory, width):
    """Run a step together with whoever helps."""
    crew, parts = memory.crew, peek(step, PARTS)
    publish(crew, FINISHED, 0)
    publish(crew, TICKET, (row + 1) << PART_BITS)
    part = fetch_add(crew, TICKET, 1) & MASK
    while part < parts:
        run_part(step, memory, width, part)
        fetch_add(crew, FINISHED, 1)
        part = fetch_add(crew, TICKET, 1) & MASK
    while fetch(crew, FINISHED) < parts:
        pause(crew)


@njit(nogil=True)
def assist(header, kind, real):
    """Take parts of steps until the ticket is negative."""
    crew = pointer_at(peek(header, CREW_AT), int64)
    rows = pointer_at(peek(header, TAPE), int64)
    memory = memory_of(header, kind, real)
    width = width_of(memory)
    ticket = fetch(crew, TICKET)
    while ticket >= 0:
        row, part = ticket >> PART_BITS, ticket & MASK
        if row == 0 or part >= peek(moved(rows, WIDTH * (row - 1)), PARTS):
            pause(crew)
        else:
            # It may be another row's by now, or none's.
            ticket = fetch_add(crew, TICKET, 1)
            row, part = ticket >> PART_BITS, ticket & MASK
            step = moved(rows, WIDTH * (row - 1))
            if ticket >= 0 and part < peek(step, PARTS):
                run_part(step, memory, width, part)
                fetch_add(crew, FINISHED, 1)
        ticket = fetch(crew, TICKET)
    return 0
