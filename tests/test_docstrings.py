"""Examples in docstrings run, and print what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from types import ModuleType

import pytest

import tnlearn

MODULES = [
    importlib.import_module(found.name)
    for found in pkgutil.walk_packages(tnlearn.__path__, "tnlearn.")
    if not found.name.endswith("__main__")
]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_examples_in_docstrings(module: ModuleType) -> None:
    failed, _ = doctest.testmod(module)
    assert failed == 0


def test_there_are_examples() -> None:
    assert sum(bool(doctest.DocTestFinder().find(module)) for module in MODULES) > 5
