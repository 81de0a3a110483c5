"""The plan of the house, checked on syntax trees: who may import whom, and what no one may do.

Rooms are the folders and modules directly under ``tnlearn/`` and ``backends/``. An import counts
wherever it stands: at the top, inside a function, under TYPE_CHECKING, or spelled as a string.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[1]

#: Folder in the checkout -> name it is imported by.
PACKAGES = {"tnlearn": "tnlearn", "backends": "tnlearn_backends"}

#: Room of tnlearn -> floor. Imports go from a higher floor to a lower one.
FLOORS = {
    "errors": 1,
    "values": 1,
    "progress": 1,
    "arguments": 1,
    "seeds": 1,
    "atomic": 1,
    "userfolder": 1,
    "backend": 1,
    "compiling": 1,
    "network": 2,
    "planning": 3,
    "execution": 4,
    "inference": 5,
    "physics": 6,
    "sampling": 4,
    "renormalization": 6,
    "learning": 6,
    "conversion": 7,
    "interop": 7,
    "files": 7,
    "datasets": 7,
    "plotting": 8,
    "cli": 8,
    "__main__": 9,
}
#: ``tnlearn/__init__.py``: sees every room, and no room sees it.
ROOF = 9
#: What the backends of array libraries share; it imports none of them.
SHARED_BY_BACKENDS = "tnlearn_backends.array_backend"
#: Backends stand beside the house: they run programs, and know nothing of what these are for.
HIGHEST_FLOOR_SEEN_BY_BACKENDS = 4

#: (importing room, imported room) -> why this arrow between rooms of one floor is right.
EXCEPTIONS = {
    ("tnlearn.values", "tnlearn.errors"): "every module raises the library's own errors",
    ("tnlearn.arguments", "tnlearn.errors"): "every module raises the library's own errors",
    ("tnlearn.seeds", "tnlearn.errors"): "every module raises the library's own errors",
    ("tnlearn.backend", "tnlearn.errors"): "every module raises the library's own errors",
    ("tnlearn.userfolder", "tnlearn.atomic"): "what is kept there is written whole",
    ("tnlearn.backend", "tnlearn.userfolder"): "a measured machine model is kept there",
    ("tnlearn.backend", "tnlearn.values"): "what a backend computes is a log-scaled value",
    ("tnlearn.learning", "tnlearn.physics"): "what an RBM learns is a machine of physics",
    ("tnlearn.cli", "tnlearn.plotting"): "the tour leaves pictures behind",
}

#: Reading a file must not run code, so what could do that is not there at all.
FORBIDDEN_MODULES = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
FORBIDDEN_CALLS = {"eval", "exec", "builtins.eval", "builtins.exec"}


def read_tree() -> dict[str, str]:
    """Path from the root -> text, of every module and stub of the two packages."""
    files = (path for folder in PACKAGES for path in (ROOT / folder).rglob("*.py*"))
    return {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(files)
        if path.suffix in (".py", ".pyi")
    }


TREE = read_tree()


def module_of(path: str) -> str:
    """The dotted name that the file at `path` is imported by."""
    folder, *rest = PurePosixPath(path).with_suffix("").parts
    return ".".join([PACKAGES[folder], *(part for part in rest if part != "__init__")])


def room_of(module: str) -> str:
    """The room a dotted name lies in: its first two parts."""
    return ".".join(module.split(".")[:2])


def floor_of(room: str) -> int:
    """The floor of a room of tnlearn; the roof for the package itself, or a room without one."""
    return FLOORS.get(room.removeprefix("tnlearn."), ROOF)


def imports(path: str, text: str, modules: set[str]) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything the file imports.

    ``from a import b`` is an import of ``a.b`` where that is one of `modules`, else of ``a``.
    """
    for node in ast.walk(ast.parse(text, path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = _source(path, node)
            for alias in node.names:
                inner = f"{source}.{alias.name}"
                yield node.lineno, inner if inner in modules else source
        elif isinstance(node, ast.Call) and _called(node) in ("import_module", "__import__"):
            yield from ((node.lineno, name) for name in _literal(node.args[:1]))


def _source(path: str, node: ast.ImportFrom) -> str:
    """The module named by a ``from`` import, with leading dots resolved."""
    if not node.level:
        return node.module or ""
    parts = module_of(path).split(".")
    is_package = PurePosixPath(path).stem == "__init__"
    base = parts[: len(parts) + is_package - node.level]
    return ".".join([*base, *filter(None, [node.module])])


def _called(node: ast.Call) -> str:
    return ast.unparse(node.func).removeprefix("importlib.")


def _literal(arguments: list[ast.expr]) -> list[str]:
    return [a.value for a in arguments if isinstance(a, ast.Constant) and isinstance(a.value, str)]


def module_names(tree: Mapping[str, str]) -> set[str]:
    """Every module of `tree`, and every room that has a floor."""
    return {module_of(path) for path in tree} | {f"tnlearn.{room}" for room in FLOORS}


def wrong_arrows(tree: Mapping[str, str]) -> list[str]:
    """A line for every import that goes upwards or sideways."""
    modules = module_names(tree)
    return [
        f"{path}:{line} imports {target}: {problem}"
        for path, text in tree.items()
        for line, target in imports(path, text, modules)
        if (problem := _problem(room_of(module_of(path)), room_of(target)))
    ]


def _problem(room: str, target: str) -> str | None:
    """What is wrong with an import of room `target` in room `room`; None if nothing is."""
    if target.split(".")[0] not in PACKAGES.values():
        return None
    if room == target or (room, target) in EXCEPTIONS:
        return None
    if target.startswith("tnlearn_backends"):
        return _problem_of_importing_a_backend(room, target)
    limit = HIGHEST_FLOOR_SEEN_BY_BACKENDS + 1
    own = limit if room.startswith("tnlearn_backends") else floor_of(room)
    if floor_of(target) < own:
        return None
    return f"floor {floor_of(target)} is not below floor {own}"


def _problem_of_importing_a_backend(room: str, target: str) -> str | None:
    if room.startswith("tnlearn_backends"):
        shared = target in ("tnlearn_backends", SHARED_BY_BACKENDS)
        return None if shared else "backends do not know each other"
    return "tnlearn finds backends through entry points and imports none"


def dangers(tree: Mapping[str, str]) -> list[str]:
    """A line for everything that could run code hidden in data."""
    found: list[str] = []
    for path, text in tree.items():
        found += [
            f"{path}:{line} imports {target}"
            for line, target in imports(path, text, module_names(tree))
            if target.split(".")[0] in FORBIDDEN_MODULES
        ]
        calls = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
        for call in calls:
            if _called(call) in FORBIDDEN_CALLS:
                found.append(f"{path}:{call.lineno} calls {_called(call)}")
            if any(_allows_pickle(keyword) for keyword in call.keywords):
                found.append(f"{path}:{call.lineno} passes allow_pickle")
    return found


def _allows_pickle(keyword: ast.keyword) -> bool:
    value = keyword.value
    never = isinstance(value, ast.Constant) and value.value is False
    return keyword.arg == "allow_pickle" and not never


def test_every_room_has_a_floor() -> None:
    rooms = {room_of(module_of(path)) for path in TREE if path.startswith("tnlearn/")} - {"tnlearn"}
    assert {room.removeprefix("tnlearn.") for room in rooms} <= set(FLOORS)


def test_imports_only_go_down() -> None:
    assert wrong_arrows(TREE) == []


def test_nothing_runs_code_hidden_in_data() -> None:
    assert dangers(TREE) == []


def test_every_exception_has_two_rooms_of_one_floor() -> None:
    for (room, target), reason in EXCEPTIONS.items():
        assert floor_of(room) == floor_of(target), "an exception never goes upwards"
        assert reason


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        path
        for path, text in TREE.items()
        if path.endswith(".py") and not ast.get_docstring(ast.parse(text))
    ]
    assert silent == []


def test_the_list_of_packages_is_the_tree() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        setuptools = tomllib.load(file)["tool"]["setuptools"]
    assert setuptools["package-dir"] == {"tnlearn_backends": "backends"}
    folders = {PurePosixPath(path).parent / "__init__" for path in TREE}
    assert sorted(setuptools["packages"]) == sorted(module_of(f"{folder}.py") for folder in folders)


def test_every_folder_with_modules_is_a_package() -> None:
    folders = {str(PurePosixPath(path).parent) for path in TREE}
    assert [folder for folder in folders if f"{folder}/__init__.py" not in TREE] == []


PLANTED = {
    "upwards": ("tnlearn/network/x.py", "import tnlearn.planning.search"),
    "upwards, by a name": ("tnlearn/network/x.py", "from tnlearn import execution"),
    "the roof": ("tnlearn/cli/__init__.py", "import tnlearn as tnl"),
    "a name on the roof": ("tnlearn/inference/x.py", "from tnlearn import contract"),
    "sideways": ("tnlearn/physics/x.py", "from tnlearn.learning.mps import MPS"),
    "sideways on the ground": ("tnlearn/errors.py", "from tnlearn.values import LogValue"),
    "relative": ("tnlearn/network/x.py", "from ..planning import plan"),
    "relative, from a package": ("tnlearn/network/__init__.py", "from .. import planning"),
    "relative, from below": ("tnlearn/physics/exact/x.py", "from ...cli import main"),
    "in a function": ("tnlearn/values.py", "def f():\n    from tnlearn.network import Tensor"),
    "for a type checker": (
        "tnlearn/planning/x.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import tnlearn.execution",
    ),
    "as a string": (
        "tnlearn/network/x.py",
        "import importlib\nimportlib.import_module('tnlearn.planning')",
    ),
    "in a stub": ("tnlearn/network/x.pyi", "from tnlearn.planning import Plan as Plan"),
    "a backend from the house": ("tnlearn/execution/x.py", "import tnlearn_backends"),
    "a backend from the roof": (
        "tnlearn/__init__.py",
        "from tnlearn_backends import numpy_backend",
    ),
    "a high floor from a backend": (
        "backends/numpy_backend/x.py",
        "from tnlearn.inference import sample",
    ),
    "the roof from a backend": ("backends/__init__.py", "import tnlearn"),
    "a backend from what they share": (
        "backends/array_backend/x.py",
        "from tnlearn_backends.torch_backend import TorchBackend",
    ),
    "another backend": ("backends/a/__init__.py", "from tnlearn_backends.b import kernels"),
}

ALLOWED = {
    "downwards": ("tnlearn/execution/x.py", "from tnlearn.planning.plan import Plan"),
    "own room": ("tnlearn/network/x.py", "from tnlearn.network.tensor import Tensor"),
    "own room, relative": ("tnlearn/network/x.py", "from .tensor import Tensor"),
    "the roof sees all": ("tnlearn/__init__.py", "from tnlearn import cli, errors, learning"),
    "a listed exception": ("tnlearn/values.py", "from tnlearn.errors import RangeError"),
    "a low floor from a backend": ("backends/a/x.py", "from tnlearn.execution import Program"),
    "what backends share": ("backends/a/x.py", "from tnlearn_backends.array_backend import steps"),
    "own backend": ("backends/a/x.py", "from tnlearn_backends.a.kernels import run"),
    "other libraries": ("tnlearn/errors.py", "import tnlearn_extras, numpy as np"),
}

DANGEROUS = [
    "import pickle",
    "from joblib.externals import loky",
    "eval('1 + 1')",
    "import builtins\nbuiltins.exec('x = 1')",
    "np.load(path, allow_pickle=True)",
    "np.load(path, allow_pickle=trusted)",
    "__import__('marshal')",
]


@pytest.mark.parametrize(("path", "text"), PLANTED.values(), ids=PLANTED)
def test_a_planted_arrow_is_found(path: str, text: str) -> None:
    line = text.count("\n") + 1
    found = wrong_arrows({path: text})
    assert [row for row in found if row.startswith(f"{path}:{line} imports")]


@pytest.mark.parametrize(("path", "text"), ALLOWED.values(), ids=ALLOWED)
def test_a_right_arrow_is_let_through(path: str, text: str) -> None:
    assert wrong_arrows({path: text}) == []


@pytest.mark.parametrize("text", DANGEROUS)
def test_a_planted_danger_is_found(text: str) -> None:
    found = dangers({"tnlearn/files/x.py": text})
    assert len(found) == 1
    assert found[0].startswith("tnlearn/files/x.py:")


def test_refusing_pickles_is_no_danger() -> None:
    assert dangers({"tnlearn/files/x.py": "np.load(path, allow_pickle=False)"}) == []
