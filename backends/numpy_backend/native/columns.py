"""What the numbers on the tape mean: one row of columns a step, and the loops in a pool."""

#: Kinds of step; the last adds a slice's part to the total.
LOOPS, MATRICES, SUM, TOTAL = range(4)

#: Columns of a row. Slots of the target and the factors; -1 for a second factor of one.
KIND, TARGET, FIRST, SECOND = range(4)
#: Where each of the three is: in which array, and from which entry on.
TARGET_IN, FIRST_IN, SECOND_IN, TARGET_AT, FIRST_AT, SECOND_AT = range(4, 10)
#: Entries of each.
TARGET_SIZE, FIRST_SIZE, SECOND_SIZE = range(10, 13)
#: Bits by which sums of so many terms may grow; whether terms may cancel; whether the target is
#: zero where the loops do not write.
GROWTH, CANCELS, FILLS = range(13, 16)
#: Where the loops are in the pool, and the matrices among the shapes.
POOL, SHAPE = range(16, 18)
WIDTH = 18

#: Arrays in which tensors are. Those of inputs and of the cotangent are whole, and only read: a
#: slice begins further on.
ARENA, RESULTS, INPUTS, SEEDS = range(4)

#: Inner loops: runs of the first times numbers of the second; runs of both; any strides; sums.
SCALED, PAIRED, STRIDED, SUMMED = range(4)

#: Rows of the range of every slot: a power of two taken out of all entries, powers between which
#: the nonzero ones lie, and whether none is negative.
EXPONENT, LOW, HIGH, NONNEGATIVE = range(4)

#: Exponent of a total to which nothing was added yet.
NOTHING = -(2**40)

#: Steps that went well.
DONE = -1
