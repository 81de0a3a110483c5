"""Drawing: what is on the canvas, where, and that it can be read."""

import itertools
import os
import subprocess
import sys
import time

import matplotlib.image
import networkx as nx
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from tnlearn.errors import NetworkError
from tnlearn.network import Tensor, TensorNetwork
from tnlearn.network.builders import chain, grid, on_graph, tree
from tnlearn.network.drawing import draw

pytestmark = pytest.mark.filterwarnings("error")


def network(terms, output="", sizes=None, names=None):
    """One tensor for every word of `terms`; every index has size 2 unless `sizes` says else."""
    sizes = sizes or {}
    return TensorNetwork(
        [
            Tensor(np.ones([sizes.get(i, 2) for i in term]), term, name)
            for term, name in itertools.zip_longest(terms, names or [])
        ],
        output,
    )


def ising(length):
    """Bond matrices that share site indices, on a torus."""
    torus = nx.grid_2d_graph(length, length, periodic=True)
    return TensorNetwork([Tensor(np.ones((2, 2)), edge) for edge in torus.edges])


def hypergraph():
    """40 tensors at random: parallel bonds, diagonals, hyperedges, open and lone indices."""
    random = np.random.default_rng(0)
    terms = [[k, k + 1] for k in range(39)] + [[39]]
    for index in range(100, 125):
        for tensor in random.integers(40, size=random.integers(1, 5)):
            terms[tensor].append(index)
    return network(terms, output=[100, 101, 102, 0])


def collection(ax, gid):
    return next((c for c in ax.collections if c.get_gid() == gid), None)


def places(ax, gid="tensor"):
    return np.asarray(collection(ax, gid).get_offsets())


def curves(ax):
    return collection(ax, "bond").get_segments()


def texts(ax, gid):
    return {text.get_text(): text for text in ax.texts if text.get_gid() == gid}


def boxes(ax, gid):
    ax.figure.canvas.draw()
    return [text.get_window_extent() for text in ax.texts if text.get_gid() == gid]


def overlaps(extents):
    return [(a, b) for a, b in itertools.combinations(extents, 2) if a.overlaps(b)]


FORTY = {
    "tree": tree(3, 4, 2, branching=3),
    "random tree": on_graph(nx.random_labeled_tree(40, seed=4), 4),
    "chain": chain(40, 4, 2),
    "grid": grid(5, 8, 3, 2),
    "cubic graph": on_graph(nx.random_regular_graph(3, 40, seed=1), 2),
    "hypergraph": hypergraph(),
}


@pytest.mark.parametrize(
    ("terms", "output", "counts"),
    [
        pytest.param([""], "", {"tensor": 1}, id="scalar"),
        pytest.param(["", "", "ab", "b"], "a", {"tensor": 4, "output": 1, "bond": 2}, id="parts"),
        pytest.param(["ab", "bc"], "ac", {"tensor": 2, "output": 2, "bond": 3}, id="product"),
        pytest.param(["aa"], "", {"tensor": 1, "bond": 1}, id="trace"),
        pytest.param(
            ["aa"], "a", {"tensor": 1, "hyperedge": 1, "output": 1, "bond": 3}, id="open diagonal"
        ),
        pytest.param(["aab", "ab"], "", {"tensor": 2, "hyperedge": 1, "bond": 4}, id="diagonal"),
        pytest.param(["a", "a", "a"], "", {"tensor": 3, "hyperedge": 1, "bond": 3}, id="copy"),
        pytest.param(
            ["a", "a"], "a", {"tensor": 2, "hyperedge": 1, "output": 1, "bond": 3}, id="open bond"
        ),
        pytest.param(["abc", "abc"], "", {"tensor": 2, "bond": 3}, id="parallel"),
        pytest.param(["ab", "b"], "", {"tensor": 2, "summed": 1, "bond": 2}, id="lone index"),
    ],
)
def test_every_tensor_and_index_is_drawn_as_what_it_is(terms, output, counts):
    ax = draw(network(terms, output))
    drawn = {c.get_gid(): len(c.get_offsets()) for c in ax.collections if c.get_gid() != "bond"}
    assert drawn | ({"bond": len(curves(ax))} if curves(ax) else {}) == counts
    assert len(texts(ax, "name")) == len(terms)
    written = sorted(text.get_text() for text in ax.texts if text.get_gid() == "index")
    assert written == sorted({index for term in terms for index in term})


def test_a_trace_is_a_loop():
    (loop,) = curves(draw(network(["aa"])))
    np.testing.assert_allclose(loop[0], loop[-1], atol=1e-9)
    assert np.ptp(loop, axis=0).min() > 0.1


def test_parallel_bonds_do_not_cover_each_other():
    middles = [curve[24] for curve in curves(draw(network(["abcd", "abcd"])))]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(middles, 2)) > 0.1


@pytest.mark.parametrize("off", [0, 0.1, -0.1])
def test_a_bond_bends_around_a_tensor_between_its_ends(off):
    net = network(["ab", "b", "a"], names="ACB")
    ax = draw(net, layout={"A": (0, 0), "B": (1, off), "C": (2, 0)})
    at = dict(zip(net.names, places(ax), strict=True))
    around, straight = sorted(curves(ax), key=lambda c: -np.ptp(c, axis=0).max())
    assert np.linalg.norm(around - at["B"], axis=1).min() > 0.2
    assert np.linalg.norm(straight - straight[0], axis=1).max() < 1.01


def test_width_grows_with_the_dimension_and_size_one_is_dashed():
    sizes = dict(zip("abcdef", (1, 2, 3, 8, 64, 512), strict=True))
    bonds = collection(draw(network(["abcdef", "abcdef"], sizes=sizes)), "bond")
    assert (np.diff(bonds.get_linewidths()) > 0.3).all()
    assert [style[1] is not None for style in bonds.get_linestyles()] == [True] + 5 * [False]


def test_size_zero_is_drawn():
    assert len(curves(draw(network(["a", "a"], sizes={"a": 0})))) == 1


def test_the_legend_names_what_is_there_and_nothing_else():
    def legend(*arguments, **options):
        return [t.get_text() for t in draw(network(*arguments, **options)).get_legend().texts]

    assert legend([""]) == ["tensor"]
    assert legend(["ab", "b"], "a") == ["tensor", "output index", "size 2"]
    assert legend(["abc", "bc", "bd"], "c", sizes={"a": 1, "c": 5, "d": 7}) == [
        "tensor",
        "hyperedge (one index)",
        "summed index of one tensor",
        "output index",
        "size 1",
        "size 5",
        "size 7",
    ]


@pytest.mark.parametrize("net", FORTY.values(), ids=FORTY)
def test_all_names_of_40_tensors_can_be_read_on_a_screen(net):
    ax = draw(net)
    assert len(texts(ax, "name")) == 40
    assert min(text.get_fontsize() for text in ax.texts) >= 7
    extents = boxes(ax, "name") + boxes(ax, "index")
    assert not overlaps(extents)
    screen = Bbox.from_extents(0, 0, 1920, 1080)
    assert Bbox.union([screen, *extents]).bounds == screen.bounds
    legend = ax.get_legend().get_window_extent()
    assert legend.y1 < min(ax.transData.transform(places(ax))[:, 1])
    assert not any(legend.overlaps(box) for box in extents)


def test_names_stay_on_their_tensors_or_next_to_them():
    net = network(["ab", "bc", "cd"], names=["A", "decoder.layers.1.weight", "a rather long one"])
    ax = draw(net)
    assert list(texts(ax, "name")) == ["A", "decoder.l...1.weight", "a rather long one"]
    (inside, *beside), at = boxes(ax, "name"), ax.transData.transform(places(ax))
    radius = np.sqrt(collection(ax, "tensor").get_sizes()[0]) / 2 * 100 / 72
    corners = np.array([inside.min, inside.max])
    assert (np.linalg.norm(corners - at[0], axis=1) < radius).all()
    for box, point in zip(beside, at[1:], strict=True):
        assert radius <= np.linalg.norm(np.clip(point, box.min, box.max) - point) < 3 * radius


@pytest.mark.parametrize("net", FORTY.values(), ids=FORTY)
def test_all_indices_are_written_and_few_on_a_line(net):
    ax = draw(net)
    drawn = ax.transData.transform(np.concatenate(curves(ax)))
    struck = [((b.min < drawn) & (drawn < b.max)).all(axis=1).any() for b in boxes(ax, "index")]
    assert len(struck) == len(net.sizes)
    assert sum(struck) <= 2


@pytest.mark.parametrize(
    ("length", "labels", "names", "indices"),
    [
        (40, None, 40, 79),
        (41, None, 41, 0),
        (121, None, 0, 0),
        (121, "names", 121, 0),
        (41, "all", 41, 81),
        (3, "names", 3, 0),
        (3, "none", 0, 0),
    ],
)
def test_labels_are_thinned_out_indices_first(length, labels, names, indices):
    ax = draw(chain(length, 2, 2), labels=labels)
    assert (len(boxes(ax, "name")), len(boxes(ax, "index"))) == (names, indices)


def test_a_label_without_room_is_left_out_unless_it_is_asked_for():
    net = network(["abcdefghijklmnop"] * 2, sizes=dict.fromkeys("abcdefghijklmnop", 1))
    ax = Figure(figsize=(2, 2)).add_subplot()
    shown = len(texts(draw(net, ax), "index"))
    assert 0 < shown < 16
    assert len(texts(draw(net, Figure(figsize=(2, 2)).add_subplot(), labels="all"), "index")) == 16


def test_tensors_named_by_row_and_column_stand_on_the_lattice():
    net = grid(3, 4, 2, 2, periodic=False)
    at = dict(zip(net.names, places(draw(net)), strict=True))
    for row, column in itertools.product(range(3), range(4)):
        np.testing.assert_allclose(at[f"({row}, {column})"], (column, -row))


def test_sites_of_an_ising_model_stand_on_the_lattice_with_its_bonds_between_them():
    ax = draw(ising(4))
    sites = {tuple(site) for site in places(ax, "hyperedge")}
    assert sites == {(x, -y) for x in range(4) for y in range(4)}
    for tensor, place in zip(ising(4), places(ax), strict=True):
        (row, column), (row2, column2) = tensor.indices
        if abs(row - row2) + abs(column - column2) == 1:
            np.testing.assert_allclose(place, ((column + column2) / 2, -(row + row2) / 2))
    gaps = np.linalg.norm(places(ax)[:, None] - places(ax), axis=-1)
    assert gaps[~np.eye(32, dtype=bool)].min() > 0.1


def test_a_lattice_with_something_else_beside_it_is_laid_out_by_springs():
    bonds = ising(3).tensors
    ax = draw(TensorNetwork([*bonds, Tensor(1.0, ()), Tensor(np.ones((2, 2)), "xy")]))
    assert len(places(ax)) == 20
    ax = draw(TensorNetwork([*bonds, Tensor(np.ones((2, 2)), [(0, 0), "x"])]))
    assert (0, 0) in {tuple(site) for site in places(ax, "hyperedge")}


def test_physical_legs_of_a_chain_all_point_down():
    ax = draw(chain(8, 4, 2))
    np.testing.assert_allclose(places(ax, "output"), places(ax) - (0, 0.5), atol=1e-9)


def test_second_legs_of_a_chain_all_point_up():
    net = network(["xaA", "xybB", "yzcC", "zdD"], output="aAbBcCdD")
    tensors, legs = places(draw(net)), places(draw(net), "output")
    np.testing.assert_allclose(legs[::2] - tensors, 4 * [(0, -0.5)], atol=1e-9)
    np.testing.assert_allclose(legs[1::2] - tensors, 4 * [(0, 0.5)], atol=1e-9)


def test_a_leg_keeps_off_the_bonds_when_the_others_leave_it_no_choice():
    ax = draw(chain(40, 4, 2))
    for tip in places(ax, "output"):
        gaps = sorted(np.linalg.norm(curve - tip, axis=1).min() for curve in curves(ax))
        assert gaps[1] > 0.3


def test_legs_of_a_ring_point_outwards():
    ax = draw(chain(8, 4, 2, periodic=True))
    middle = places(ax).mean(axis=0)
    inner, outer = (np.linalg.norm(places(ax, k) - middle, axis=1) for k in ("tensor", "output"))
    assert (outer - inner > 0.499).all()


def test_a_long_chain_is_folded():
    at = places(draw(chain(60, 2)))
    assert np.ptp(at, axis=0)[0] < 30
    np.testing.assert_array_less(np.linalg.norm(np.diff(at, axis=0), axis=1), 1.5)


def test_neighbours_in_a_dense_network_are_not_crowded():
    at = places(draw(on_graph(nx.complete_graph(12), 2)))
    gaps = np.linalg.norm(at[:, None] - at, axis=-1) + 9 * np.eye(12)
    assert gaps.min() > 0.6


def test_two_tensors_are_not_blown_up_to_fill_the_page():
    ax = draw(chain(2, 2))
    at = ax.transData.transform(places(ax))
    assert np.linalg.norm(at[0] - at[1]) < 600


def test_a_wide_tree_is_round():
    at = places(draw(tree(6, 2)))
    assert np.ptp(at, axis=0).max() < 1.2 * np.ptp(at, axis=0).min()


def test_a_ladder_lies_flat_with_its_first_tensor_on_top():
    net = chain(8, 2, 2).norm_squared()
    at = dict(zip(net.names, places(draw(net)), strict=True))
    assert at["7"][0] - at["0"][0] > 5 > 5 * abs(at["7"][1] - at["0"][1])
    assert at["0"][1] - at["0*"][1] > 0.8 > 5 * abs(at["0"][0] - at["0*"][0])


@pytest.mark.parametrize("seed", range(5))
def test_what_springs_lay_out_lies_flat_and_starts_at_the_top_left(seed):
    at = places(draw(on_graph(nx.random_regular_graph(3, 20, seed=seed), 2)))
    width, height = np.ptp(at, axis=0)
    assert width >= height
    assert at[0, 0] <= at[:, 0].mean() + 1e-9
    assert at[0, 1] >= at[:, 1].mean() - 1e-9


@pytest.mark.parametrize("branching", [2, 4])
def test_a_tree_has_no_crossings(branching):
    for a, b in itertools.combinations(curves(draw(tree(4, 2, branching=branching))), 2):
        p, q, r, s = a[1], a[-2], b[1], b[-2]
        sides = [np.sign(np.linalg.det([v - u, w - u])) for u, v, w in ((p, q, r), (p, q, s))]
        others = [np.sign(np.linalg.det([v - u, w - u])) for u, v, w in ((r, s, p), (r, s, q))]
        assert sides[0] == sides[1] or others[0] == others[1]


def test_parts_that_are_not_joined_stand_side_by_side():
    ring = [f"{a}{b}" for a, b in zip("abcde", "bcdea", strict=True)]
    net = network([*ring, *(term.upper() for term in ring), "", "xy", "yx"])
    at = places(draw(net))
    extents = [(part.min(axis=0), part.max(axis=0)) for part in np.split(at, [5, 10, 11])]
    for (low, high), (left, right) in itertools.combinations(extents, 2):
        assert (high + 0.9 < left).any() or (right + 0.9 < low).any()


def test_nothing_but_the_springs_of_large_parts_is_random():
    small, large = (on_graph(nx.random_regular_graph(3, n, seed=0), 2) for n in (50, 110))
    np.testing.assert_array_equal(places(draw(small, seed=1)), places(draw(small, seed=2)))
    np.testing.assert_array_equal(places(draw(large, seed=1)), places(draw(large, seed=1)))
    assert np.abs(places(draw(large, seed=1)) - places(draw(large, seed=2))).max() > 0.1


SCRIPT = """
import sys
import networkx as nx, numpy as np
from tnlearn.network import Tensor, TensorNetwork
from tnlearn.network.drawing import draw
graph = nx.random_regular_graph(4, 12, seed=0)
terms = [[f"{min(e)}-{max(e)}" for e in graph.edges(n)] + [f"o{n}", f"p{n}"] for n in graph]
terms[0] += ["h"]; terms[5] += ["h", "d", "d"]; terms[7] += ["h"]
terms += [["x", "y", "z"], ["x"], ["y"], ["z"]]
tensors = [Tensor(np.ones((2,) * len(t)), t, f"T{k}") for k, t in enumerate(terms)]
ax = draw(TensorNetwork(tensors, [f"o{n}" for n in graph] + [f"p{n}" for n in graph]))
for c in ax.collections:
    print(c.get_gid(), [p.vertices.round(9).tolist() for p in c.get_paths()], c.get_offsets())
print([(t.get_text(), t.xy, t.get_position()) for t in ax.texts])
print("pyplot:", "matplotlib.pyplot" in sys.modules)
"""


def test_the_picture_depends_on_neither_the_order_of_sets_nor_pyplot():
    printed = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert printed[0] == printed[1]
    assert printed[0].endswith("pyplot: False\n")


def test_a_figure_of_its_own_is_saved_as_1920_x_1080(tmp_path):
    draw(chain(3, 2)).figure.savefig(tmp_path / "chain.png")
    assert matplotlib.image.imread(tmp_path / "chain.png").shape[:2] == (1080, 1920)


def test_given_axes_are_drawn_into():
    figure = Figure(figsize=(6, 4))
    first, second = figure.subplots(1, 2, sharex=True, sharey=True)
    assert draw(chain(3, 2, 2), first, title="$psi") is first
    assert first.get_title() == "$psi"
    assert not second.collections
    figure.canvas.draw()
    left_half = Bbox.from_extents(0, 0, 300, 400)
    assert Bbox.union([left_half, *boxes(first, "name")]).bounds == left_half.bounds


def test_axes_too_small_for_the_legend_are_drawn_into():
    ax = draw(network(["abc", "bc", "bd"], "c"), Figure(figsize=(1, 0.5)).add_subplot())
    assert ax.get_xlim()[0] < places(ax).min() < places(ax).max() < ax.get_xlim()[1]


def test_names_that_the_font_cannot_draw_are_escaped_without_warnings(tmp_path):
    net = network(["a", "a", "a"], names=["\u6f22", r"$\x$", "a\nb"])
    ax = draw(net, title=r"$\x$")
    ax.figure.savefig(tmp_path / "names.png")
    assert set(texts(ax, "name")) == {r"\u6f22", r"$\x$", r"a\nb"}


def test_a_layout_is_followed_up_to_scale():
    where = {"A": (0, 0), "B": (300, 0), "C": (300, 400)}
    at = places(draw(network(["ab", "bc", "ca"], names="ABC"), layout=where))
    np.testing.assert_allclose(at / at[1, 0] * 300, list(where.values()), atol=1e-6)
    assert 0.5 < at[1, 0] < 2


def test_a_layout_may_put_tensors_on_one_spot():
    net = network(["ab", "ab"], names="AB")
    assert len(curves(draw(net, layout={"A": (0, 0), "B": (0, 0)}))) == 2


def test_bad_options_are_refused():
    net = network(["ab", "b"], names="AB")
    with pytest.raises(NetworkError, match="layout has no place for tensor 'B': give one for each"):
        draw(net, layout={"A": (0, 0)})
    with pytest.raises(NetworkError, match="labels is 'some': give 'all', 'names', 'none' or None"):
        draw(net, labels="some")


def test_300_tensors_are_drawn_in_seconds():
    net = on_graph(nx.random_regular_graph(3, 300, seed=1), 2)
    start = time.perf_counter()
    draw(net).figure.canvas.draw()
    assert time.perf_counter() - start < 5
