"""Libraries with their arrays in a place: packing is the transfer, and every run is waited for."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import tnlearn as tnl
from benchmarks.bound import Rates
from benchmarks.instances import Answer, Arrays, Instance
from benchmarks.orders import Order
from benchmarks.peers.base import Peer, Runner
from benchmarks.peers.cotengra_peer import Cotengra
from benchmarks.peers.opt_einsum_peer import OptEinsum
from benchmarks.peers.places import OnCupy, Place


class OnPlace(Peer):
    """A peer in a place, which says how it is waited for and what it could reach."""

    def __init__(self, place: Place, of: str) -> None:
        self._place = place
        self.name = f"{of} {place.name}"  # type: ignore[misc]
        self.distribution, self.module = place.distributions[0], place.library  # type: ignore[misc]

    def version(self) -> str | None:
        """Of the library that holds the arrays; None without the device."""
        return self._place.version()

    def device(self) -> str:
        """The name of the device; nothing for the processor."""
        return self._place.device() or ""

    def rates(self, dtype: str) -> Rates | None:
        """Of the device."""
        return self._place.rates(dtype)

    @property
    def backend(self) -> str:
        """Tnlearn's name for the library."""
        return self._place.library

    def synchronize(self) -> None:
        """Wait until all is done in the place."""
        self._place.synchronize()

    def objection(self, instance: Instance) -> str | None:
        """None: hyperedges are fine."""
        return None

    def waited(self, run: Callable[[Any], Any], pack: Callable[[Arrays], Any]) -> Runner:
        """A runner whose results and transfers are complete."""
        place = self._place

        def complete(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
            def call(argument: Any) -> Any:
                result = function(argument)
                place.synchronize()
                return result

            return call

        return Runner(complete(run), complete(pack), lambda value: Answer(place.get(value)))

    def put(self, arrays: Arrays) -> list[Any]:
        """All arrays there."""
        return [self._place.put(array) for array in arrays]


class TnlearnOn(OnPlace):
    """tnlearn with a backend's own order, by the machine model of the place."""

    planners = ()
    slices = True

    def __init__(self, place: Place) -> None:
        super().__init__(place, "tnlearn")

    def prepare(self, instance: Instance, task: str, order: Order | None, mode: str) -> Runner:
        """Plan and compile; arrays are moved there and then packed."""
        self.put(instance.sets[0][:1])
        program = tnl.compile(
            instance.network, backend=self._place.library, batch=instance.batch, cache=False
        )
        return self.waited(program, lambda arrays: program.pack(self.put(arrays)))


class EinsumOn(OnPlace):
    """A library that contracts the arrays of others, in the better of two orders."""

    def __init__(self, place: Place, peer: Peer) -> None:
        super().__init__(place, peer.name)
        self._peer = peer
        self.planners = peer.planners  # type: ignore[misc]

    def version(self) -> str | None:
        """Of the library that holds the arrays, if both are there."""
        return self._peer.version() and self._place.version()

    def prepare(self, instance: Instance, task: str, order: Order | None, mode: str) -> Runner:
        """Its expression, called with arrays in the place."""
        return self.waited(self._peer.prepare(instance, task, order, mode).run, self.put)


class CuTensorNet(OnPlace):
    """NVIDIA's own, with the order it finds for itself."""

    planners = ()

    def __init__(self) -> None:
        super().__init__(OnCupy(), "cuTensorNet")

    def version(self) -> str | None:
        """Of CuPy, if cuQuantum's Python is there, too."""
        return self._place.version() if find_spec("cuquantum") else None

    def prepare(self, instance: Instance, task: str, order: Order | None, mode: str) -> Runner:
        """A network whose operands are replaced at every run."""
        from cuquantum.tensornet import Network

        pairs = zip(self.put(instance.sets[0]), instance.inputs, strict=True)
        interleaved = [part for pair in pairs for part in pair]
        network = Network(*interleaved, instance.output)
        network.contract_path()

        def run(arrays: list[Any]) -> Any:
            network.reset_operands(*arrays)
            return network.contract()

        return self.waited(run, self.put)


def others(place: Place) -> list[Peer]:
    """Libraries that contract the arrays of a place."""
    return [EinsumOn(place, Cotengra()), EinsumOn(place, OptEinsum())]
