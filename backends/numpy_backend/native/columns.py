"""What the numbers on the tape mean: one row of columns a step, and the loops in a pool."""

#: Kinds of step; the last adds a slice's part to the total.
LOOPS, PANELS, SUM, TOTAL = range(4)

#: Columns of a row. Slots of the target and the factors; -1 for a second factor of one.
KIND, TARGET, FIRST, SECOND = range(4)
#: Where each of the three is: in which array, and from which entry on.
TARGET_IN, FIRST_IN, SECOND_IN, TARGET_AT, FIRST_AT, SECOND_AT = range(4, 10)
#: Entries of each.
TARGET_SIZE, FIRST_SIZE, SECOND_SIZE = range(10, 13)
#: Bits by which sums of so many terms may grow; whether terms may cancel; whether the target is
#: zero where the loops do not write.
GROWTH, CANCELS, FILLS = range(13, 16)
#: Where the loops are in the pool; in how many parts threads may share the step (1 if it is not
#: worth it), and the turns of how many of its outermost loops these are.
POOL, PARTS, SHARED_LOOPS = range(16, 19)
#: The slot of the tensor in the target's place, into which it is multiplied entry by entry; or -1.
INTO = 19
WIDTH = 20

#: Arrays in which tensors are. Those of inputs and of the cotangent are whole, and only read: a
#: slice begins further on.
ARENA, RESULTS, INPUTS, SEEDS = range(4)

#: Inner loops: runs of the first times numbers of the second; runs of both; any strides; sums;
#: none, every entry of a small target by itself.
SCALED, PAIRED, STRIDED, SUMMED, SINGLE = range(5)

#: Where the outer loops of a nest are among its numbers.
TURNS = 8
#: The loops of a matrix product: how many around it, how many of those add to the target; its
#: rows, columns and terms; how many are next to each other: rows in the first factor and in the
#: target, columns in the second, terms in the first and the second. Then the loops around it, and
#: offsets: of rows in the first factor and the target, of columns in the second and the target,
#: of terms in both factors.
DEPTH_OF_NEST, SUMS, ROWS, COLUMNS, TERMS = range(5)
ROW_RUN, STORED_RUN, COLUMN_RUN, TERM_RUN, COLUMN_TERM_RUN = range(5, 10)
NEST = 10
#: Real columns and terms of a block of the second factor, which is to stay in cache.
WIDE, DEEP = 256, 256
#: Where a tile and that block are in the work space, after a panel of the first factor, and how
#: many real numbers it holds in all; no tile is larger than 32 by 8.
TILE_AT, BLOCK_AT = 32 * DEEP, 32 * (DEEP + 8)
WORK = BLOCK_AT + WIDE * DEEP

#: Rows of the range of every slot: a power of two taken out of all entries, powers between which
#: the nonzero ones lie, and whether none is negative.
EXPONENT, LOW, HIGH, NONNEGATIVE = range(4)

#: What a run is told, in one row of numbers. What never changes: addresses of the tape, the pool,
#: the numbers 1 and 0, the rows of a gathered panel, the sizes of sliced labels and the steps
#: along them; how many sliced labels and slots; least and greatest power of two, bits of a
#: mantissa.
TAPE, LOOPS_AT, ONE, STRIDES, SLICED_SIZES, SLICED_STEPS = range(6)
SLICED, SLOTS, LEAST, GREATEST, BITS = range(6, 11)
#: What changes: rows from the first to the second once, from there to the third for every slice;
#: the first slice and the one after the last; addresses of the tensors, ranges and workspace.
BEGIN, MIDDLE, END, FIRST_SLICE, LAST_SLICE = range(11, 16)
ARENA_AT, RESULTS_AT, INPUTS_AT, SEEDS_AT, TOTALS_AT, WORK_AT = range(16, 22)
RANGES, SHIFTS, COUNTER = range(22, 25)
#: How many threads may take part, and the address of what they tell each other.
THREADS, CREW_AT = range(25, 27)
#: Whether the inputs are such that no step can leave the range of numbers.
CALM = 27
HEADER = 28
#: What they tell each other: the ticket, and how many parts are finished; in lines of their own.
TICKET, FINISHED, CREW = 0, 16, 32
#: A ticket that sends helpers home.
STOPPED = -(2**62)
#: Entries of the counter: dimensions of a nest of loops; no tensor that fits has more.
DEPTH = 128

#: What packing is told: addresses of the entries, of where inputs begin, of which are logarithms
#: or to be conjugated (int64, 0 or 1) and of the ranges, of every input and, in one more row, of
#: the product of all, where the exponent says whether any is not 0; how many inputs; whether to
#: look for nan and inf; the least power of two, and how many the entries of a log input may be
#: apart.
ENTRIES, STARTS, LOGS, CONJ, SURVEYED, COUNT, CHECK, LEAST_POWER, SPREAD = range(9)
#: And what collecting is told besides: addresses of the list of arrays, of the type and the dtype
#: they must be of, of their numbers of axes, and of their sizes, one after another.
LIST, ARRAY_TYPE, DTYPE_OF, RANKS, SHAPES = range(9, 14)
PACKING = 14

#: Exponent of a total to which nothing was added yet.
NOTHING = -(2**40)

#: Steps that went well.
DONE = -1
