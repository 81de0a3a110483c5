"""PyTorch as an array library."""

from __future__ import annotations

from functools import cache
from typing import Any

import array_api_compat.torch as xp
import numpy as np
import numpy.typing as npt
import torch

from tnlearn_backends.array_backend.library import Library, Recorder
from tnlearn_backends.torch_backend.recording import can_record, mark, record


def _from_host(array: npt.NDArray[Any], device: Any) -> torch.Tensor:
    # PyTorch knows neither arrays that run backwards nor ones that are not to be written to.
    return torch.from_numpy(np.array(array, order="C")).to(device)


def _to_host(array: torch.Tensor) -> npt.NDArray[Any]:
    return np.asarray(array.detach().cpu().resolve_conj().numpy())


@cache
def _recorder() -> Recorder:
    return Recorder(TORCH, record, mark)


#: Products are in full precision unless PyTorch was told otherwise (`torch.backends`).
TORCH: Library = Library(
    name="torch",
    xp=xp,
    kind=torch.Tensor,
    matmul=torch.matmul,
    device=torch.get_default_device,
    from_host=_from_host,
    to_host=_to_host,
    host=torch.device("cpu"),
    recorder=lambda device: _recorder() if can_record(device) else None,
)
