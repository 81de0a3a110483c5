"""The innermost loop of matrix products: one tile of the target in registers."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
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


def _multiplying(vectors: int, text: str) -> Any:
    """A tile of so many vectors of rows."""

    def multiply(
        _context: Any,
        target: Any,
        places: Any,
        kept: Any,
        rows: Any,
        at: Any,
        columns: Any,
        terms: Any,
    ) -> Any:
        shape = tile(target.dtype.bitwidth // 8)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            target, places, kept, rows, at, columns, terms = arguments
            real = signature.args[0].dtype
            number = context.get_value_type(real)
            writer = _TileWriter(builder, shape, vectors, number, real.bitwidth)
            sums = writer.sums(rows, at, columns, terms)
            writer.store(sums, target, places, kept)
            return context.get_dummy_value()

        return types.void(target, places, types.int64, rows, at, columns, types.int64), generate

    multiply.__doc__ = text
    return intrinsic(multiply)


multiply_tile = _multiplying(
    2,
    """``target[places[j] + i] = sum_k rows[at[k] + i] columns[k, j]`` for all ``i, j`` of a tile.

    If `kept` is 1 it is added to what is there, if it is 2 multiplied. The entries of `columns`
    lie row by row.
    """,
)
multiply_half_tile = _multiplying(1, "The same for as many rows as a vector has numbers.")


class _TileWriter:
    """Writes the instructions for a tile."""

    def __init__(self, builder: Any, shape: Tile, vectors: int, number: Any, bits: int) -> None:
        self.builder, self.shape, self.align = builder, shape, bits // 8
        self.starts = range(0, vectors * shape.lanes, shape.lanes)
        self.vector = ir.VectorType(number, shape.lanes)
        self.everywhere = ir.Constant(ir.VectorType(INT32, shape.lanes), None)
        name = f"llvm.fmuladd.v{shape.lanes}f{bits}"
        kind = ir.FunctionType(self.vector, [self.vector] * 3)
        self.fused = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)

    def sums(self, rows: Any, at: Any, columns: Any, terms: Any) -> list[list[Any]]:
        """A loop over the terms, the sums of each column in registers; there is at least one."""
        builder, shape = self.builder, self.shape
        before = builder.block
        loop, after = builder.append_basic_block("terms"), builder.append_basic_block("sums")
        builder.branch(loop)
        builder.position_at_end(loop)
        term = builder.phi(INT64)
        term.add_incoming(INT64(0), before)
        olds = [[builder.phi(self.vector) for _ in self.starts] for _ in range(shape.columns)]
        run = builder.gep(rows, [builder.load(builder.gep(at, [term], inbounds=True))])
        left = [self._load(run, start) for start in self.starts]
        row = builder.gep(columns, [builder.mul(term, INT64(shape.columns))], inbounds=True)
        news: list[list[Any]] = []
        for j, old in enumerate(olds):
            right = self._spread(row, j)
            pairs = zip(left, old, strict=True)
            news.append([builder.call(self.fused, [x, right, y]) for x, y in pairs])
        following = builder.add(term, INT64(1))
        term.add_incoming(following, loop)
        for phi, new in zip(chain(*olds), chain(*news), strict=True):
            phi.add_incoming(ir.Constant(self.vector, None), before)
            phi.add_incoming(new, loop)
        builder.cbranch(builder.icmp_signed("<", following, terms), loop, after)
        builder.position_at_end(after)
        return news

    def store(self, sums: list[list[Any]], target: Any, places: Any, kept: Any) -> None:
        """The sums into the target, set, added or multiplied."""
        builder = self.builder
        end = builder.append_basic_block("stored")
        ways = [builder.append_basic_block(name) for name in ("set", "add", "multiply")]
        choice = builder.switch(kept, ways[0])
        choice.add_case(INT64(1), ways[1])
        choice.add_case(INT64(2), ways[2])
        for way, join in zip(ways, (None, builder.fadd, builder.fmul), strict=True):
            builder.position_at_end(way)
            for j, column in enumerate(sums):
                offset = builder.load(builder.gep(places, [INT64(j)], inbounds=True))
                to = builder.gep(target, [offset], inbounds=True)
                for at, value in zip(self.starts, column, strict=True):
                    new = value if join is None else join(value, self._load(to, at))
                    builder.store(new, self._place(to, at), align=self.align)
            builder.branch(end)
        builder.position_at_end(end)

    def _place(self, pointer: Any, index: int) -> Any:
        entry = self.builder.gep(pointer, [INT64(index)], inbounds=True)
        return self.builder.bitcast(entry, self.vector.as_pointer())

    def _load(self, pointer: Any, index: int) -> Any:
        return self.builder.load(self._place(pointer, index), align=self.align)

    def _spread(self, pointer: Any, index: int) -> Any:
        """One number in all lanes."""
        builder, anything = self.builder, ir.Constant(self.vector, ir.Undefined)
        one = builder.load(builder.gep(pointer, [INT64(index)], inbounds=True))
        single = builder.insert_element(anything, one, INT32(0))
        return builder.shuffle_vector(single, anything, self.everywhere)


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
