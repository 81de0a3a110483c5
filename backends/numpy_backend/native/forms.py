"""The form in which one step runs: a nest of loops, or a product of matrices.

The forms are compared by a rough model of nanoseconds; only their order matters.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

from tnlearn_backends.numpy_backend.native.columns import DEEP
from tnlearn_backends.numpy_backend.native.dims import Dims, count
from tnlearn_backends.numpy_backend.native.nest_forms import Nest, nests, single_entries
from tnlearn_backends.numpy_backend.native.panel_forms import Panels, panels

Form: TypeAlias = Nest | Panels


def into(dims: Dims) -> Panels | None:
    """A matrix product whose tiles are final, to be multiplied into the target; None if none is."""
    whole = [form for form in panels(dims) if not form.sums and count(form.terms) <= DEEP // 2]
    return min(whole, key=lambda form: form.cost, default=None)


@lru_cache(maxsize=65536)
def best(dims: Dims, matrices: bool = True) -> Form:
    """The cheapest form of a step, its `dims` fused; with matrix products if they are allowed."""
    forms: list[Form] = list(nests(dims))
    if matrices:
        forms.extend(single_entries(dims))
        forms.extend(panels(dims))
    return min(forms, key=lambda form: form.cost)
