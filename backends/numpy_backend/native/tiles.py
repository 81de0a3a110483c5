"""The innermost loop of matrix products: one tile of the target in registers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from tnlearn_backends.numpy_backend.native.vectors import Tile, tile

INT64, INT32 = ir.IntType(64), ir.IntType(32)


@intrinsic
def tile_rows(_context: Any, pointer: Any) -> Any:
    """Rows of a tile of such numbers: known when the kernel is compiled."""
    return _constant(pointer, tile(pointer.dtype.bitwidth // 8).rows)


@intrinsic
def tile_columns(_context: Any, pointer: Any) -> Any:
    """Columns of a tile."""
    return _constant(pointer, tile(pointer.dtype.bitwidth // 8).columns)


@intrinsic
def tile_lanes(_context: Any, pointer: Any) -> Any:
    """Numbers in a vector."""
    return _constant(pointer, tile(pointer.dtype.bitwidth // 8).lanes)


def _constant(pointer: Any, number: int) -> Any:
    def generate(_context: Any, _builder: Any, _signature: Any, _arguments: Any) -> Any:
        return INT64(number)

    return types.int64(pointer), generate


@intrinsic
def multiply_tile(
    _context: Any,
    target: Any,
    places: Any,
    kept: Any,
    rows: Any,
    at: Any,
    columns: Any,
    terms: Any,
) -> Any:
    """``target[places[j] + i] = sum_k rows[at[k] + i] columns[k, j]`` for all ``i, j`` of a tile.

    If `kept` is 1 it is added to what is there. The entries of `columns` lie row by row.
    """
    shape = tile(target.dtype.bitwidth // 8)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        target, places, kept, rows, at, columns, terms = arguments
        number = context.get_value_type(signature.args[0].dtype)
        bits = signature.args[0].dtype.bitwidth
        vector = ir.VectorType(number, shape.lanes)
        name = f"llvm.fmuladd.v{shape.lanes}f{bits}"
        kind = ir.FunctionType(vector, [vector] * 3)
        fused = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
        before = builder.block
        loop, after = builder.append_basic_block("terms"), builder.append_basic_block("sums")
        builder.branch(loop)
        builder.position_at_end(loop)
        term = builder.phi(INT64)
        term.add_incoming(INT64(0), before)
        count = shape.rows // shape.lanes
        sums = [[builder.phi(vector) for _ in range(count)] for _ in range(shape.columns)]

        def vector_at(pointer: Any, index: int) -> Any:
            place = builder.gep(pointer, [INT64(index)], inbounds=True)
            return builder.bitcast(place, vector.as_pointer())

        run = builder.gep(rows, [builder.load(builder.gep(at, [term], inbounds=True))])
        left = [
            builder.load(vector_at(run, k * shape.lanes), align=bits // 8) for k in range(count)
        ]
        row = builder.gep(columns, [builder.mul(term, INT64(shape.columns))], inbounds=True)
        news = []
        for j, column in enumerate(sums):
            one = builder.load(builder.gep(row, [INT64(j)], inbounds=True))
            anything = ir.Constant(vector, ir.Undefined)
            single = builder.insert_element(anything, one, INT32(0))
            everywhere = ir.Constant(ir.VectorType(INT32, shape.lanes), None)
            right = builder.shuffle_vector(single, anything, everywhere)
            news.append(
                [builder.call(fused, [x, right, y]) for x, y in zip(left, column, strict=True)]
            )
        following = builder.add(term, INT64(1))
        term.add_incoming(following, loop)
        for column, new in zip(sums, news, strict=True):
            for old, value in zip(column, new, strict=True):
                old.add_incoming(ir.Constant(vector, None), before)
                old.add_incoming(value, loop)
        builder.cbranch(builder.icmp_signed("<", following, terms), loop, after)
        builder.position_at_end(after)

        def store(adds: bool) -> None:
            for j, new in enumerate(news):
                offset = builder.load(builder.gep(places, [INT64(j)], inbounds=True))
                column = builder.gep(target, [offset], inbounds=True)
                for k, value in enumerate(new):
                    place = vector_at(column, k * shape.lanes)
                    if adds:
                        value = builder.fadd(value, builder.load(place, align=bits // 8))
                    builder.store(value, place, align=bits // 8)

        with builder.if_else(builder.icmp_signed("==", kept, INT64(1))) as (then, otherwise):
            with then:
                store(True)
            with otherwise:
                store(False)
        return context.get_dummy_value()

    return types.void(target, places, types.int64, rows, at, columns, types.int64), generate


def _copying(length: Callable[[Tile], int], text: str) -> Any:
    """A copy of a fixed number of entries, in vectors."""

    def copy(_context: Any, target: Any, source: Any) -> Any:
        shape = tile(target.dtype.bitwidth // 8)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            number = context.get_value_type(signature.args[0].dtype)
            align = signature.args[0].dtype.bitwidth // 8
            lanes = min(shape.lanes, length(shape))
            kind = ir.VectorType(number, lanes).as_pointer()
            for start in range(0, length(shape), lanes):
                to, source = (
                    builder.bitcast(builder.gep(x, [INT64(start)], inbounds=True), kind)
                    for x in arguments
                )
                builder.store(builder.load(source, align=align), to, align=align)
            return context.get_dummy_value()

        return types.void(target, source), generate

    copy.__doc__ = text
    return intrinsic(copy)


copy_rows = _copying(lambda shape: shape.rows, "As many entries as a tile has rows.")
copy_vector = _copying(lambda shape: shape.lanes, "As many entries as a vector has.")
copy_columns = _copying(lambda shape: shape.columns, "As many entries as a tile has columns.")


@intrinsic
def square_side(_context: Any, pointer: Any) -> Any:
    """Side of the squares that `transpose_square` turns."""
    shape = tile(pointer.dtype.bitwidth // 8)
    return _constant(pointer, min(shape.lanes, shape.columns))


@intrinsic
def transpose_square(_context: Any, target: Any, stride: Any, source: Any, places: Any) -> Any:
    """``target[k * stride + i] = source[places[i] + k]``, in vectors."""
    shape = tile(target.dtype.bitwidth // 8)
    side = min(shape.lanes, shape.columns)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        target, stride, source, places = arguments
        number = context.get_value_type(signature.args[0].dtype)
        align = signature.args[0].dtype.bitwidth // 8
        vector = ir.VectorType(number, side)

        def vector_at(pointer: Any, index: Any) -> Any:
            place = builder.gep(pointer, [index], inbounds=True)
            return builder.bitcast(place, vector.as_pointer())

        lines = []
        for i in range(side):
            place = builder.load(builder.gep(places, [INT64(i)], inbounds=True))
            lines.append(builder.load(vector_at(source, place), align=align))
        step = 1
        while step < side:
            # Squares of this side change places across the diagonal, in all pairs of lines.
            low = [k if not k & step else side + k - step for k in range(side)]
            high = [k + step if not k & step else side + k for k in range(side)]
            masks = [ir.Constant(ir.VectorType(INT32, side), chosen) for chosen in (low, high)]
            for i in range(side):
                if not i & step:
                    pair = lines[i], lines[i | step]
                    lines[i], lines[i | step] = (builder.shuffle_vector(*pair, m) for m in masks)
            step *= 2
        for k, line in enumerate(lines):
            builder.store(line, vector_at(target, builder.mul(stride, INT64(k))), align=align)
        return context.get_dummy_value()

    return types.void(target, types.int64, source, places), generate
