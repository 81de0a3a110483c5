"""Files whose header is not what was written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from tnlearn.files import save

Header: TypeAlias = dict[str, Any]


def split(whole: bytes) -> tuple[Header, Header, bytes]:
    """The header of a file, our text in it, and the rest."""
    end = 8 + int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8:end])
    return header, json.loads(header["__metadata__"]["tnlearn"]), whole[end:]


def join(path: Path, header: str | bytes, rest: bytes = b"") -> Path:
    raw = header.encode() if isinstance(header, str) else header
    path.write_bytes(len(raw).to_bytes(8, "little") + raw + rest)
    return path


def changed(thing: Any, path: Path, change: Callable[[Header, Header], Any]) -> Path:
    """The file of `thing` with its header, and our text in it, changed."""
    save(thing, path)
    return rewritten(path.read_bytes(), path, change)


def rewritten(whole: bytes, path: Path, change: Callable[[Header, Header], Any]) -> Path:
    header, ours, rest = split(whole)
    change(header, ours)
    if isinstance(header.get("__metadata__"), dict):
        header["__metadata__"]["tnlearn"] = json.dumps(ours)
    return join(path, json.dumps(header), rest)


def put(value: Any, *keys: Any) -> Callable[[Header, Header], None]:
    """Sets an entry of the header; of our text, if the first key is "payload" or its like."""

    def change(header: Header, ours: Header) -> None:
        at: Any = ours if keys[0] in ours else header
        for key in keys[:-1]:
            at = at[key]
        at[keys[-1]] = value

    return change
