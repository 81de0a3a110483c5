"""``python -m tnlearn``: the command line, where the script ``tnlearn`` is not on the path."""

import sys

from tnlearn.cli import main

if __name__ == "__main__":
    sys.exit(main())
