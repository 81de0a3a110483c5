"""Markov chains whose stationary distribution is a model's: `init` and `step`, state in and out."""

from tnlearn.sampling.interface import Sampler as Sampler
from tnlearn.sampling.interface import State as State
from tnlearn.sampling.singlesite import Gibbs as Gibbs
from tnlearn.sampling.singlesite import Metropolis as Metropolis
from tnlearn.sampling.multispin import MultiSpin as MultiSpin
from tnlearn.sampling.wolff import Wolff as Wolff
