"""One thread for linear algebra: test processes run side by side and must not fight for cores.

And nothing kept in the user's own folder, nor taken from there.
"""

import os

for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

os.environ["TNLEARN_CACHE_DIR"] = "off"
