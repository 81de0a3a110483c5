"""The form in which one step runs: a nest of loops, or a product of matrices.

The forms are compared by a rough model of nanoseconds; only their order matters.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

from tnlearn_backends.numpy_backend.native.dims import Dims
from tnlearn_backends.numpy_backend.native.nest_forms import Nest, nests
from tnlearn_backends.numpy_backend.native.panel_forms import Panels, panels

Form: TypeAlias = Nest | Panels


@lru_cache(maxsize=65536)
def best(dims: Dims, matrices: bool = True) -> Form:
    """The cheapest form of a step, its `dims` fused; with matrix products if they are allowed."""
    forms: list[Form] = list(nests(dims))
    if matrices:
        forms.extend(panels(dims))
    return min(forms, key=lambda form: form.cost)
