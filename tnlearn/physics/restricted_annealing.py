"""Annealed importance sampling for restricted Boltzmann machines, a layer at a time.

From independent visible units to the machine, chains are led through machines whose weights and
biases grow; all chains take a step together, as two products of matrices (Salakhutdinov, Murray
2008, ICML, eqs. 13 to 18).
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from tnlearn.inference import Annealed, average_weight
from tnlearn.progress import progress_bar

Array = npt.NDArray[np.float64]

#: Chains, machines between the first and the last, and how often these may grow fourfold.
CHAINS, STEPS, ATTEMPTS = 256, 1000, 3


def anneal_restricted(
    weights: Array,
    visible_bias: Array,
    hidden_bias: Array,
    *,
    chains: int = CHAINS,
    steps: int = STEPS,
    attempts: int = ATTEMPTS,
    seed: int | np.random.Generator = 0,
    progress: bool = False,
) -> Annealed:
    """Estimate log Z of a restricted Boltzmann machine.

    Parameters
    ----------
    weights : array, shape (n_visible, n_hidden)
    visible_bias, hidden_bias : arrays
    chains, steps : int
        Independent chains, and machines each goes through. Until the weights of the chains agree,
        `steps` grows fourfold, at most to `attempts` attempts in all.
    seed : int or numpy.random.Generator
    progress : bool
        Show a bar.

    Notes
    -----
    A step costs two products of (chains, n_visible) by (n_visible, n_hidden).
    """
    generator = np.random.default_rng(seed)
    while True:
        logs = _weights(weights, visible_bias, hidden_bias, chains, steps, generator, progress)
        found = average_weight(logs, steps)
        attempts -= 1
        if found.converged or attempts <= 0:
            return found
        steps *= 4


def _weights(
    weights: Array,
    visible_bias: Array,
    hidden_bias: Array,
    chains: int,
    steps: int,
    generator: np.random.Generator,
    progress: bool,
) -> Array:
    """Logarithms of the weights of all chains."""
    heights = np.linspace(0.0, 1.0, steps + 1)
    n, m = weights.shape
    v = _drawn(np.broadcast_to(visible_bias, (chains, n)), generator)
    logs = np.full(chains, float(np.logaddexp(0, visible_bias).sum()) + m * math.log(2.0))
    # The visible biases are there from the start, so they cancel from every ratio.
    for low, high in progress_bar(list(pairwise(heights)), "annealing", progress):
        inputs = v @ weights + hidden_bias
        logs += (np.logaddexp(0, high * inputs) - np.logaddexp(0, low * inputs)).sum(axis=1)
        h = _drawn(high * inputs, generator)
        v = _drawn(visible_bias + high * (h @ weights.T), generator)
    return logs


def _drawn(inputs: Array, generator: np.random.Generator) -> Array:
    """Bits that are 1 with probability ``1 / (1 + exp(-input))``."""
    # The logistic distribution: no exponential can overflow.
    return np.asarray(inputs > generator.logistic(size=inputs.shape), float)
