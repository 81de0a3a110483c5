"""CUDA graphs of PyTorch without a device: operations are noted one by one, and done again.

Done again they read and write the very same memory, whatever it holds by then, as the kernels of a
graph do. Looking at numbers while they are noted, or bringing some, is an error, as it is on a
device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

#: What waits for the device, or copies from the host.
FORBIDDEN = ("_local_scalar_dense", "nonzero", "is_nonzero", "equal", "item", "lift_fresh")


class Noting(TorchDispatchMode):
    """Notes operations and what they gave."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[tuple[Any, Any, Any, Any]] = []

    def __torch_dispatch__(
        self, function: Any, _: Any, given: Any = (), options: Any = None
    ) -> Any:
        if function.overloadpacket.__name__ in FORBIDDEN:
            raise RuntimeError("operation not permitted when stream is capturing")
        result = function(*given, **(options or {}))
        self.done.append((function, given, options or {}, result))
        return result


class Graph:
    """In place of `torch.cuda.CUDAGraph`; the class counts graphs and replays."""

    made = replays = 0

    def __init__(self) -> None:
        self.noting = Noting()
        type(self).made += 1

    def replay(self) -> None:
        type(self).replays += 1
        for function, given, options, result in self.noting.done:
            places = {_storage(x) for x in tree_leaves((given, options)) if torch.is_tensor(x)}
            views = all(_storage(old) in places for old in tree_leaves(result))
            if views and not function._schema.is_mutable:
                continue  # The same memory, seen another way.
            again = function(*given, **options)
            for old, new in zip(tree_leaves(result), tree_leaves(again), strict=True):
                if _storage(old) != _storage(new):
                    old.copy_(new)


def _storage(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage()._cdata


class Stream:
    """A stream of the processor, on which all is done when it is started."""

    current: Stream

    def wait_stream(self, other: Stream) -> None:
        assert isinstance(other, Stream)

    def record_event(self) -> object:
        return self

    def wait_event(self, event: object) -> None:
        assert isinstance(event, Stream)


Stream.current = Stream()


@contextmanager
def on_stream(stream: Stream) -> Iterator[None]:
    before, Stream.current = Stream.current, stream
    try:
        yield
    finally:
        Stream.current = before


@contextmanager
def capturing(graph: Graph, stream: Stream, capture_error_mode: str) -> Iterator[None]:
    """In place of `torch.cuda.graph`, which leaves its stream only where all went well."""
    assert capture_error_mode == "thread_local"
    before, Stream.current = Stream.current, stream
    with graph.noting:
        yield
    Stream.current = before


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let PyTorch record on the processor."""
    device: Callable[[Any], Any] = lambda device: nullcontext()  # noqa: E731
    current: Callable[..., Stream] = lambda device=None: Stream.current  # noqa: E731
    fakes = {"CUDAGraph": Graph, "Stream": Stream, "stream": on_stream, "graph": capturing}
    for name, fake in {**fakes, "device": device, "current_stream": current}.items():
        monkeypatch.setattr(torch.cuda, name, fake)
    monkeypatch.setattr("tnlearn_backends.torch_backend.library.can_record", lambda device: True)
    monkeypatch.setattr(Graph, "made", 0)
    monkeypatch.setattr(Graph, "replays", 0)
