"""From a plan to values: instructions, programs, slices and gradients."""

from tnlearn.execution.backwards import Record as Record
from tnlearn.execution.backwards import Walker as Walker
from tnlearn.execution.integers import combined as combined
from tnlearn.execution.integers import integer_contract as integer_contract
from tnlearn.execution.integers import primes_of as primes_of
from tnlearn.execution.packed import Packed as Packed
from tnlearn.execution.program import Program as Program
from tnlearn.execution.questions import compile as compile
from tnlearn.execution.questions import contract as contract
from tnlearn.execution.questions import log_contract as log_contract
from tnlearn.execution.questions import log_value_and_gradient as log_value_and_gradient
from tnlearn.execution.questions import ncon as ncon
from tnlearn.execution.questions import value_and_gradient as value_and_gradient
from tnlearn.execution.recipe import widening as widening
