"""The figure says of everyone how they fared, and hides nobody behind another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from matplotlib.axes import Axes

from benchmarks.figure import NEAR, _apart, draw


def row(peer: str, status: str = "ok", **figures: float) -> dict[str, Any]:
    return {"problem": "p", "task": "value", "peer": peer, "status": status, **figures}


def test_markers_that_are_near_stand_apart() -> None:
    ratios = [3.0, 1.0, 1.0, NEAR * 1.001, 1.01]
    heights = {
        number: height
        for r, height in _apart([row(str(k), ratio=ratio) for k, ratio in enumerate(ratios)])
        for number in [int(r["peer"])]
    }
    assert len({heights[k] for k in (1, 2, 4)}) == 3
    assert heights[3] != heights[4]
    assert heights[0] == 0


def test_the_words_beside_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    text = Axes.text

    def noted(axes: Axes, x: float, y: float, words: str, **style: Any) -> Any:
        said.append(words)
        return text(axes, x, y, words, **style)

    monkeypatch.setattr(Axes, "text", noted)
    rows = [
        row("us", ratio=1.0, running_seconds=0.002),
        row("torch", ratio=2.0, running_seconds=0.004),
        row("jax.jit", "over 8.0 GiB"),
        row("quimb", "over 8.0 GiB: the order of tnlearn makes a tensor of 16.0 GiB"),
        row("cotengra", "not supported: hyperedges"),
    ]
    result = {
        "suite": "s",
        "reference": "us",
        "measurements": rows,
        "threads": {"OMP_NUM_THREADS": "1"},
        "environment": {"machine": {"cpu": "a processor"}, "date": "today"},
    }
    (tmp_path / "r.json").write_text(json.dumps(result), encoding="utf-8")
    draw(tmp_path / "r.json")
    assert said == ["us takes", "left out", "2 ms", "over 8.0 GiB: jax.jit, quimb"]
