"""The backends that the laws are tested on."""

from __future__ import annotations

import pytest

from law_tables import BACKENDS
from tnlearn.backend import Backend, get_backend
from tnlearn.errors import BackendError


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each backend that is registered; one whose library or device is not here is skipped."""
    try:
        return get_backend(request.param)
    except BackendError as error:
        pytest.skip(str(error))
