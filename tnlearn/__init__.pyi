"""The public names, for type checkers and editors; at run time they load on first use."""

from tnlearn.errors import TnlearnError as TnlearnError
from tnlearn.execution import Program as Program
from tnlearn.execution import compile as compile
from tnlearn.execution import contract as contract
from tnlearn.execution import integer_contract as integer_contract
from tnlearn.execution import log_contract as log_contract
from tnlearn.execution import log_value_and_gradient as log_value_and_gradient
from tnlearn.execution import ncon as ncon
from tnlearn.execution import value_and_gradient as value_and_gradient
from tnlearn.files import load as load
from tnlearn.files import read as read
from tnlearn.files import save as save
from tnlearn.files import write as write
from tnlearn.inference import assess as assess
from tnlearn.inference import condition as condition
from tnlearn.inference import density_of_states as density_of_states
from tnlearn.inference import entropy as entropy
from tnlearn.inference import expectation as expectation
from tnlearn.inference import fisher_information as fisher_information
from tnlearn.inference import log_partition as log_partition
from tnlearn.inference import marginals as marginals
from tnlearn.inference import mode as mode
from tnlearn.inference import optima as optima
from tnlearn.inference import sample as sample
from tnlearn.inference import susceptibility as susceptibility
from tnlearn.learning import RBM as RBM
from tnlearn.learning import GaussianRBM as GaussianRBM
from tnlearn.learning import MPSClassifier as MPSClassifier
from tnlearn.learning import fit as fit
from tnlearn.network import Tensor as Tensor
from tnlearn.network import TensorNetwork as TensorNetwork
from tnlearn.network.builders import chain as chain
from tnlearn.network.builders import grid as grid
from tnlearn.network.builders import tree as tree
from tnlearn.physics import BayesianNetwork as BayesianNetwork
from tnlearn.physics import BoltzmannMachine as BoltzmannMachine
from tnlearn.physics import Clock as Clock
from tnlearn.physics import FactorGraph as FactorGraph
from tnlearn.physics import HiddenMarkovTree as HiddenMarkovTree
from tnlearn.physics import Hopfield as Hopfield
from tnlearn.physics import Ising as Ising
from tnlearn.physics import MarkovChain as MarkovChain
from tnlearn.physics import Potts as Potts
from tnlearn.physics import RestrictedBoltzmann as RestrictedBoltzmann
from tnlearn.planning import Plan as Plan
from tnlearn.planning import plan as plan
from tnlearn.values import LogValue as LogValue

__version__: str
__all__: list[str]
