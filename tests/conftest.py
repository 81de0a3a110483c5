"""One thread for linear algebra: test processes run side by side and must not fight for cores."""

import os

for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")
