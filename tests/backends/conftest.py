"""Every backend that is installed, for the tests that take a `backend`."""

from __future__ import annotations

import pytest

from laws import BACKENDS
from tnlearn.backend import Backend, get_backend
from tnlearn.errors import BackendError

#: (backend, test) -> why it cannot pass there.
GAPS: dict[tuple[str, str], str] = {}


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    if reason := GAPS.get((request.param, request.function.__name__)):
        request.applymarker(pytest.mark.xfail(reason=reason))
    try:
        return get_backend(request.param)
    except BackendError as error:
        pytest.skip(str(error))
