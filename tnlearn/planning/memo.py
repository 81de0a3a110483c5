"""Plans that this process made before."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from tnlearn.planning.fitting import Fitted
from tnlearn.planning.key import Key

#: How many are kept, and how many steps they have together.
MOST_PLANS, MOST_STEPS = 512, 200_000


class Memo:
    """The orders found last, in memory. Safe between threads."""

    def __init__(self) -> None:
        self.found: OrderedDict[Key, tuple[Fitted, str]] = OrderedDict()
        self.steps = 0
        self.lock = Lock()

    def get(self, key: Key) -> tuple[Fitted, str] | None:
        """The order that was found for a key, and how."""
        with self.lock:
            found = self.found.get(key)
            if found is not None:
                self.found.move_to_end(key)
            return found

    def put(self, key: Key, fitted: Fitted, order: str) -> None:
        """Keep an order; those that were asked for longest ago make room."""
        with self.lock:
            if key in self.found or len(fitted.path) > MOST_STEPS:
                return
            self.found[key] = fitted, order
            self.steps += len(fitted.path)
            while len(self.found) > MOST_PLANS or (self.steps > MOST_STEPS and len(self.found) > 1):
                _, (oldest, _) = self.found.popitem(last=False)
                self.steps -= len(oldest.path)

    def clear(self) -> None:
        """Forget all."""
        with self.lock:
            self.found.clear()
            self.steps = 0
