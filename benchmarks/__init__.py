"""How fast networks are contracted, beside other libraries: ``python -m benchmarks --help``.

The rules, which make the numbers of one run comparable (and those of two runs not):

- Everyone contracts the same arrays, index by index; several sets of them, in rotation.
- Everyone is given the better of two orders, ours and that of the library's own search (for
  those without one, opt_einsum's), and whichever of its modes is fastest. "Better" is timed.
- One number of threads for all, set before anything is imported; ``processor_share`` in the
  results shows who kept to it, and whether the machine was idle.
- Planning, compiling (with the first run), packing (arrays into a library's own form) and
  running are timed apart. JAX's arrays are on the device before, and its results are waited for.
- Values and gradients must agree before anything is timed.
- Samples are taken in turns, round by round. Ratios are medians over the rounds' ratios.
- A library that fails, disagrees or takes too long is a row with the reason.
"""
