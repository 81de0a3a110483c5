"""What numba does not offer: plain pointers, and calls by address."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic


@intrinsic
def pointer_at(_context: Any, address: Any, kind: Any) -> Any:
    """An address, an integer, as a pointer to numbers of a kind."""
    signature = types.CPointer(kind.instance_type)(types.int64, kind)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = context.get_value_type(signature.return_type)
        return builder.inttoptr(arguments[0], pointer)

    return signature, generate


@intrinsic
def moved(_context: Any, pointer: Any, index: Any) -> Any:
    """The address of an entry further on."""
    signature = pointer(pointer, types.int64)

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.gep(arguments[0], [arguments[1]], inbounds=True)

    return signature, generate


@intrinsic
def as_real(_context: Any, pointer: Any, real: Any) -> Any:
    """A pointer to entries as one to the real numbers in them, of the type of another pointer."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(signature.return_type))

    return real(pointer, real), generate


@intrinsic
def address_of(_context: Any, pointer: Any) -> Any:
    """An address as an integer."""
    signature = types.int64(pointer)

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ptrtoint(arguments[0], ir.IntType(64))

    return signature, generate


@intrinsic
def as_entry(_context: Any, pointer: Any, value: Any) -> Any:
    """A number in the precision of what a pointer points to, so that loops stay in it."""
    signature = pointer.dtype(pointer, types.float64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return context.cast(builder, arguments[1], types.float64, signature.return_type)

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
def power_of_two(_context: Any, power: Any) -> Any:
    """``2.0**power`` for the powers of normal numbers, from its bits."""
    signature = types.float64(types.int64)

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        integer = ir.IntType(64)
        biased = builder.add(arguments[0], ir.Constant(integer, 1023))
        return builder.bitcast(builder.shl(biased, ir.Constant(integer, 52)), ir.DoubleType())

    return signature, generate


@intrinsic
def exponent_bits(_context: Any, value: Any) -> Any:
    """The bits of a positive float64 that say its power of two: 0 for a subnormal number."""
    signature = types.int64(types.float64)

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        integer = ir.IntType(64)
        bits = builder.bitcast(arguments[0], integer)
        return builder.lshr(bits, ir.Constant(integer, 52))

    return signature, generate


@intrinsic
def magnitude_bits(_context: Any, pointer: Any, index: Any) -> Any:
    """The bits of a real entry without its sign: unsigned, and in the order of magnitudes."""
    width = pointer.dtype.bitwidth
    signature = (types.uint32 if width == 32 else types.uint64)(pointer, types.int64)

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        entry = builder.load(builder.gep(arguments[0], [arguments[1]], inbounds=True))
        integer = ir.IntType(width)
        bits = builder.bitcast(entry, integer)
        return builder.and_(bits, ir.Constant(integer, (1 << (width - 1)) - 1))

    return signature, generate


@intrinsic
def magnitude_of(_context: Any, pointer: Any, bits: Any) -> Any:
    """The number that has these bits."""
    signature = types.float64(pointer, bits)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        real = signature.args[0].dtype
        number = builder.bitcast(arguments[1], context.get_value_type(real))
        return context.cast(builder, number, real, types.float64)

    return signature, generate


def _choosing(sign: str, text: str) -> Any:
    """One of two unsigned integers, chosen without leaving their width."""

    def chosen(_context: Any, first: Any, second: Any) -> Any:
        def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            first, second = arguments
            return builder.select(builder.icmp_unsigned(sign, first, second), first, second)

        return first(first, second), generate

    chosen.__doc__ = text
    return intrinsic(chosen)


larger = _choosing(">", "The larger of two unsigned integers.")
smaller = _choosing("<", "The smaller of two unsigned integers.")


@intrinsic
def plus(_context: Any, bits: Any, number: Any) -> Any:
    """An unsigned integer and a number, modulo the range: one less than 0 is the largest."""
    signature = bits(bits, types.int64)

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.add(
            arguments[0],
            builder.trunc(arguments[1], arguments[0].type)
            if arguments[0].type.width < 64
            else arguments[1],
        )

    return signature, generate
