"""Questions asked of any model or network, and what their answers cost."""

from tnlearn.inference.approximate.annealing import Annealed as Annealed
from tnlearn.inference.approximate.annealing import anneal as anneal
from tnlearn.inference.approximate.annealing import average_weight as average_weight
from tnlearn.inference.approximate.beliefs import Beliefs as Beliefs
from tnlearn.inference.approximate.beliefs import propagate_beliefs as propagate_beliefs
from tnlearn.inference.assessment import Verdict as Verdict
from tnlearn.inference.assessment import assess as assess
from tnlearn.inference.averages import Term as Term
from tnlearn.inference.averages import entropy as entropy
from tnlearn.inference.averages import expectation as expectation
from tnlearn.inference.conditioning import condition as condition
from tnlearn.inference.conditioning import evidence_positions as evidence_positions
from tnlearn.inference.density import density_of_states as density_of_states
from tnlearn.inference.enumeration import optima as optima
from tnlearn.inference.fluctuations import fisher_information as fisher_information
from tnlearn.inference.fluctuations import susceptibility as susceptibility
from tnlearn.inference.log_value import LogPartition as LogPartition
from tnlearn.inference.marginals import marginals as marginals
from tnlearn.inference.mode import Mode as Mode
from tnlearn.inference.mode import mode as mode
from tnlearn.inference.partition import NotConverged as NotConverged
from tnlearn.inference.partition import log_partition as log_partition
from tnlearn.inference.sampling import sample as sample
from tnlearn.inference.shortcuts import Shortcut as Shortcut
