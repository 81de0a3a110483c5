"""The door between the engine and the libraries that do the arithmetic."""

from tnlearn.backend.algebra import LARGEST_MODULUS as LARGEST_MODULUS
from tnlearn.backend.algebra import MAX_PLUS as MAX_PLUS
from tnlearn.backend.algebra import MIN_PLUS as MIN_PLUS
from tnlearn.backend.algebra import SUM_PRODUCT as SUM_PRODUCT
from tnlearn.backend.algebra import Algebra as Algebra
from tnlearn.backend.algebra import algebra_of as algebra_of
from tnlearn.backend.algebra import best_few as best_few
from tnlearn.backend.algebra import counting as counting
from tnlearn.backend.algebra import modulo as modulo
from tnlearn.backend.calibrated import machine_of as machine_of
from tnlearn.backend.discovery import get_backend as get_backend
from tnlearn.backend.discovery import installed as installed
from tnlearn.backend.instructions import Add as Add
from tnlearn.backend.instructions import Contract as Contract
from tnlearn.backend.instructions import Expand as Expand
from tnlearn.backend.instructions import Input as Input
from tnlearn.backend.instructions import Instruction as Instruction
from tnlearn.backend.instructions import Instructions as Instructions
from tnlearn.backend.instructions import Labels as Labels
from tnlearn.backend.instructions import Reduce as Reduce
from tnlearn.backend.instructions import sources as sources
from tnlearn.backend.protocol import Backend as Backend
from tnlearn.backend.protocol import Executable as Executable
from tnlearn.backend.protocol import Machine as Machine
from tnlearn.backend.protocol import Scaled as Scaled
