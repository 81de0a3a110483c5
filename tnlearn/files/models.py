"""Models as the attributes that they are made of again by their constructors.

A constructor divides tables by their sums, which may move the last bit of what was divided
before: once checked, such tables are put back as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tnlearn.errors import FormatError
from tnlearn.files.arrays import Array, Arrays
from tnlearn.files.checks import fields
from tnlearn.files.contents import decoded, encoded
from tnlearn.network import ReadOnly


class Form(NamedTuple):
    """The attributes that are kept, and how a model is made of its class and these."""

    kept: tuple[str, ...]
    made: Callable[[type[Any], dict[str, Any]], Any]


def encode(model: Any, arrays: Arrays) -> Any:
    """A model as JSON and arrays."""
    kept = {name: getattr(model, name) for name in FORMS[type(model).__name__].kept}
    listed = {name: list(v) if isinstance(v, tuple) else v for name, v in kept.items()}
    return {name: encoded(value, arrays) for name, value in listed.items()}


def decode(payload: Any, arrays: Sequence[Array], cls: type[Any]) -> Any:
    """The model again."""
    form = FORMS[cls.__name__]
    given = fields(payload, "the model", *form.kept)
    try:
        return form.made(cls, {name: decoded(value, arrays) for name, value in given.items()})
    except (TypeError, ValueError, AttributeError, LookupError) as error:
        raise FormatError(f"that is no {cls.__name__}: {error}") from error


def _on_graph(cls: type[Any], given: dict[str, Any]) -> Any:
    """A model on a graph, of the couplings of its edges."""
    import networkx as nx

    graph: nx.Graph[Any] = nx.Graph()
    graph.add_nodes_from(given["sites"])
    graph.add_edges_from(given["couplings"])
    if list(graph) != given["sites"]:
        raise FormatError("a site is there twice, or an edge has an end that is no site")
    return cls(graph, given["states"], given["couplings"], given["fields"], given["beta"])


def _hopfield(cls: type[Any], given: dict[str, Any]) -> Any:
    return cls(given["patterns"], given["rule"], given["thresholds"], given["beta"])


def _machine(cls: type[Any], given: dict[str, Any]) -> Any:
    return cls(given["couplings"], given["fields"], given["hidden"], given["beta"])


def _restricted(cls: type[Any], given: dict[str, Any]) -> Any:
    return cls(given["weights"], given["visible_bias"], given["hidden_bias"])


def _gaussian(cls: type[Any], given: dict[str, Any]) -> Any:
    means, variances = given["visible_mean"], given["visible_variance"]
    return cls(given["weights"], means, variances, given["hidden_bias"])


def _chain(cls: type[Any], given: dict[str, Any]) -> Any:
    model = cls(given["initial"], given["transitions"])
    model.initial, model.transitions = given["initial"], tuple(given["transitions"])
    return _read_only(model, model.initial, *model.transitions)


def _tree(cls: type[Any], given: dict[str, Any]) -> Any:
    import networkx as nx

    tree: nx.DiGraph[Any] = nx.DiGraph()
    tree.add_nodes_from(node for _, node in given["hidden"])
    tree.add_edges_from(given["transitions"])
    tables = given["initial"], given["transitions"], given["emissions"]
    model = cls(tree, *tables, root=given["root"])
    model.initial = given["initial"]
    model.transitions = ReadOnly({a: given["transitions"][a] for a in model.transitions})
    model.emissions = ReadOnly({n: given["emissions"][n] for n in model.emissions})
    return _read_only(model, model.initial, *model.transitions.values(), *model.emissions.values())


def _read_only(model: Any, *tables: Array) -> Any:
    for table in tables:
        table.flags.writeable = False
    return model


_ON_GRAPH = Form(("sites", "states", "couplings", "fields", "beta"), _on_graph)
#: By the name of the class.
FORMS = {
    "Potts": _ON_GRAPH,
    "Clock": _ON_GRAPH,
    "Hopfield": Form(("patterns", "rule", "thresholds", "beta"), _hopfield),
    "BoltzmannMachine": Form(("couplings", "fields", "hidden", "beta"), _machine),
    "RestrictedBoltzmann": Form(("weights", "visible_bias", "hidden_bias"), _restricted),
    "GaussianRestrictedBoltzmann": Form(
        ("weights", "visible_mean", "visible_variance", "hidden_bias"), _gaussian
    ),
    "MarkovChain": Form(("initial", "transitions"), _chain),
    "HiddenMarkovTree": Form(("hidden", "root", "initial", "transitions", "emissions"), _tree),
}
