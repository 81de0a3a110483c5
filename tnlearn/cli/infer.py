"""The command `infer`: a question about a model in a file, with a verdict first."""

from __future__ import annotations

import json
import math
import sys
import warnings
from argparse import Namespace
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tnlearn.errors import DataTypeError
from tnlearn.files import read, read_evidence
from tnlearn.files.uai import marginals_answer, mode_answer, partition_answer
from tnlearn.inference import (
    NotConverged,
    assess,
    condition,
    evidence_positions,
    log_partition,
    marginals,
    mode,
    sample,
)
from tnlearn.network import Model


@dataclass(frozen=True)
class Answer:
    """What is printed: lines of the competition's format, or fields of JSON."""

    text: str
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Question:
    """A model, and the values of some of its sites.

    Attributes
    ----------
    whole, given : Model
        Without the evidence, and with it.
    held : mapping from site to int
        Positions of the values observed.
    options : mapping
        For every question.
    """

    whole: Model
    given: Model
    held: Mapping[Hashable, int]
    options: Mapping[str, Any]


def infer(given: Namespace) -> None:
    """Read, judge, answer, print.

    Parameters
    ----------
    given : Namespace
        What `tnlearn.cli.main` parsed.
    """
    model = read(given.file)
    if not isinstance(model, Model):
        raise DataTypeError(f"{str(given.file)!r} holds a {type(model).__name__}, and no model")
    evidence = read_evidence(given.file, given.evidence) if given.evidence else {}
    limit = {} if given.memory is None else {"memory_limit": given.memory}
    held = evidence_positions(model, evidence)
    question = Question(model, condition(model, evidence), held, limit | {"progress": True})
    print(assess(question.given, **limit), file=sys.stderr)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", NotConverged)
        answer = TASKS[given.task](question, given)
    for warning in caught:
        print(f"tnlearn: warning: {warning.message}", file=sys.stderr)
    print(json.dumps(answer.fields, default=str) if given.json else answer.text)


def _partition(question: Question, given: Namespace) -> Answer:
    method = "exact" if given.exact else "auto"
    found = log_partition(question.given, method, seed=given.seed, **question.options)
    fields = {
        "task": "pr",
        "log_partition": float(found),
        "log10_partition": float(found) / math.log(10),
        "method": found.method,
        "error": found.error,
        "converged": found.converged,
    }
    return Answer(partition_answer(found), fields)


def _marginals(question: Question, given: Namespace) -> Answer:
    method = "exact" if given.exact else "auto"
    found = marginals(question.given, None, method, seed=given.seed, **question.options)
    whole = {}
    for site in question.whole.sites:
        values = question.whole.values(site)
        certain = np.eye(len(values))[question.held.get(site, 0)]
        whole[site] = found.get(site, certain).tolist()
    return Answer(
        marginals_answer(list(whole.values())),
        {
            "task": "mar",
            "marginals": [[site, p] for site, p in whole.items()],
            "method": found.method,
            "converged": found.converged,
        },
    )


def _mode(question: Question, given: Namespace) -> Answer:
    method = "exact" if given.exact else "auto"
    found = mode(question.given, method=method, seed=given.seed, **question.options)
    if not found.exact:
        print(f"tnlearn: the best state that {found.method} came by: a bound", file=sys.stderr)
    positions = [
        question.held[site]
        if site in question.held
        else question.whole.values(site).index(found.state[site])
        for site in question.whole.sites
    ]
    state = [
        [site, question.whole.values(site)[at]]
        for site, at in zip(question.whole.sites, positions, strict=True)
    ]
    fields = {"task": "map", "state": state, "energy": found.energy}
    fields |= {"method": found.method, "exact": found.exact}
    return Answer(mode_answer(positions), fields)


def _samples(question: Question, given: Namespace) -> Answer:
    drawn = sample(question.given, given.samples, seed=given.seed, **question.options)
    columns = dict(zip(question.given.sites, drawn.T.tolist(), strict=True))
    rows = [
        [
            columns[site][row] if site in columns else question.whole.values(site)[at]
            for site, at in ((s, question.held.get(s, 0)) for s in question.whole.sites)
        ]
        for row in range(given.samples)
    ]
    text = "\n".join(" ".join(map(str, row)) for row in rows)
    return Answer(text, {"task": "sample", "sites": list(question.whole.sites), "samples": rows})


TASKS = {"pr": _partition, "mar": _marginals, "map": _mode, "sample": _samples}
