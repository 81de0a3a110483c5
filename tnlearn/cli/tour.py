"""``tnlearn tour``: what the library does, on real input, in about a minute."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
import textwrap
import time
from collections.abc import Hashable
from pathlib import Path
from typing import Any, TypeAlias, cast

import networkx as nx
import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from tnlearn.errors import FormatError
from tnlearn.files import load, save
from tnlearn.inference import log_partition, sample
from tnlearn.learning import MPSClassifier
from tnlearn.learning.mps_model import BATCH, mps_network, site_shapes
from tnlearn.network import Tensor, TensorNetwork
from tnlearn.physics import Ising
from tnlearn.physics.exact import CRITICAL_COUPLING, torus_log_partition
from tnlearn.planning import plan
from tnlearn.plotting import plot_confusion, plot_training

Array: TypeAlias = npt.NDArray[Any]

SIDE, SAMPLES = 10, 3
BOND, DIGITS = 16, 10
MOST_MISREAD = 6
EXAMPLE = "examples/ising_on_a_graph.py"
#: For terminals that have few characters.
PLAIN = str.maketrans("─█·", "-#.")


def tour(directory: Path) -> None:
    """Run the tour, writing its four files into `directory`, which is made if missing."""
    start = time.perf_counter()
    directory.mkdir(parents=True, exist_ok=True)
    _say(f"1. Ising model on a {SIDE} x {SIDE} torus, at its critical temperature\n")
    _ising()
    _say("\n2. A matrix product state learns to read scanned digits\n")
    draw_network(directory / "network.png")
    X, y = load_digits(return_X_y=True)
    split = train_test_split(X, y, test_size=0.25, stratify=y, random_state=0)
    model = _trained(*split)
    _write(directory, model, *split[1::2])
    _say(f"\n3. Written to {directory}{os.sep}\n")
    _say("   network.png     the network of such a classifier, were there 6 pixels")
    _say("   training.png    its loss, epoch by epoch")
    _say("   confusion.png   which held-out digits it took for which")
    _say("   digits.tnl      the trained model; read back, it predicts the same")
    _say(f"\nThat took {time.perf_counter() - start:.0f} s. Three things to try next:")
    for command in next_commands(directory):
        _say("\n" + textwrap.indent(command, "   "))


def _ising() -> None:
    model = Ising(nx.grid_2d_graph(SIDE, SIDE, periodic=True), beta=CRITICAL_COUPLING)
    order = plan(model)
    _say(textwrap.indent(str(order), "   "))
    found = log_partition(model, plan=order)
    exact = torus_log_partition(SIDE, SIDE, beta=CRITICAL_COUPLING)
    _say(f"\n   ln Z, contracted       {found:.12f}")
    _say(f"   ln Z, Kaufman (1949)   {exact:.12f}")
    _say(f"   relative error         {abs(found / exact - 1):.1e}")
    _say("\n   Three of its states, drawn exactly and independently:\n")
    states = sample(model, SAMPLES, seed=0, plan=order).reshape(SAMPLES, SIDE, SIDE)
    for row in range(SIDE):
        rows = ("".join("██" if spin > 0 else "··" for spin in state[row]) for state in states)
        _say("   " + "   ".join(rows))


def _trained(X: Array, X_held: Array, y: Array, y_held: Array) -> MPSClassifier:
    _say(f"   {len(y):,} digits of 8 x 8 pixels to learn from, {len(y_held)} held out")
    if not sys.stderr.isatty():
        _say("   training, for 10 to 40 s ...")
    start = time.perf_counter()
    model = MPSClassifier(bond_dimension=BOND, random_state=0, progress=True).fit(X, y)
    seconds = time.perf_counter() - start
    right = int((model.predict(X_held) == y_held).sum())
    _say(f"\n   held-out accuracy      {right / len(y_held):.4f}  ({right} of {len(y_held)})")
    _say(f"   training took          {seconds:.1f} s, {model.n_iter_} epochs")
    return model


def _write(directory: Path, model: MPSClassifier, X: Array, y: Array) -> None:
    """Write the model, and the pictures of its training and its answers."""
    save(model, directory / "digits.tnl")
    predicted = model.predict(X)
    if not np.array_equal(load(directory / "digits.tnl").predict(X), predicted):
        raise FormatError("the model that was read back predicts otherwise than the one saved")
    draw_training(model, directory / "training.png")
    draw_confusion(X, y, predicted, directory / "confusion.png")


def draw_network(path: Path, sites: int = 6) -> None:
    """Draw the classifier's network for few pixels, with the names of its formula."""
    shapes = site_shapes(sites, 2, BOND, DIGITS)
    network = mps_network([np.ones(s) for s in shapes], np.ones((sites, 1, 2))).fix({BATCH: 0})
    tensors, layout = [], {}
    for kind, letter, height in (("site", "A", 0.0), ("feature", "ψ", 0.9)):
        for site in range(sites):
            tensor = network[f"{kind} {site}"]
            tensors.append(Tensor(tensor.data, tensor.indices, f"{letter}{site + 1}"))
            layout[f"{letter}{site + 1}"] = (site, height)
    names: dict[Hashable, Hashable] = {("bond", k): f"bond {k}" for k in range(1, sites)}
    names |= {("feature", k): f"s{k + 1}" for k in range(sites)}
    title = f"{sites} pixels: features ψ, trained tensors A, a score for each of {DIGITS} labels"
    drawn = TensorNetwork(tensors, network.output).relabel(names)
    ax = drawn.draw(layout=layout, title=title)
    ax.title.set_fontsize(20)
    cast("Figure", ax.figure).savefig(path)


def draw_training(model: MPSClassifier, path: Path) -> None:
    """Draw the loss curve, with the entropy of the smoothed labels, below which it cannot fall."""
    ax = plot_training(model.loss_curve_)
    wrong = model.label_smoothing / len(model.classes_)
    right = 1 - wrong * (len(model.classes_) - 1)
    least = -right * np.log(right) - (1 - right) * np.log(wrong)
    label = f"least possible with smoothed labels, {least:.3f}"
    ax.axhline(least, color="0.4", linestyle="--", label=label)
    ax.set_ylabel("cross-entropy of a digit (nats)")
    ax.legend(frameon=False)
    cast("Figure", ax.figure).savefig(path)


def draw_confusion(X: Array, y: Array, predicted: Array, path: Path) -> None:
    """Draw the confusion matrix, and some of the digits that were misread."""
    figure = Figure(
        figsize=(9.6, 5.4), dpi=200, layout=ConstrainedLayoutEngine(h_pad=0.1, w_pad=0.1)
    )
    FigureCanvasAgg(figure)
    left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=(2, 1))[0]
    plot_confusion(y, predicted, ax=left.add_subplot())
    misread = np.flatnonzero(y != predicted)[:MOST_MISREAD]
    if len(misread):
        panels = right.subplots(3, 2 if len(misread) > 3 else 1, squeeze=False).ravel()
        for panel, k in zip(panels, misread, strict=False):
            panel.imshow(X[k].reshape(8, 8), cmap="gray_r")
            panel.set(xticks=(), yticks=(), title=f"{y[k]} read as {predicted[k]}")
        for panel in panels[len(misread) :]:
            panel.set_axis_off()
    figure.savefig(path)


def next_commands(directory: Path) -> list[str]:
    """Three commands that can be pasted into a shell in this folder."""
    python = _python()
    info = "tnlearn info" if _is_ours("tnlearn") else f"{python} -m tnlearn info"
    # A line that ends inside parentheses may go on in the next, however far that is indented.
    digits = json.dumps(str(directory / "digits.tnl"), ensure_ascii=False)
    predict = (
        "import tnlearn, sklearn.datasets as data; print(tnlearn.load(\n"
        f"    {digits}).predict(data.load_digits().data[:10]))"
    )
    club = (
        "import networkx as nx, tnlearn as tnl; print(tnl.plan(tnl.Ising(\n"
        "    nx.karate_club_graph(), beta=0.2)))"
    )
    example = EXAMPLE if Path(EXAMPLE).is_file() else f"-c {shlex.quote(club)}"
    return [info, f"{python} -c {shlex.quote(predict)}", f"{python} {example}"]


def _python() -> str:
    if _is_ours("python"):
        return "python"
    python, here = Path(sys.executable), Path.cwd()
    is_below = python.is_relative_to(here) and python.parent != here
    return shlex.quote(str(python.relative_to(here) if is_below else python))


def _is_ours(command: str) -> bool:
    """Whether typing `command` runs what is installed beside this Python."""
    found, beside = shutil.which(command), Path(sys.executable).parent
    if found is None or not os.path.samefile(Path(found).parent, beside):
        return False
    return command != "python" or os.path.samefile(found, sys.executable)


def _say(text: str) -> None:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        text = text.translate(PLAIN)
    print(text, flush=True)
