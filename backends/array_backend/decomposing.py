"""Backends that decompose matrices by their library's linear algebra."""

from __future__ import annotations

from typing import Any

from tnlearn.backend import Backend
from tnlearn_backends.array_backend import decompositions


class DecomposingBackend(Backend):
    """A backend whose arrays are of a library with ``linalg``; see `decompositions`."""

    def svd(self, matrix: Any) -> tuple[Any, Any, Any]:
        """``matrix = u @ diag(s) @ vh``; checked."""
        return decompositions.svd(matrix)

    def qr(self, matrix: Any) -> tuple[Any, Any]:
        """``matrix = q @ r``; checked."""
        return decompositions.qr(matrix)

    def eigh(self, matrix: Any) -> tuple[Any, Any]:
        """``matrix = v @ diag(w) @ v^H``; checked."""
        return decompositions.eigh(matrix)
