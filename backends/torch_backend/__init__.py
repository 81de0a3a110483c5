"""The PyTorch backend: tensors in, tensors out, on their own device."""

from tnlearn_backends.torch_backend.backend import TorchBackend as TorchBackend
