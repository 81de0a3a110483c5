"""Recordings on a CUDA device by PyTorch's graphs, as its notes on CUDA semantics ask for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import array_api_compat.torch as xp
import torch

from tnlearn_backends.array_backend.feeding import Feed
from tnlearn_backends.array_backend.library import Function, Replay

#: PyTorch records one graph at a time.
_ALONE = threading.Lock()


def can_record(device: torch.device) -> bool:
    """Whether a device has graphs; not while somebody else is recording what we start."""
    return device.type == "cuda" and not torch.cuda.is_current_stream_capturing()


def record(function: Function, arrays: list[torch.Tensor]) -> tuple[list[torch.Tensor], Replay]:
    """See `Recorder.record`."""
    device = arrays[0].device
    # Copies are written to in later calls, which tensors of inference mode would not allow.
    with _ALONE, torch.inference_mode(False), torch.no_grad(), torch.cuda.device(device):
        here, side = torch.cuda.current_stream(), torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(here)
        graph = torch.cuda.CUDAGraph()
        # What goes wrong within leaves the caller's stream the current one, too.
        with torch.cuda.stream(side):
            feed = Feed(xp, arrays)
            function(feed.arrays)  # Libraries are loaded by a run that is not recorded.
            # Other threads may go on allocating memory meanwhile.
            with torch.cuda.graph(graph, stream=side, capture_error_mode="thread_local"):
                results = function(feed.arrays)
        here.wait_stream(side)

    def replay(others: list[torch.Tensor]) -> None:
        with torch.inference_mode(False), torch.no_grad(), torch.cuda.device(device):
            feed.fill(others)
            graph.replay()

    return results, replay


def mark(device: Any) -> Callable[[], None]:
    """See `Recorder.mark`."""
    event = torch.cuda.current_stream(device).record_event()
    return lambda: torch.cuda.current_stream(device).wait_event(event)
