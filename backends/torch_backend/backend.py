"""The backend of PyTorch, which is slow to import and is so only when a program is compiled."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from tnlearn.backend import Machine
from tnlearn_backends.array_backend.backend import ArrayBackend
from tnlearn_backends.array_backend.library import Library
from tnlearn_backends.array_backend.machines import CARD

#: Of products of float32 where somebody asked for it: ten bits of a mantissa.
TF32 = "in TF32 on a device, with relative errors of 5e-4"
#: Shipped, so that everyone gets the same plans. A step is a few calls of some microseconds each.
PROCESSOR = Machine(
    "one x86-64 core", flops=5e10, bandwidth=1e10, latency=1e-5, small_flops=4e9, grouped=True
)


class TorchBackend(ArrayBackend):
    """PyTorch; see `tnlearn.backend.Backend` for the laws.

    Tensors are computed with where they are. Arrays of the host go where tensors beside them are,
    else to PyTorch's default device (`torch.set_default_device`). Gradients are the engine's own:
    autograd sees nothing of it.

    Raises
    ------
    ImportError
        If PyTorch is not installed.
    """

    name = "torch"
    shipped = PROCESSOR

    def __init__(self) -> None:
        if find_spec("torch") is None:
            raise ImportError("No module named 'torch'; pip install 'tnlearn-engine[torch]'")

    @property
    def library(self) -> Library:
        """PyTorch."""
        from tnlearn_backends.torch_backend.library import TORCH

        return TORCH

    def free_bytes(self) -> int | None:
        """What the default device has free, and what PyTorch holds there for nobody."""
        torch = sys.modules.get("torch")
        if torch is None or (device := torch.get_default_device()).type != "cuda":
            return None
        held = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + int(held)

    @property
    def machine(self) -> Machine:
        """The machine model of the default device."""
        torch = sys.modules.get("torch")  # Nobody chose a device where it is not imported yet.
        on_host = torch is None or torch.get_default_device().type == "cpu"
        return PROCESSOR if on_host else CARD

    @property
    def versions(self) -> Mapping[str, str]:
        """The libraries behind the backend and their versions."""
        found, torch = {"torch": version("torch")}, sys.modules.get("torch")
        if torch is not None and _rounds(torch):
            found["float32 products"] = TF32
        return found

    def asarray(self, data: Any, dtype: str) -> Any:
        """`data` as a tensor, without its history."""
        found = super().asarray(data, dtype)
        return found.detach() if found.requires_grad else found


def _rounds(torch: Any) -> bool:
    """Whether somebody allowed TF32."""
    matmul = torch.backends.cuda.matmul
    try:
        return bool(matmul.fp32_precision == "tf32")
    except AttributeError:  # Before PyTorch 2.9. From then on the old name may raise.
        return bool(matmul.allow_tf32)
