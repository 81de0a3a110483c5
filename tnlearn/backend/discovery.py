"""How the backends that are installed are found: through entry points, ours like any other."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from tnlearn.backend.protocol import Backend
from tnlearn.errors import BackendError

#: The entry-point group under which a backend announces itself.
GROUP = "tnlearn.backends"


@cache
def installed() -> dict[str, EntryPoint]:
    """The backends that have announced themselves, by name; none is imported."""
    found: dict[str, EntryPoint] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda p: (p.name, p.value)):
        if found.setdefault(point.name, point).value != point.value:
            raise BackendError(
                f"two backends are called {point.name!r}: {found[point.name].value} and "
                f"{point.value}; uninstall one of them"
            )
    return found


@cache
def get_backend(name: str) -> Backend:
    """The backend of that name, ready to use.

    Raises
    ------
    BackendError
        If none is called so, or the library behind it cannot be used here.
    """
    points = installed()
    if name not in points:
        raise BackendError(
            f"no backend is called {name!r}; installed: {', '.join(points) or 'none'}"
            " (is tnlearn-engine itself installed? pip install . in its checkout)"
        )
    try:
        backend = points[name].load()()
    except (ImportError, AttributeError) as error:
        raise BackendError(f"backend {name!r} cannot be used here: {error}") from error
    if not isinstance(backend, Backend):
        raise BackendError(f"{points[name].value} is no subclass of tnlearn.backend.Backend")
    return backend
