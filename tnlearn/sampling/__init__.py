"""Markov chains whose stationary distribution is a model's: `init` and `step`, state in and out."""

from tnlearn.sampling.continuous import Landscape as Landscape
from tnlearn.sampling.diagnostics import autocorrelation_time as autocorrelation_time
from tnlearn.sampling.diagnostics import effective_size as effective_size
from tnlearn.sampling.diagnostics import r_hat as r_hat
from tnlearn.sampling.interface import Sampler as Sampler
from tnlearn.sampling.interface import State as State
from tnlearn.sampling.langevin import MALA as MALA
from tnlearn.sampling.langevin import Langevin as Langevin
from tnlearn.sampling.layered import BlockGibbs as BlockGibbs
from tnlearn.sampling.layered import Layered as Layered
from tnlearn.sampling.multispin import MultiSpin as MultiSpin
from tnlearn.sampling.running import Run as Run
from tnlearn.sampling.running import run as run
from tnlearn.sampling.singlesite import Gibbs as Gibbs
from tnlearn.sampling.singlesite import Metropolis as Metropolis
from tnlearn.sampling.tempering import ParallelTempering as ParallelTempering
from tnlearn.sampling.tempering import TemperingState as TemperingState
from tnlearn.sampling.wolff import Wolff as Wolff
