"""The graph core: tensors, networks, and the ways of writing one down."""

from tnlearn.network.model import HasEnergies as HasEnergies
from tnlearn.network.model import HasNetwork as HasNetwork
from tnlearn.network.model import Model as Model
from tnlearn.network.model import as_network as as_network
from tnlearn.network.model import as_states as as_states
from tnlearn.network.model import positions_of as positions_of
from tnlearn.network.readonly import ReadOnly as ReadOnly
from tnlearn.network.tensor import Index as Index
from tnlearn.network.tensor import Tensor as Tensor
from tnlearn.network.tensor_network import TensorNetwork as TensorNetwork
