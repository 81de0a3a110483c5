"""One adapter per library; a library is imported when its adapter is asked to prepare."""

from benchmarks.peers.base import Peer as Peer
from benchmarks.peers.base import Runner as Runner
from benchmarks.peers.cotengra_peer import Cotengra
from benchmarks.peers.jax_peer import Jax
from benchmarks.peers.on_devices import CuTensorNet, TnlearnOn, others
from benchmarks.peers.opt_einsum_peer import OptEinsum
from benchmarks.peers.places import PLACES
from benchmarks.peers.quimb_peer import Quimb
from benchmarks.peers.tensorkrowch_peer import TensorKrowch
from benchmarks.peers.tensornetwork_peer import TensorNetwork
from benchmarks.peers.tnlearn_peer import TnlearnArrays, TnlearnPacked
from benchmarks.peers.torch_loop import TorchLoop
from benchmarks.peers.torch_peer import Torch

#: In the order of the results; the first is what ratios refer to.
PEERS: tuple[Peer, ...] = (
    TnlearnPacked(),
    TnlearnArrays(),
    Cotengra(),
    Quimb(),
    OptEinsum(),
    TensorNetwork(),
    Jax(),
    Torch(),
    TorchLoop(),
    TensorKrowch(),
)

#: Those of the suite for devices, in every place that there may be.
ON_DEVICES: tuple[Peer, ...] = (
    TnlearnPacked(),
    *map(TnlearnOn, PLACES),
    Cotengra(),
    *(peer for place in PLACES for peer in others(place)),
    Jax(),
    CuTensorNet(),
)


def peers_of(suite: str) -> tuple[Peer, ...]:
    """Who takes part in a suite, if it is there."""
    return ON_DEVICES if suite == "gpu" else PEERS
