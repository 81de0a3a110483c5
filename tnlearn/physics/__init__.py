"""Models of statistical physics, and the closed forms they are checked against."""

from tnlearn.physics.bayesian_network import BayesianNetwork as BayesianNetwork
from tnlearn.physics.boltzmann import BoltzmannMachine as BoltzmannMachine
from tnlearn.physics.factor_graph import FactorGraph as FactorGraph
from tnlearn.physics.gaussian_restricted import (
    GaussianRestrictedBoltzmann as GaussianRestrictedBoltzmann,
)
from tnlearn.physics.hidden_markov import HiddenMarkovTree as HiddenMarkovTree
from tnlearn.physics.hopfield import Hopfield as Hopfield
from tnlearn.physics.ising import Ising as Ising
from tnlearn.physics.markov import MarkovChain as MarkovChain
from tnlearn.physics.potts import Clock as Clock
from tnlearn.physics.potts import Potts as Potts
from tnlearn.physics.recall import Recall as Recall
from tnlearn.physics.restricted_boltzmann import RestrictedBoltzmann as RestrictedBoltzmann
from tnlearn.physics.stochastic import probability_on as probability_on
