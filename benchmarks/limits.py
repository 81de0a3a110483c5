"""What a run and those who take part in it may take."""

from __future__ import annotations

from dataclasses import dataclass, field

from tnlearn.planning.memory import as_bytes


@dataclass(frozen=True)
class Limits:
    """Seconds and bytes.

    Attributes
    ----------
    measurement : float
        Seconds for the samples of one contender; all take turns until the sum is spent.
    preparing : float
        Seconds of processor time to compile, pack and run once; who needs more is left out.
    run : float
        Seconds for one run; who needs more is left out.
    planning : float
        Seconds for a peer's own search of an order.
    memory : int
        Bytes that the process of a contender may hold; who needs more is left out.
    rounds : tuple of (int, int)
        Least and most turns.
    """

    measurement: float = 2.0
    preparing: float = 120.0
    run: float = 20.0
    planning: float = 10.0
    memory: int = field(default_factory=lambda: as_bytes(None))
    rounds: tuple[int, int] = (5, 200)
