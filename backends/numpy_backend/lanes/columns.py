"""What a run over lanes is told, in a header of integers, and the words of its code."""

from __future__ import annotations

#: Bytes of a row: so many that reading the code takes less than what it says, so few that all rows
#: of a program are in the second cache.
ROW = 1024

#: Addresses of the arena, the inputs, the cotangent, the results, the code and the table.
ARENA_AT, INPUTS_AT, SEEDS_AT, RESULTS_AT, CODE_AT, TABLE_AT = range(6)
#: Words of code; the first block and the one before which to stop; the size of the batch; and
#: whether every row that is made is looked at.
WORDS, FIRST, STOP, BATCH, LOOK = range(6, 11)
HEADER = 11

#: Rows that are kept apart: ones, and the largest and smallest magnitudes that were seen.
ONES, LARGEST, SMALLEST, APART = range(4)

#: Code is a row of sums: ``target, plus, minus``, then pairs of factors, first those that are
#: added and then those that are subtracted. Instead of `plus` there may be one of these, followed
#: by the first row of the table and how many there are; the target is the first of as many.
LOAD, LOAD_SEED, STORE = -1, -2, -3
