"""``tnlearn tour``: what the library does, on real input, in about a minute."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import networkx as nx
import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from tnlearn.errors import FormatError
from tnlearn.files import load, save
from tnlearn.inference import log_partition, sample
from tnlearn.learning import MPSClassifier
from tnlearn.learning.mps_model import mps_network, site_shapes
from tnlearn.network import Tensor, TensorNetwork
from tnlearn.physics import Ising
from tnlearn.physics.exact import CRITICAL_COUPLING, torus_log_partition
from tnlearn.planning import plan
from tnlearn.plotting import plot_confusion, plot_training

Array = npt.NDArray[Any]

SIDE, SAMPLES = 10, 3
#: What the drawn network has in common with the trained one, which has 64 sites.
DRAWN_SITES, FEATURES, BOND, DIGITS = 6, 2, 16, 10
MOST_MISREAD = 6
EXAMPLE = "examples/ising_on_a_graph.py"


class Digits(NamedTuple):
    """Scanned digits of 8 x 8 pixels: those to learn from, and those held out."""

    X: Array
    X_held: Array
    y: Array
    y_held: Array


def tour(directory: Path) -> None:
    """Run the tour, writing its four files into `directory`, which is made if missing."""
    start = time.perf_counter()
    directory.mkdir(parents=True, exist_ok=True)
    _say("tnlearn tour: a phase transition, a classifier, and where to go from there")
    _ising()
    draw_network(directory / "network.png")
    digits = Digits(
        *train_test_split(
            *load_digits(return_X_y=True), test_size=0.25, random_state=0, stratify=()
        )
    )
    model = _train(digits)
    _write(directory, model, digits)
    _say(f"\nThe tour took {time.perf_counter() - start:.0f} s. Three things to try next:\n")
    for command in next_commands(directory):
        _say(f"{command}\n")
