"""A unit that turns on and off at random, as those of Boltzmann machines do."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

from tnlearn.errors import ModelError
from tnlearn.physics.parameters import Array, finite, real_array


def probability_on(energy_gap: npt.ArrayLike, beta: float = 1.0) -> Array:
    """Probability that a unit is on, given how much more energy it has on than off.

    ``p_on = 1 / (1 + exp(beta (E_on - E_off)))``, for ``ln(p_on / p_off) = -beta (E_on - E_off)``:
    a unit that costs energy when on is mostly off.

    Parameters
    ----------
    energy_gap : array_like
        ``E_on - E_off``, in units of energy; +inf forbids on, -inf forbids off.
    beta : float
        Inverse temperature, in inverse units of energy (k_B = 1).

    Returns
    -------
    array, shape of `energy_gap`
        Probabilities; nothing overflows.

    Raises
    ------
    ModelError
        If a gap is nan, `beta` is not finite, or it is 0 and a gap is infinite.
    DataTypeError
        If either is no number.

    Notes
    -----
    Source: D. H. Ackley, G. E. Hinton and T. J. Sejnowski, Cognitive Science 9, 147 (1985),
    whose gap is ``E_off - E_on``.

    Examples
    --------
    >>> from tnlearn.physics import probability_on
    >>> probability_on([-1e4, 0.0, 1e4]).tolist()
    [1.0, 0.5, 0.0]
    """
    gap = real_array(energy_gap, "the energy gap")
    beta = finite(beta, "beta")
    with np.errstate(over="ignore", invalid="ignore"):  # Beyond a float is as good as infinite.
        exponent = np.asarray(-beta * gap)
    if np.isnan(exponent).any():
        wrong = gap[np.isnan(exponent)].flat[0]
        raise ModelError(f"the energy gap {wrong} has no probability at beta={beta}")
    return np.asarray(special.expit(exponent))
