"""Every run recorded, the first and the smallest, and none that cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tnlearn_backends.array_backend import kinds, recording
from tnlearn_backends.array_backend.operations import UnfitError


@contextmanager
def recorded_always(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Where a recording is not made, and the run only does what it does without, it fails."""
    monkeypatch.setattr(recording, "LEAST_OPERATIONS", 1)
    monkeypatch.setattr(kinds, "PLAIN_RUNS", 0)
    failures: list[Exception] = []
    right = kinds.recorded

    def watched(*given: Any) -> recording.Recording:
        try:
            return right(*given)
        except UnfitError:  # It could not be run either.
            raise
        except Exception as error:
            failures.append(error)
            raise

    monkeypatch.setattr(kinds, "recorded", watched)
    yield
    if failures:
        raise failures[0]
