"""Parts of a model that hang together."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from tnlearn.compiling import kernel


@kernel
def grown(lists, shuffled, size):
    """So many sites, each next to one before it where there is one: breadth first.

    Parameters
    ----------
    lists : Lists
    shuffled : array of int64, shape (n_sites,)
        All sites; a region begins at the first that is not in one.
    size : int
    """
    taken = np.zeros(shuffled.size, np.bool_)
    region = np.empty(size, np.int64)
    count, head, cursor = 0, 0, 0
    while count < size:
        if head == count:
            while taken[shuffled[cursor]]:
                cursor += 1
            region[count], taken[shuffled[cursor]] = shuffled[cursor], True
            count += 1
        site = region[head]
        head += 1
        for k in range(lists.touching[site], lists.touching[site + 1]):
            table = lists.tables[k]
            for axis in range(lists.axes[table], lists.axes[table + 1]):
                other = lists.owners[axis]
                if count < size and not taken[other]:
                    region[count], taken[other] = other, True
                    count += 1
    return region
