"""Ising models that can be drawn on the plane or a torus: Z and ground states at any size."""

from tnlearn.physics.planar.correlations import BondCorrelations as BondCorrelations
from tnlearn.physics.planar.correlations import (
    planar_bond_correlations as planar_bond_correlations,
)
from tnlearn.physics.planar.ground_state import planar_ground_state as planar_ground_state
from tnlearn.physics.planar.partition import planar_log_partition as planar_log_partition
from tnlearn.physics.planar.surface import is_planar as is_planar
from tnlearn.physics.planar.torus import toroidal_grid_log_partition as toroidal_grid_log_partition
from tnlearn.physics.planar.torus import toroidal_log_partition as toroidal_log_partition

__all__ = [
    "BondCorrelations",
    "is_planar",
    "planar_bond_correlations",
    "planar_ground_state",
    "planar_log_partition",
    "toroidal_grid_log_partition",
    "toroidal_log_partition",
]
