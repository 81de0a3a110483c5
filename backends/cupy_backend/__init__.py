"""The CuPy backend: arrays of a CUDA device in, arrays of it out."""

from tnlearn_backends.cupy_backend.backend import CupyBackend as CupyBackend
