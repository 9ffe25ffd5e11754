"""``python -m rmt_helpers.command MODEL`` is ``rmt-thresholds MODEL``."""

import sys

from .main import main

if __name__ == "__main__":
    sys.exit(main())
