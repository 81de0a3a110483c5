"""What a run in another algebra is told: the row of `native.columns`, and these columns besides.

Of that row the columns for ranges, matrix products and cotangents are left alone.
"""

from __future__ import annotations

from tnlearn_backends.numpy_backend.native import columns

#: Kinds of algebra.
BEST, MODULAR, COUNT, LIST = range(4)

#: The kind, numbers in an entry, and the modulus (0 for none).
ALGEBRA, NUMBERS, MODULUS = range(columns.HEADER, columns.HEADER + 3)
#: For a sum entry by entry, of those at `INPUTS_AT` to those at `TOTALS_AT`: how many.
ADDED = columns.HEADER + 3
HEADER = columns.HEADER + 4
