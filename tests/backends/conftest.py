"""The backends that the laws are tested on."""

from __future__ import annotations

import pytest

from law_tables import ABSENT, BACKENDS
from tnlearn.backend import Backend, get_backend


@pytest.fixture(params=[name for name in BACKENDS if name not in ABSENT])
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each backend that is registered and can be used here; see `test_door` for the others."""
    return get_backend(request.param)
