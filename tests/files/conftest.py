"""Where files go, and an estimator that can be saved."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from saved_things import Tiny
from tnlearn.files import kinds


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "thing"


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> type[Tiny]:
    """Tiny, registered as a class that can be saved."""
    module = ModuleType("home_of_tiny")
    vars(module)["Tiny"] = Tiny
    monkeypatch.setitem(sys.modules, module.__name__, module)
    kind = kinds.Kind(module.__name__, "tnlearn.files.estimators")
    monkeypatch.setitem(kinds.KINDS, "Tiny", kind)
    return Tiny
