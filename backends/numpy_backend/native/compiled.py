"""Kernels in machine code: compiled by numba once per version, then loaded without it.

What numba compiles is kept as an object file, named by all it depends on. A process that finds it
loads it with LLVM alone, which spares it the import of the compiler.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from threading import Lock, Timer
from typing import Any, NamedTuple, TypeAlias

import llvmlite.binding as llvm

from tnlearn.atomic import replacing
from tnlearn.userfolder import folder

#: Takes the address of a header, returns what the kernel does.
Kernel: TypeAlias = Callable[[int], int]

#: Seconds of compiling after which a person is told what they are waiting for.
PATIENCE = 1.0

_lock = Lock()


class Family(NamedTuple):
    """Kernels that are compiled into one object file.

    Attributes
    ----------
    module : str
        Has for each of them a function ``<name>_entry(key)``: the compiled kernel for a key, say
        a dtype. It imports the compiler, so it is imported only to compile.
    folder : Path
        The sources, besides those beside this file.
    names : tuple of str
    """

    module: str
    folder: Path
    names: tuple[str, ...]


class Kernels(NamedTuple):
    """The entry points for one kind of number; see `columns` for the headers they take."""

    run: Kernel
    survey: Kernel
    collect: Kernel
    assist: Kernel


#: Kernels that read lists and arrays, which nobody may change meanwhile.
HOLDING = ("collect",)

HERE = Path(__file__).parent
NATIVE = Family("tnlearn_backends.numpy_backend.native.entries", HERE, Kernels._fields)


def kernels(dtype: str) -> Kernels:
    """The kernels for a dtype."""
    return Kernels(*loaded(NATIVE, dtype))


def loaded(family: Family, key: str) -> tuple[Kernel, ...]:
    """The kernels for a key, in order: from memory, from disk, or compiled now."""
    with _lock:
        return _loaded(family, key)


@cache
def _loaded(family: Family, key: str) -> tuple[Kernel, ...]:
    machine = _machine()
    path = _path(family, key)
    code = _read(path)
    if code is None:
        code = _compiled(family, key, machine)
        _write(path, code)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    _engines.append(engine)
    return tuple(
        _kind(name)(engine.get_function_address(f"tnlearn_{name}")) for name in family.names
    )


def _kind(name: str) -> Any:
    """Kernels let other threads run meanwhile, but for those that read objects of Python's."""
    door = ctypes.PYFUNCTYPE if name in HOLDING else ctypes.CFUNCTYPE
    return door(ctypes.c_int64, ctypes.c_int64)


#: Engines own the code, so they live as long as the process.
_engines: list[Any] = []


def _machine() -> Any:
    """The processor this runs on, as LLVM knows it."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple()
    features = llvm.get_host_cpu_features().flatten()
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features, opt=3, codemodel="jitdefault", jit=True
    )


def _path(family: Family, key: str) -> Path | None:
    """Where the object file is: its name says sources, versions and processor."""
    folders = dict.fromkeys((HERE, family.folder))
    parts = [file.read_bytes() for place in folders for file in sorted(place.glob("*.py"))]
    parts += [version(name).encode() for name in ("numba", "llvmlite")]
    parts += [llvm.get_process_triple().encode(), llvm.get_host_cpu_name().encode()]
    parts.append(llvm.get_host_cpu_features().flatten().encode())
    digest = hashlib.blake2b(b"\0".join(parts), digest_size=12).hexdigest()
    name = f"kernels-{key}-{digest}.o"
    beside = family.folder / "__pycache__"  # Where Python puts what it compiles.
    if os.access(beside if beside.exists() else beside.parent, os.W_OK):
        return beside / name
    place = folder()
    return None if place is None else place / "kernels" / name


def _read(path: Path | None) -> bytes | None:
    """The object file, if it is there, whole."""
    try:
        held = b"" if path is None else path.read_bytes()
    except OSError:
        return None
    digest, code = held[:32], held[32:]
    return code if code and hashlib.blake2b(code, digest_size=32).digest() == digest else None


def _write(path: Path | None, code: bytes) -> None:
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with replacing(path) as file:
            file.write(hashlib.blake2b(code, digest_size=32).digest() + code)
    except OSError:
        pass  # Compiled again next time.


def _compiled(family: Family, key: str, machine: Any) -> bytes:
    """The kernels as an object file; a person is told if it takes a while."""
    timer = Timer(PATIENCE, _notice, (key,))
    timer.daemon = True
    timer.start()
    try:
        entries, whole = import_module(family.module), llvm.parse_assembly("")
        for name in family.names:
            with _unoptimized():
                function = getattr(entries, f"{name}_entry")(key)
            whole.link_in(_module(function, f"tnlearn_{name}", machine))
        _optimize(whole, machine)
        return bytes(machine.emit_object(whole))
    finally:
        timer.cancel()


@contextmanager
def _unoptimized() -> Iterator[None]:
    """Numba leaves code as it is: else it optimizes every function again in each that calls it."""
    from numba.core import config as module

    config: Any = module
    held = config.OPT
    config.OPT = type(held)(0)
    try:
        yield
    finally:
        config.OPT = held


def _optimize(module: Any, machine: Any) -> None:
    """All functions together, once."""
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = options.slp_vectorization = True
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)


def _module(function: Any, name: str, machine: Any) -> Any:
    """What numba made of a function, under a plain name and without its ties to Python.

    Numba's own entry reports errors to the interpreter, which takes helpers of numba's. The
    kernels raise none, so the function behind it is called directly.
    """
    inner = function.native_name.removeprefix("cfunc.")
    module = llvm.parse_assembly(function.inspect_llvm() + _DOOR.format(name=name, inner=inner))
    for part in module.functions:
        if not part.is_declaration and part.name != name:
            part.linkage = "internal"
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options())
    passes = llvm.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    passes.run(module, builder)
    outside = {part.name for part in module.functions if part.is_declaration}
    strange = {part for part in outside if not part.startswith("llvm.")} - LIBRARY
    if strange:
        raise RuntimeError(f"the kernel {name} calls {sorted(strange)}, which are not libc's")
    return module


#: Functions of the C library that kernels may call.
LIBRARY = {"exp", "expf", "memset", "memcpy", "memmove", "fabs", "floor"}
_DOOR = """
define i64 @{name}(ptr %header) {{
  %result = alloca i64
  %error = alloca ptr
  %status = call i32 @{inner}(ptr %result, ptr %error, ptr %header)
  %value = load i64, ptr %result
  ret i64 %value
}}
"""


def _notice(key: str) -> None:
    """For a person at a terminal, as progress bars are."""
    if sys.stderr.isatty():
        sys.stderr.write(
            f"tnlearn: compiling its kernels for {key}, once per version (a few seconds) ...\n"
        )
