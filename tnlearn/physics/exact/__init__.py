"""Ising models solved exactly: closed forms on chains and the square lattice, and brute force."""

from tnlearn.physics.exact.brute_force import EnumerableModel as EnumerableModel
from tnlearn.physics.exact.brute_force import brute_force_log_partition as brute_force_log_partition
from tnlearn.physics.exact.brute_force import brute_force_marginals as brute_force_marginals
from tnlearn.physics.exact.brute_force import brute_force_probabilities as brute_force_probabilities
from tnlearn.physics.exact.brute_force import enumerate_states as enumerate_states
from tnlearn.physics.exact.chain import chain_magnetization as chain_magnetization
from tnlearn.physics.exact.chain import open_chain_log_partition as open_chain_log_partition
from tnlearn.physics.exact.chain import ring_correlation as ring_correlation
from tnlearn.physics.exact.chain import ring_log_partition as ring_log_partition
from tnlearn.physics.exact.kaufman import torus_log_partition as torus_log_partition
from tnlearn.physics.exact.onsager import CRITICAL_COUPLING as CRITICAL_COUPLING
from tnlearn.physics.exact.onsager import bulk_energy_per_site as bulk_energy_per_site
from tnlearn.physics.exact.onsager import bulk_log_partition_per_site as bulk_log_partition_per_site
from tnlearn.physics.exact.onsager import bulk_specific_heat_per_site as bulk_specific_heat_per_site
from tnlearn.physics.exact.onsager import spontaneous_magnetization as spontaneous_magnetization

__all__ = [
    "CRITICAL_COUPLING",
    "EnumerableModel",
    "brute_force_log_partition",
    "brute_force_marginals",
    "brute_force_probabilities",
    "bulk_energy_per_site",
    "bulk_log_partition_per_site",
    "bulk_specific_heat_per_site",
    "chain_magnetization",
    "enumerate_states",
    "open_chain_log_partition",
    "ring_correlation",
    "ring_log_partition",
    "spontaneous_magnetization",
    "torus_log_partition",
]
