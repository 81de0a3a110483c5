"""Making a good order better: parts of the tree are contracted again in the best way."""

from __future__ import annotations

from collections.abc import Sequence

from tnlearn.planning.given import Path, as_pairs
from tnlearn.planning.scoring import Judge
from tnlearn.planning.symbols import Symbols, symbols_of

#: Results that are joined anew at once; the time grows threefold with each more.
PART = 8
#: Most parts in a round.
MOST_PARTS = 1024


class Refinement:
    """One order while it is refined, and the best it has been.

    Attributes
    ----------
    path, seconds
        The best order so far, and its predicted seconds.
    rounds : int
        How many have been spent on it.
    """

    def __init__(
        self, judge: Judge, path: Sequence[tuple[int, int]], symbols: Symbols | None = None
    ) -> None:
        import cotengra  # Takes 0.2 s to import.

        inputs, output, sizes = symbols or symbols_of(judge.structure)
        self.judge = judge
        self.tree = cotengra.ContractionTree.from_path(inputs, output, sizes, ssa_path=path)
        self.path: Path = tuple(path)
        self.seconds = judge.seconds(path)
        self.rounds = 0

    def improve(self, seed: int, part: int = PART) -> float:
        """One round over the tree from its root; the part by which the seconds became less.

        Each result and some of what it is made of, chosen at random, are joined in the order
        that is best for them (subtree reconfiguration; Gray and Kourtis 2021, arXiv:2002.01935).
        "Best" counts written entries as so many multiply-adds as take as long on the machine:
        in most rounds as beside matrix products, in every fourth as beside smaller steps.
        """
        products, others = self.judge.factors()
        self.tree.subtree_reconfigure_(
            subtree_size=part,
            subtree_search="random",
            select="descend",
            maxiter=min(self.tree.N, MOST_PARTS),
            seed=seed + self.rounds,
            minimize=f"combo-{others if self.rounds % 4 == 3 else products}",
        )
        self.rounds += 1
        path = as_pairs(self.tree.get_ssa_path(), self.tree.N)
        before, now = self.seconds, self.judge.seconds(path)
        if now < before:
            self.path, self.seconds = path, now
        return 1 - self.seconds / before
