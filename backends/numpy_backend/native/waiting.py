"""What threads need to wait for each other: integers that are read and written as one."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from llvmlite.binding import get_process_triple
from numba import types
from numba.extending import intrinsic

INT64 = ir.IntType(64)


@intrinsic
def fetch(_context: Any, pointer: Any, index: Any) -> Any:
    """``pointer[index]``, and with it all that was written before it was."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.load_atomic(builder.gep(arguments[0], [arguments[1]]), "acquire", 8)

    return types.int64(pointer, types.int64), generate


@intrinsic
def publish(_context: Any, pointer: Any, index: Any, value: Any) -> Any:
    """``pointer[index] = value``, after all that was written before."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        place = builder.gep(arguments[0], [arguments[1]])
        builder.store_atomic(arguments[2], place, "release", 8)
        return context.get_dummy_value()

    return types.void(pointer, types.int64, types.int64), generate


@intrinsic
def fetch_add(_context: Any, pointer: Any, index: Any, value: Any) -> Any:
    """What was at ``pointer[index]`` before `value` was added, no one coming between."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        place = builder.gep(arguments[0], [arguments[1]])
        return builder.atomic_rmw("add", place, arguments[2], "acq_rel")

    return types.int64(pointer, types.int64, types.int64), generate


@intrinsic
def pause(_context: Any, pointer: Any) -> Any:
    """Wait a moment: the processor may do other things."""

    def generate(context: Any, builder: Any, _signature: Any, _arguments: Any) -> Any:
        nothing = ir.FunctionType(ir.VoidType(), [])
        if get_process_triple().startswith(("x86", "i686")):
            name = "llvm.x86.sse2.pause"
            known = builder.module.globals.get(name)
            hint = known or ir.Function(builder.module, nothing, name)
        else:
            hint = ir.InlineAsm(nothing, "", "", side_effect=True)
        builder.call(hint, [])
        return context.get_dummy_value()

    return types.void(pointer), generate
