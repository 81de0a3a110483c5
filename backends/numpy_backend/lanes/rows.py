"""Arithmetic on rows: as many numbers as are computed at once, in vectors of the processor."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from tnlearn_backends.numpy_backend.lanes.columns import ROW
from tnlearn_backends.numpy_backend.native.vectors import tile

INT64 = ir.IntType(64)


@intrinsic
def row_length(_context: Any, pointer: Any) -> Any:
    """Numbers in a row: known when the kernel is compiled."""

    def generate(_context: Any, _builder: Any, _signature: Any, _arguments: Any) -> Any:
        return INT64(ROW * 8 // pointer.dtype.bitwidth)

    return types.int64(pointer), generate


@intrinsic
def fetch_ahead(_context: Any, pointer: Any, index: Any) -> Any:
    """Have an entry brought near that is read soon."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        int32, byte = ir.IntType(32), ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [byte, int32, int32, int32])
        name = "llvm.prefetch.p0i8"
        known = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
        entry = builder.gep(arguments[0], [arguments[1]])
        # To be read, soon and more than once, as data.
        builder.call(known, [builder.bitcast(entry, byte), int32(0), int32(3), int32(1)])
        return _context.get_dummy_value()

    return types.void(pointer, types.int64), generate


def _summing(count: int, kept: int, text: str) -> Any:
    """A sum of so many products, in place of a row, or added to it (1) or subtracted (-1)."""

    def add_up(_context: Any, arena: Any, target: Any, pairs: Any) -> Any:
        lanes = tile(arena.dtype.bitwidth // 8).lanes
        length, align = ROW * 8 // arena.dtype.bitwidth, arena.dtype.bitwidth // 8

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            arena, target, pairs = arguments
            number = context.get_value_type(signature.args[0].dtype)
            vector = ir.VectorType(number, lanes)
            bits = signature.args[0].dtype.bitwidth
            name = f"llvm.fmuladd.v{lanes}f{bits}"
            kind = ir.FunctionType(vector, [vector] * 3)
            fused = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)

            def offset(index: int) -> Any:
                return builder.load(builder.gep(pairs, [INT64(index)], inbounds=True))

            def place(start: Any, at: int) -> Any:
                entry = builder.gep(arena, [builder.add(start, INT64(at))], inbounds=True)
                return builder.bitcast(entry, vector.as_pointer())

            starts = [offset(index) for index in range(2 * count)]
            for at in range(0, length, lanes):
                loads = [builder.load(place(start, at), align=align) for start in starts]
                total = builder.load(place(target, at), align=align) if kept else None
                for one, other in zip(loads[::2], loads[1::2], strict=True):
                    if kept < 0:
                        one = builder.fneg(one)
                    if total is None:
                        total = builder.fmul(one, other)
                    else:
                        total = builder.call(fused, [one, other, total])
                builder.store(total, place(target, at), align=align)
            return context.get_dummy_value()

        return types.void(arena, types.int64, pairs), generate

    add_up.__doc__ = text
    return intrinsic(add_up)


@intrinsic
def look(_context: Any, row: Any, largest: Any, smallest: Any) -> Any:
    """Widen what was seen of magnitudes, lane by lane, by those of a row; zeros do not count."""
    lanes = tile(row.dtype.bitwidth // 8).lanes
    length, align = ROW * 8 // row.dtype.bitwidth, row.dtype.bitwidth // 8

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = ir.VectorType(context.get_value_type(signature.args[0].dtype), lanes)
        row, *seen = (builder.bitcast(pointer, vector.as_pointer()) for pointer in arguments)
        name = f"llvm.fabs.v{lanes}f{signature.args[0].dtype.bitwidth}"
        kind = ir.FunctionType(vector, [vector])
        magnitude = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
        top, least = (builder.load(pointer, align=align) for pointer in seen)
        zero = ir.Constant(vector, None)
        for at in range(length // lanes):
            entry = builder.load(builder.gep(row, [INT64(at)], inbounds=True), align=align)
            size = builder.call(magnitude, [entry])
            top = builder.select(builder.fcmp_ordered(">", size, top), size, top)
            smaller = builder.fcmp_ordered("<", size, least)
            counts = builder.and_(smaller, builder.fcmp_ordered(">", size, zero))
            least = builder.select(counts, size, least)
        for pointer, value in zip(seen, (top, least), strict=True):
            builder.store(value, pointer, align=align)
        return context.get_dummy_value()

    return types.void(row, row, row), generate


set_one = _summing(1, 0, "A row as a product of two others.")
set_two = _summing(2, 0, "A row as a sum of two products.")
set_four = _summing(4, 0, "A row as a sum of four products.")
add_one = _summing(1, 1, "A product added to a row.")
add_four = _summing(4, 1, "Four products added to a row.")
subtract_one = _summing(1, -1, "A product subtracted from a row.")
subtract_four = _summing(4, -1, "Four products subtracted from a row.")
