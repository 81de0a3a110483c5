"""MNIST, averaged to 14x14: test accuracy and seconds per epoch of an MPS classifier.

Run with ``TNLEARN_DATA=... python benchmarks/mnist.py``; the folder holds ``mnist/`` with the four
IDX files, gzipped. Writes ``results/mnist.json``; exits 1 below 0.985 or above ten minutes.
"""

from __future__ import annotations

import argparse
import gzip
import os
import sys
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
from environment import write_result

import tnlearn as tnl

#: What the run must reach: test accuracy, and seconds for training and testing.
ACCURACY, SECONDS = 0.985, 600


def read_idx(path: Path) -> npt.NDArray[np.uint8]:
    """An array of bytes from a gzipped IDX file: a big-endian header of sizes, then the data."""
    raw = gzip.decompress(path.read_bytes())
    rank = raw[3]
    shape = np.frombuffer(raw, dtype=">u4", count=rank, offset=4)
    return np.frombuffer(raw, dtype=np.uint8, offset=4 + 4 * rank).reshape(shape)


def load(folder: Path, part: str) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
    """Images averaged over blocks of 2x2 pixels, shape (n, 196) in [0, 1], and their labels."""
    images = read_idx(folder / f"{part}-images-idx3-ubyte.gz").astype(np.float32) / 255
    blocks = images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4))
    return blocks.reshape(-1, 196), read_idx(folder / f"{part}-labels-idx1-ubyte.gz")


def main() -> int:
    """Train, test, print and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bond-dimension", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    folder = Path(os.environ["TNLEARN_DATA"]) / "mnist"
    X, y = load(folder, "train")
    X_test, y_test = load(folder, "t10k")
    model = tnl.MPSClassifier(
        bond_dimension=options.bond_dimension,
        epochs=options.epochs,
        batch_size=options.batch_size,
        progress=True,
        random_state=options.seed,
    )
    start = time.perf_counter()
    model.fit(X, y)
    fitted = time.perf_counter() - start
    accuracy = float(model.score(X_test, y_test))
    seconds = time.perf_counter() - start
    write_result(
        "mnist",
        {
            "settings": vars(options),
            "test_accuracy": accuracy,
            "seconds_per_epoch": fitted / options.epochs,
            "seconds": seconds,
            "required": {"test_accuracy": ACCURACY, "seconds": SECONDS},
        },
    )
    per_epoch = fitted / options.epochs
    print(f"test accuracy {accuracy:.4f}, {per_epoch:.1f} s per epoch, {seconds:.0f} s in all")
    return 0 if accuracy >= ACCURACY and seconds <= SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
