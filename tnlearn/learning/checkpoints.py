"""Checkpoints of training: written whole or not at all, and gone on from to the same bits.

A checkpoint is a safetensors file of arrays, a JSON text among them, with a digest of it all: what
was changed on the disk is refused, and nothing in the file is run.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.atomic import replacing
from tnlearn.errors import FormatError, ModelError

Array = npt.NDArray[Any]

#: Arrays of the file that are not of the training.
NOTES, DIGEST = "notes", "digest"


class Checkpoint:
    """Where a training run writes itself down, and goes on from.

    Parameters
    ----------
    path : str or os.PathLike
        A file; its folder must exist.
    run : mapping from str to what JSON holds
        What the run is of: its settings, and a `fingerprint` of its data. A file of another run is
        refused.
    """

    def __init__(self, path: str | os.PathLike[str], run: Mapping[str, Any]) -> None:
        self.path = Path(path)
        self.run = json.loads(json.dumps(dict(run)))

    def write(self, arrays: Mapping[str, Array], notes: Mapping[str, Any]) -> None:
        """Replace the file, at once or not at all.

        Parameters
        ----------
        arrays : mapping from str to array
            Of real numbers.
        notes : mapping from str to what JSON holds
        """
        import safetensors.numpy

        text = json.dumps({"run": self.run, "notes": dict(notes)}).encode()
        stored = {name: np.array(array, order="C") for name, array in arrays.items()}
        stored[NOTES] = np.frombuffer(text, np.uint8)
        stored[DIGEST] = _digest(stored)
        whole = safetensors.numpy.save(stored)
        with replacing(self.path) as file:
            file.write(whole)

    def read(self) -> tuple[dict[str, Array], dict[str, Any]] | None:
        """The arrays and notes that were written last; None if there is no file.

        Raises
        ------
        FormatError
            If the file is damaged, or no checkpoint.
        ModelError
            If it is of another run.
        """
        if not self.path.exists():
            return None
        arrays = self._arrays()
        text = json.loads(arrays.pop(NOTES).tobytes())
        for name in sorted({*self.run, *text["run"]}):
            there, here = text["run"].get(name), self.run.get(name)
            if there != here:
                raise ModelError(
                    f"the checkpoint {str(self.path)!r} is of another run, whose {name} is "
                    f"{there!r} and not {here!r}: give another path, or delete the file"
                )
        return arrays, text["notes"]

    def _arrays(self) -> dict[str, Array]:
        """All arrays but the digest, which fits them."""
        import safetensors.numpy

        try:
            arrays = safetensors.numpy.load(self.path.read_bytes())
            found = arrays.pop(DIGEST)
            sound = NOTES in arrays and np.array_equal(found, _digest(arrays))
        except (safetensors.SafetensorError, KeyError, ValueError, TypeError, OverflowError):
            sound = False
        if not sound:
            raise FormatError(
                f"the checkpoint {str(self.path)!r} is damaged or no checkpoint: delete it to "
                "begin anew"
            )
        return arrays


def checkpoint_of(
    estimator: Any, path: str | os.PathLike[str], parameters: Mapping[str, Any], *data: Array
) -> Checkpoint:
    """The checkpoint of a fit of an estimator: of its class, its parameters, and its data.

    Parameters
    ----------
    estimator : estimator
    path : str or os.PathLike
    parameters : mapping from str to value
        Checked. Drawing a bar changes no bits, and a seed that is no number is none.
    *data : arrays
    """
    run = {name: value for name, value in parameters.items() if name != "progress"}
    seed = estimator.random_state
    run["random_state"] = int(seed) if isinstance(seed, (int, np.integer)) else None
    return Checkpoint(
        path, {"estimator": type(estimator).__name__, **run, "data": fingerprint(*data)}
    )


def fingerprint(*arrays: Array) -> str:
    """A digest of arrays: equal where all entries, shapes and dtypes are."""
    return _digest({str(k): array for k, array in enumerate(arrays)}).tobytes().hex()


def _digest(arrays: Mapping[str, Array]) -> Array:
    """SHA-256 of names, dtypes, shapes and entries, as 32 bytes."""
    found = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        found.update(repr((name, array.dtype.str, array.shape)).encode())
        found.update(array.tobytes())
    return np.frombuffer(found.digest(), np.uint8)
