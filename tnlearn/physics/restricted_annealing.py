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
from tnlearn.physics.two_layers import TwoLayers, drawn_bits
from tnlearn.progress import progress_bar
from tnlearn.seeds import generator_of

Array = npt.NDArray[np.float64]

#: Chains, machines between the first and the last, and how often these may grow fourfold.
CHAINS, STEPS, ATTEMPTS = 256, 1000, 3


def anneal_restricted(
    layers: TwoLayers,
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
    layers : TwoLayers
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
    generator = generator_of(seed)
    while True:
        logs = _weights(layers, chains, steps, generator, progress)
        found = average_weight(logs, steps)
        attempts -= 1
        if found.converged or attempts <= 0:
            return found
        steps *= 4


def _weights(
    layers: TwoLayers, chains: int, steps: int, generator: np.random.Generator, progress: bool
) -> Array:
    """Logarithms of the weights of all chains."""
    heights = np.linspace(0.0, 1.0, steps + 1)
    log_base, upward, downward, hidden_bias, drawn = layers
    n, m = upward.shape
    v = drawn(np.zeros((chains, n)), generator)
    logs = np.full(chains, log_base + m * math.log(2.0))
    # What visible units feel alone is there from the start, so it cancels from every ratio.
    for low, high in progress_bar(list(pairwise(heights)), "annealing", progress):
        inputs = v @ upward + hidden_bias
        logs += (np.logaddexp(0, high * inputs) - np.logaddexp(0, low * inputs)).sum(axis=1)
        h = drawn_bits(high * inputs, generator)
        v = drawn(high * (h @ downward.T), generator)
    return logs
