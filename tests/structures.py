"""Small networks of every structure that a contraction must get right, with their values."""

from __future__ import annotations

from typing import Any

import numpy as np

A = np.arange(1.0, 7.0).reshape(2, 3)
B = np.arange(-4.0, 8.0).reshape(3, 4)
CUBE = np.arange(27.0).reshape(3, 3, 3)
V = np.array([2.0, -3.0, 5.0])

# name, arrays, indices of each, output, value
STRUCTURES: list[tuple[str, list[Any], list[str], str, Any]] = [
    ("one scalar", [5.0], [""], "", 5.0),
    ("scalars", [5.0, -2.0, 0.5], ["", "", ""], "", -5.0),
    ("identity", [A], ["ij"], "ij", A),
    ("transpose", [A], ["ij"], "ji", A.T),
    ("sum of all", [A], ["ij"], "", 21.0),
    ("row sums", [A], ["ij"], "i", [6.0, 15.0]),
    ("scalar times matrix", [A, 2.0], ["ij", ""], "ij", 2 * A),
    ("matrix product", [A, B], ["ij", "jk"], "ik", A @ B),
    ("outer product", [A, V], ["ij", "k"], "kji", np.multiply.outer(V, A.T)),
    ("entrywise product", [A, A], ["ij", "ij"], "ij", A * A),
    ("trace", [CUBE[1]], ["ii"], "", 39.0),
    ("diagonal", [CUBE[1]], ["ii"], "i", [9.0, 13.0, 17.0]),
    ("index three times on one tensor", [CUBE], ["iii"], "", 39.0),
    ("index three times, open", [CUBE], ["iii"], "i", [0.0, 13.0, 26.0]),
    ("index on five tensors", [V] * 5, ["i"] * 5, "", float(2**5 - 3**5 + 5**5)),
    ("index on five tensors, open", [V] * 5, ["i"] * 5, "i", V**5),
    ("disconnected", [A, V], ["ij", "k"], "", 84.0),
    ("size 0 summed", [np.ones((2, 0))], ["ij"], "i", [0.0, 0.0]),
    ("size 0 open", [np.ones((2, 0))], ["ij"], "j", np.ones(0)),
    ("size 0 elsewhere", [A, np.ones(0)], ["ij", "k"], "ij", 0 * A),
    ("size 1", [np.full((1, 1), 7.0), np.full(1, 2.0)], ["ij", "j"], "i", [14.0]),
    ("rank 12, all open", [np.full((2,) * 12, 3.0)], ["abcdefghijkl"], "lkjihgfedcba",
     np.full((2,) * 12, 3.0)),
]  # fmt: skip
