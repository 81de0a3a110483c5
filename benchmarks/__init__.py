"""How fast networks are contracted, beside other libraries: ``python -m benchmarks --help``."""
