"""A natural logarithm of a partition function that says how it was found."""

from __future__ import annotations


class LogPartition(float):
    """A natural logarithm of a partition function: a float with its pedigree.

    Attributes
    ----------
    method : str
        How it was found: "exact" is contraction to rounding.
    error : float
        Estimate of the absolute error of the logarithm.
    converged : bool
        Whether the method met its own criterion.
    """

    method: str
    error: float
    converged: bool

    def __new__(cls, value: float, method: str, error: float, converged: bool) -> LogPartition:
        """Wrap a float; the fields cannot be set later."""
        self = super().__new__(cls, value)
        self.method, self.error, self.converged = method, error, converged
        return self

    def __getnewargs__(self) -> tuple[float, str, float, bool]:  # type: ignore[override]
        return (float(self), self.method, self.error, self.converged)

    def __repr__(self) -> str:
        return f"{float(self)!r} ({self.method}, error {self.error:.1e})"
