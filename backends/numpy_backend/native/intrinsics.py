"""What numba does not offer: plain pointers, and BLAS by address."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import get_cython_function_address, intrinsic

#: BLAS's matrix product by the kind of number, as SciPy links it.
GEMM = {"float32": "sgemm", "float64": "dgemm", "complex64": "cgemm", "complex128": "zgemm"}


def gemm_address(dtype: str) -> int:
    """Where the matrix product of a dtype is: passed at run time, so that kernels can be cached."""
    return int(get_cython_function_address("scipy.linalg.cython_blas", GEMM[dtype]))


@intrinsic
def pointer_to(_context: Any, array: Any) -> Any:
    """The address of an array's entries: a plain number to pass on, where an array is seven."""
    signature = types.CPointer(array.dtype)(array)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return context.make_array(signature.args[0])(context, builder, arguments[0]).data

    return signature, generate


@intrinsic
def moved(_context: Any, pointer: Any, index: Any) -> Any:
    """The address of an entry further on."""
    signature = pointer(pointer, types.int64)

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.gep(arguments[0], [arguments[1]], inbounds=True)

    return signature, generate


@intrinsic
def address_of(_context: Any, pointer: Any) -> Any:
    """An address as an integer."""
    signature = types.int64(pointer)

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ptrtoint(arguments[0], ir.IntType(64))

    return signature, generate


@intrinsic
def peek(_context: Any, pointer: Any, index: Any) -> Any:
    """``pointer[index]``; a negative index is not counted from the end, so loops vectorise."""
    signature = pointer.dtype(pointer, types.int64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        entry = builder.gep(arguments[0], [arguments[1]], inbounds=True)
        return context.unpack_value(builder, signature.return_type, entry)

    return signature, generate


@intrinsic
def poke(_context: Any, pointer: Any, index: Any, value: Any) -> Any:
    """``pointer[index] = value``, likewise."""
    signature = types.void(pointer, types.int64, pointer.dtype)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        entry = builder.gep(arguments[0], [arguments[1]], inbounds=True)
        context.pack_value(builder, signature.args[0].dtype, arguments[2], entry)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def call_gemm(
    _context: Any,
    address: Any,
    transpose_a: Any,
    transpose_b: Any,
    m: Any,
    n: Any,
    k: Any,
    alpha: Any,
    a: Any,
    stride_a: Any,
    b: Any,
    stride_b: Any,
    beta: Any,
    c: Any,
    stride_c: Any,
) -> Any:
    """BLAS's ``gemm``, every argument the address of what it reads or writes."""
    signature = types.void(*([types.int64] * 14))

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        pointer = ir.IntType(8).as_pointer()
        function = ir.FunctionType(ir.VoidType(), [pointer] * 13)
        target = builder.inttoptr(arguments[0], function.as_pointer())
        builder.call(target, [builder.inttoptr(x, pointer) for x in arguments[1:]])
        return context.get_dummy_value()

    return signature, generate
