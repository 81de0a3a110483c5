"""Structure only: orders of contraction, their cost, and slicing to a memory limit."""

from tnlearn.planning.cost import Cost as Cost
from tnlearn.planning.cost import cut as cut
from tnlearn.planning.cost import least_bytes as least_bytes
from tnlearn.planning.memory import as_bytes as as_bytes
from tnlearn.planning.plan import Plan as Plan
from tnlearn.planning.planner import batch_number as batch_number
from tnlearn.planning.planner import dtype_of as dtype_of
from tnlearn.planning.planner import plan as plan
from tnlearn.planning.planner import resliced as resliced
from tnlearn.planning.search import Search as Search
from tnlearn.planning.structure import Structure as Structure
from tnlearn.planning.structure import structure_of as structure_of
from tnlearn.planning.walk import Pair as Pair
