"""Every error the library raises on purpose; each is also the built-in error a caller expects."""


class TnlearnError(Exception):
    """Base of all errors raised on purpose."""


class NetworkError(TnlearnError, ValueError):
    """A tensor or network is malformed: indices, sizes, names or outputs do not fit."""


class DataError(TnlearnError, ValueError):
    """An array does not fit its tensor, or holds nan or infinite entries."""


class DataTypeError(TnlearnError, TypeError):
    """An array or argument is of a kind that cannot be computed with."""


class PlanError(TnlearnError, ValueError):
    """An order of contraction cannot be found, or the one given is not valid."""


class MemoryLimitError(PlanError):
    """No plan fits inside the memory limit."""


class CostError(PlanError):
    """An exact answer takes more operations than were allowed."""


class RangeError(TnlearnError, OverflowError, ValueError):
    """A value lies outside the range of a float; ask for its logarithm instead."""


class ModelError(TnlearnError, ValueError):
    """A model was given parameters, sites or states it cannot have."""


class BackendError(TnlearnError, ValueError):
    """A backend is unknown, not installed, or cannot hold the arrays it was given."""


class FormatError(TnlearnError, ValueError):
    """A file is not what it claims to be."""
