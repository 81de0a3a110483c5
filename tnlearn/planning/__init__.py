"""Structure only: orders of contraction, their cost, and slicing to a memory limit."""

from tnlearn.planning.blocks import Block as Block
from tnlearn.planning.blocks import fit_blocks as fit_blocks
from tnlearn.planning.comparison import Plans as Plans
from tnlearn.planning.comparison import candidates as candidates
from tnlearn.planning.cost import Cost as Cost
from tnlearn.planning.cost import cut as cut
from tnlearn.planning.memory import as_bytes as as_bytes
from tnlearn.planning.plan import Plan as Plan
from tnlearn.planning.plan import readable_bytes as readable_bytes
from tnlearn.planning.plan import readable_seconds as readable_seconds
from tnlearn.planning.planner import batch_number as batch_number
from tnlearn.planning.planner import dtype_of as dtype_of
from tnlearn.planning.planner import flops_of_elimination as flops_of_elimination
from tnlearn.planning.planner import judge_of as judge_of
from tnlearn.planning.planner import plan as plan
from tnlearn.planning.planner import plan_for as plan_for
from tnlearn.planning.search import Search as Search
from tnlearn.planning.structure import Structure as Structure
from tnlearn.planning.structure import structure_of as structure_of
from tnlearn.planning.sweep import Step as Step
from tnlearn.planning.sweep import Sweep as Sweep
from tnlearn.planning.sweeping import FittedSweep as FittedSweep
from tnlearn.planning.sweeping import fit_sweep as fit_sweep
from tnlearn.planning.sweeping import fits_for_sure as fits_for_sure
from tnlearn.planning.sweeping import keep_limit as keep_limit
from tnlearn.planning.walk import Pair as Pair
