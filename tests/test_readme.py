"""What README says is run: its Python as it stands, and its two set-up commands by their form."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, flags=re.DOTALL)
PYTHON = [code for language, code in BLOCKS if language == "python"]
SHELL = [code for language, code in BLOCKS if language == "bash"]


@pytest.mark.parametrize("code", PYTHON)
def test_python_blocks_run(code: str) -> None:
    if "import torch" in code:
        pytest.importorskip("torch")
    space: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec"), space)


def test_the_example_is_ten_lines() -> None:
    section = README.partition("## Ten lines")[2]
    code = re.search(r"```python\n(.*?)```", section, flags=re.DOTALL)
    assert code is not None
    assert len([line for line in code[1].splitlines() if line.strip()]) == 10


def test_there_are_two_setup_commands_of_one_line() -> None:
    assert len(SHELL) == 2
    for command, end in zip(SHELL, ("tnlearn tour", "-m pytest -q -n 2"), strict=True):
        (line,) = command.splitlines()
        assert line.startswith("python3 -m venv .venv && ")
        assert line.endswith(end)
