"""The NumPy backend: native code on one machine's processor."""

from tnlearn_backends.numpy_backend.backend import NumpyBackend as NumpyBackend
