"""How fast networks are contracted, beside other libraries: ``python -m benchmarks --help``.

The rules, which make the numbers of one run comparable (and those of two runs not):

- Everyone contracts the same arrays, index by index; several sets of them, in rotation.
- Everyone is given the better of two orders, ours and that of the library's own search (for
  those without one, opt_einsum's), and whichever of its modes is fastest. "Better" is timed.
- One number of threads for all, set before anything is imported; ``processor_share`` in the
  results shows who kept to it, and whether the machine was idle.
- Every library is in a process of its own at every task, of which one at a time has something
  to do; it counts its own seconds. It rehearses on a small network first: imports, and what a
  library does once in a process, are in no time.
- Planning, compiling (with all that is done once, at the first run for example), packing (arrays
  into a library's own form) and running are timed apart. JAX's arrays are on the device before,
  and its results are waited for.
- Values and gradients must agree before anything is timed.
- Samples are taken in turns, round by round. Ratios are medians over the rounds' ratios.
- Times stand beside the least that the machine could take: the operations and bytes of the
  order, by the rates of a large matrix product and a large copy.
- A library that fails, crashes, disagrees or takes too much memory or time is a row with the
  reason, and takes part no more; all others go on.
- Files are written whole after each problem; ``--resume`` goes on with a run that was cut.
"""
