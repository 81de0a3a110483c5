"""The questions of a network alone: its value, its logarithm, its gradient."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from tnlearn.backend import SUM_PRODUCT, Algebra, Input, algebra_of, get_backend
from tnlearn.errors import DataTypeError, PlanError
from tnlearn.execution.cotangents import Cotangent
from tnlearn.execution.crew import Submits
from tnlearn.execution.program import Program
from tnlearn.execution.recipe import widening
from tnlearn.network import HasNetwork, Index, TensorNetwork, as_network
from tnlearn.network.spelling import from_ncon, from_spelling
from tnlearn.planning import Plan, as_bytes, batch_number, dtype_of, plan_for, structure_of
from tnlearn.values import LogValue


def compile(
    thing: TensorNetwork | HasNetwork,
    *,
    batch: Index | None = None,
    constants: Iterable[str] = (),
    plan: Plan | None = None,
    backend: str = "numpy",
    algebra: str | Algebra = "sum-product",
    progress: bool = False,
    executor: Submits | None = None,
    **options: Any,
) -> Program:
    """Plan a contraction and compile it once, to be run as often as you like.

    Parameters
    ----------
    thing : TensorNetwork or model
        Gives the structure, sizes and precision; its arrays are not kept.
    batch : hashable, optional
        An open index whose size is free at every call (samples, temperatures, ...).
    constants : iterable of str
        Names of tensors whose gradient is not wanted, say the data: it is not computed.
    plan : Plan, optional
        A plan made before for the same structure, whose memory limit is kept; by default one is
        made.
    backend : str
        Who does the arithmetic; "auto" for the quickest that can be used here, as predicted, or
        that of the `plan`. ``program.plan.why`` says why.
    algebra : str or tnlearn.backend.Algebra
        What is meant by sums and products. In "max-plus" and "min-plus" entries are added, and
        the value is the best total; in "max-count" and "min-count" the value has a last axis,
        ``(best total, number of ways to attain it)``. Entries are the arrays' own, logarithms of
        log tensors included; -inf (for the min ones, inf) forbids. All these compute in float64.
    progress : bool
        Draw a bar over the slices of runs that take over a second, on a terminal.
    executor : concurrent.futures.Executor, or anything with its ``submit``
        Who computes the slices, if the plan has any: threads, processes (also of loky), a dask
        cluster's ``client.get_executor()``, ``mpi4py.futures``. Each worker takes the memory of
        the plan. The answer has the same bits with any number of workers, and with none. Scripts
        that start processes guard their main part by ``if __name__ == "__main__":``.
    **options
        ``memory_limit``, ``search`` and ``seed`` as for `tnlearn.plan`.

    Raises
    ------
    NetworkError
        If `batch` is not open, or a constant is no tensor of the network.
    PlanError
        If `plan` is for another structure, or none can be made; or the algebra is unknown.
    DataTypeError
        If the network is complex, and the algebra has no complex numbers; or if `executor` has no
        ``submit``.
    """
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise DataTypeError(
            f"executor={executor!r} has no submit: give a concurrent.futures.Executor, or for a "
            "dask client its client.get_executor()"
        )
    network, algebra = as_network(thing), algebra_of(algebra)
    structure, names = structure_of(network)
    number = batch_number(network, names, batch)
    if backend != "auto":
        get_backend(backend)  # If it cannot be used, that is said before a long search.
    if plan is None:
        if algebra != SUM_PRODUCT:
            options["memory_limit"] = _share(options.get("memory_limit"), network, algebra, backend)
        plan = plan_for(network, algebra, backend, batch=batch, **options)
    elif plan.structure != structure or plan.dtype != dtype_of(network):
        raise PlanError(
            f"the plan is for {len(plan.structure.inputs)} tensors in {plan.dtype} of another "
            f"structure or size; make one for this network with tnlearn.plan"
        )
    elif algebra != SUM_PRODUCT:
        limit = _share(plan.memory_limit, network, algebra, backend)
        plan = replace(plan, memory_limit=limit)
    if number in plan.sliced:
        raise PlanError(f"the plan slices the batch index {batch!r}; plan with batch={batch!r}")
    if algebra != SUM_PRODUCT and dtype_of(network).startswith("complex"):
        raise DataTypeError(f"the network is complex, which {algebra.name} is not defined for")
    inputs = [_input(network, k) for k in range(len(network))]
    sharing = [
        ("of", k) if tensor.parameter is None else ("shared", tensor.parameter)
        for k, tensor in enumerate(network.tensors)
    ]
    left_out = frozenset(network.position(name) for name in constants)
    chosen = get_backend(plan.backend if backend == "auto" else backend)
    return Program(plan, chosen, inputs, number, sharing, left_out, progress, executor, algebra)


def contract(*arguments: Any, **options: Any) -> Any:
    """The value of a network: an array on the backend, 0-d for a closed network.

    Parameters
    ----------
    *arguments
        A network or model; or an einsum call, ``"ij,jk->ik", a, b``; or opt_einsum's
        interleaved one, ``a, ["i", "j"], b, ["j", "k"], ["i", "k"]``.
    **options
        ``check_finite=False`` skips the scan for nan and inf; the others as for `compile`.

    Raises
    ------
    RangeError
        If no float can hold the largest magnitude; use `log_contract` then. (It is also an
        OverflowError.)
    """
    program, x = _program(*_network_of(arguments, options))
    return program(x)


def log_contract(*arguments: Any, **options: Any) -> LogValue:
    """The value of a network as phases and natural logarithms of magnitudes.

    Arguments and options are those of `contract`. A true zero is (0, -inf).
    """
    program, x = _program(*_network_of(arguments, options))
    return program.log(x)


def ncon(arrays: Any, labels: Any, **options: Any) -> Any:
    """The contraction of `arrays` by ``ncon`` labels: positive summed, negative open.

    Options are those of `contract`.
    """
    program, x = _program(from_ncon(arrays, labels), options)
    return program(x)


def value_and_gradient(
    thing: TensorNetwork | HasNetwork, cotangent: Cotangent | None = None, **options: Any
) -> tuple[Any, dict[str, Any]]:
    """The value, and its gradient by every tensor's data.

    Parameters
    ----------
    thing : TensorNetwork or model
    cotangent : array_like or callable, optional
        Needed for open outputs; see `Program.value_and_gradient`, also for what the gradient of
        complex data is.
    **options
        As for `contract`.

    Returns
    -------
    value : array
    gradient : dict of str to array
        By tensor name, in the shape of the tensor's data. Tensors that share a parameter all
        have the gradient by that parameter. For log tensors it is by the logarithms. Constants
        are left out.
    """
    network = as_network(thing)
    program, x = _program(network, options)
    value, gradient = program.value_and_gradient(x, cotangent)
    named = zip(network.names, program.unpack(gradient), strict=True)
    return value, {name: array for name, array in named if array is not None}


def log_value_and_gradient(
    thing: TensorNetwork | HasNetwork, cotangent: Cotangent | None = None, **options: Any
) -> tuple[LogValue, dict[str, LogValue]]:
    """The logarithm of the value, and its gradient by every tensor's data, as LogValues.

    Parameters and keys as for `value_and_gradient`.

    Raises
    ------
    RangeError
        If the value is zero.
    """
    network = as_network(thing)
    program, x = _program(network, options)
    value, gradient = program.log_value_and_gradient(x, cotangent)
    named = zip(network.names, program.unpack(gradient, log=True), strict=True)
    return value, {name: array for name, array in named if array is not None}


def _network_of(
    arguments: tuple[Any, ...], options: dict[str, Any]
) -> tuple[TensorNetwork, dict[str, Any]]:
    if len(arguments) == 1 and not isinstance(arguments[0], str):
        return as_network(arguments[0]), options
    return from_spelling(*arguments), options


def _program(network: TensorNetwork, options: dict[str, Any]) -> tuple[Program, Any]:
    check_finite = options.pop("check_finite", True)
    program = compile(network, **options)
    return program, program.pack([t.data for t in network.tensors], check_finite=check_finite)


def _share(
    limit: int | float | str | None, network: TensorNetwork, algebra: Algebra, backend: str
) -> int:
    """The memory limit for a plan that counts one number of the network's dtype per entry."""
    return max(as_bytes(limit, backend) // widening(algebra, dtype_of(network)), 1)


def _input(network: TensorNetwork, position: int) -> Input:
    tensor = network.tensors[position]
    conj = tensor.conj and tensor.dtype.startswith("complex")
    return Input(network.names[position], tensor.log, conj)
