"""Arrays in a backend's own form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tnlearn.backend import Scaled


@dataclass(frozen=True, eq=False)
class Packed:
    """Arrays, one per tensor of a network, in a backend's own form.

    Attributes
    ----------
    tensors : sequence
        None stands for the gradient of a constant.
    batch : int or None
        Size of the batch index, for programs that have one.
    """

    tensors: Sequence[Scaled | None]
    batch: int | None
