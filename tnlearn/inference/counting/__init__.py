"""Exact values of networks of hard zeros, by search instead of contraction."""

from tnlearn.inference.counting.counter import count as count
from tnlearn.inference.counting.counter import is_logical as is_logical
