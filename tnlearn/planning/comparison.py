"""Plans of one network for several backends, side by side, and which of them is quickest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from tnlearn.backend import SUM_PRODUCT, Algebra, Machine, get_backend, installed, reason_against
from tnlearn.errors import BackendError
from tnlearn.network import TensorNetwork
from tnlearn.planning.cost import least_bytes
from tnlearn.planning.plan import Plan, readable_bytes, readable_seconds


@dataclass(frozen=True)
class Outlook:
    """What a plan takes on its machine, split by what the seconds are spent on.

    Attributes
    ----------
    plan : Plan
    machine : Machine
        Whose model predicts the seconds.
    transfer : float
        Seconds for the arrays to the machine and the result back; 0 where they are there.
    absent : str
        Why the backend cannot be used here; nothing if it can.
    """

    plan: Plan
    machine: Machine
    transfer: float
    absent: str

    @property
    def starts(self) -> float:
        """Seconds to start the steps."""
        return self.plan.cost.starts * self.machine.latency

    @property
    def traffic(self) -> float:
        """Seconds to read and write tensors."""
        return self.plan.cost.bytes_moved / self.machine.bandwidth

    @property
    def arithmetic(self) -> float:
        """Seconds of operations."""
        return max(self.plan.cost.seconds - self.starts - self.traffic, 0.0)

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.plan.cost.seconds + self.transfer

    @property
    def most(self) -> str:
        """What most of the time is spent on."""
        spent = {
            f"{self.plan.cost.starts:,} starts": self.starts,
            f"{readable_bytes(self.plan.cost.bytes_moved)} moved": self.traffic,
            f"{self.plan.cost.flops:.1e} flops": self.arithmetic,
            "transfers": self.transfer,
        }
        return max(spent, key=spent.__getitem__)


@dataclass(frozen=True)
class Plans:
    """Plans of one network for several backends; print it for a table with a column for each."""

    outlooks: tuple[Outlook, ...]

    def __len__(self) -> int:
        return len(self.outlooks)

    def __iter__(self) -> Iterator[Plan]:
        return (outlook.plan for outlook in self.outlooks)

    def __getitem__(self, position: int) -> Plan:
        return self.outlooks[position].plan

    @property
    def best(self) -> Plan:
        """The plan of fewest predicted seconds, transfers included, that can be run here.

        It says why in its `why`. Of equals the first.

        Raises
        ------
        BackendError
            If none of the backends can be used here.
        """
        usable = [outlook for outlook in self.outlooks if not outlook.absent]
        if not usable:
            raise BackendError("; ".join(outlook.absent for outlook in self.outlooks))
        best = min(usable, key=lambda outlook: outlook.seconds)
        parts = [f"{_said(best)}, most of it for {best.most}"]
        parts += [
            f"{_said(other)}, most of it for {other.most}" for other in usable if other is not best
        ]
        return replace(best.plan, why="; ".join(parts))

    def __str__(self) -> str:
        rows = [("Plan", *(plan.backend for plan in self))]
        rows += [(title, *map(cell, self.outlooks)) for title, cell in CELLS.items()]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            " " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            for row in rows
        ]
        rule = "─" * max(map(len, lines))
        notes = [f" {outlook.absent}" for outlook in self.outlooks if outlook.absent]
        return "\n".join(line.rstrip() for line in [rule, lines[0], rule, *lines[1:], rule, *notes])


CELLS: dict[str, Callable[[Outlook], str]] = {
    "machine": lambda outlook: outlook.machine.name,
    "here": lambda outlook: "no" if outlook.absent else "yes",
    "order": lambda outlook: outlook.plan.order,
    "flops": lambda outlook: f"{outlook.plan.cost.flops:.3e}",
    "bytes moved": lambda outlook: readable_bytes(outlook.plan.cost.bytes_moved),
    "peak memory": lambda outlook: readable_bytes(outlook.plan.cost.peak_bytes),
    "slices": lambda outlook: f"{outlook.plan.cost.slices:,}",
    "starts": lambda outlook: f"{outlook.plan.cost.starts:,}",
    "for starts": lambda outlook: readable_seconds(outlook.starts),
    "for bytes": lambda outlook: readable_seconds(outlook.traffic),
    "for flops": lambda outlook: readable_seconds(outlook.arithmetic),
    "transfers": lambda outlook: readable_seconds(outlook.transfer),
    "predicted": lambda outlook: readable_seconds(outlook.seconds),
}


def _said(outlook: Outlook) -> str:
    return f"{outlook.plan.backend} {readable_seconds(outlook.seconds)}"


def outlook(plan: Plan, machine: Machine, network: TensorNetwork) -> Outlook:
    """A plan with what it takes to bring the arrays there that are not."""
    absent = reason_against(plan.backend)
    here = all(not hasattr(tensor.data, "__cuda_array_interface__") for tensor in network)
    moved = least_bytes(plan.structure, plan.dtype) if here and machine.transfer else 0
    return Outlook(plan, machine, moved / (machine.transfer or 1.0), absent)


def candidates(network: TensorNetwork, algebra: Algebra = SUM_PRODUCT) -> list[str]:
    """The backends that can be used here, take the network's arrays and know the algebra.

    NumPy's comes first, so that it is taken where nothing speaks for another.

    Raises
    ------
    BackendError
        If there is none.
    """
    names = sorted(installed(), key=lambda name: (name != "numpy", name))
    usable = [name for name in names if not reason_against(name)]
    found = [name for name in usable if _takes(name, network, algebra)]
    if not found:
        raise BackendError(
            f"backend='auto' finds none that holds these arrays and knows {algebra.name}; "
            f"there are {', '.join(usable)}"
        )
    return found


def _takes(name: str, network: TensorNetwork, algebra: Algebra) -> bool:
    backend = get_backend(name)
    knows = algebra.kind not in backend.gaps
    return knows and all(backend.holds(tensor.data) for tensor in network)
