"""Machine models that backends of array libraries ship, so that everyone gets the same plans."""

from __future__ import annotations

from tnlearn.backend import Machine

#: A common graphics card. A step is a few launches.
CARD = Machine(
    "an NVIDIA A100",
    flops=9.7e12,
    bandwidth=1.2e12,
    latency=5e-5,
    small_flops=1e12,
    transfer=1.2e10,
    memory=4e10,
    grouped=True,
)
