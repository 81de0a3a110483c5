"""Models of statistical physics, and the closed forms they are checked against."""

from tnlearn.physics.bayesian_network import BayesianNetwork as BayesianNetwork
from tnlearn.physics.factor_graph import FactorGraph as FactorGraph
from tnlearn.physics.ising import Ising as Ising
from tnlearn.physics.restricted_boltzmann import RestrictedBoltzmann as RestrictedBoltzmann
