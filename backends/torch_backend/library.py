"""PyTorch as an array library."""

from __future__ import annotations

from typing import Any

import array_api_compat.torch as xp
import numpy as np
import numpy.typing as npt
import torch

from tnlearn_backends.array_backend.library import Library


def _from_host(array: npt.NDArray[Any], device: Any) -> torch.Tensor:
    # PyTorch knows neither arrays that run backwards nor ones that are not to be written to.
    return torch.from_numpy(np.array(array, order="C")).to(device)


def _to_host(array: torch.Tensor) -> npt.NDArray[Any]:
    return np.asarray(array.detach().cpu().resolve_conj().numpy())


#: Products are in full precision unless PyTorch was told otherwise (`torch.backends`).
TORCH = Library(
    name="torch",
    xp=xp,
    kind=torch.Tensor,
    matmul=torch.matmul,
    device=torch.get_default_device,
    from_host=_from_host,
    to_host=_to_host,
    host=torch.device("cpu"),
)
