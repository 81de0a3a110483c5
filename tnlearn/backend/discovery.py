"""How the backends that are installed are found: through entry points, ours like any other."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from tnlearn.backend.protocol import Backend, Machine
from tnlearn.errors import BackendError

#: The entry-point group under which a backend announces itself.
GROUP = "tnlearn.backends"


@cache
def installed() -> dict[str, tuple[EntryPoint, ...]]:
    """The backends that have announced themselves, by name; none is imported."""
    found: dict[str, dict[str, EntryPoint]] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda p: (p.name, p.value)):
        found.setdefault(point.name, {})[point.value] = point
    return {name: tuple(points.values()) for name, points in found.items()}


@cache
def get_backend(name: str) -> Backend:
    """The backend of that name, ready to use.

    Raises
    ------
    BackendError
        If none or several are called so, or the library behind it cannot be used here.
    """
    point = _point(name)
    try:
        backend = point.load()()
    except (ImportError, AttributeError, TypeError) as error:
        raise BackendError(f"backend {name!r} cannot be used here: {error}") from error
    if not isinstance(backend, Backend):
        raise BackendError(f"{point.value} is no subclass of tnlearn.backend.Backend")
    return backend


def reason_against(name: str) -> str:
    """Why a backend that is registered cannot be used here; nothing if it can."""
    try:
        get_backend(name)
    except BackendError as error:
        return str(error)
    return ""


def shipped_machine(name: str) -> Machine:
    """The machine model of a backend that need not be usable here, for plans that wait for it.

    Raises
    ------
    BackendError
        If it can neither be used here, nor ships a model.
    """
    reason = reason_against(name)
    if not reason:
        return get_backend(name).machine
    try:
        shipped = getattr(_point(name).load(), "shipped", None)
    except (ImportError, AttributeError):
        shipped = None
    if not isinstance(shipped, Machine):
        raise BackendError(reason)
    return shipped


def _point(name: str) -> EntryPoint:
    """The one backend of that name, not loaded yet."""
    if name not in installed():
        raise BackendError(
            f"no backend is called {name!r}; installed: {', '.join(installed()) or 'none'}"
            " (is tnlearn-engine itself installed? pip install . in its checkout)"
        )
    point, *others = installed()[name]
    if others:
        raise BackendError(
            f"two backends are called {name!r}: {point.value} and {others[0].value}; "
            "uninstall one of them"
        )
    return point
