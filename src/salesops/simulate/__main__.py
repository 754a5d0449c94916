"""Entry point of ``python -m salesops.simulate``."""

from __future__ import annotations

import sys

from salesops.simulate.cli import main

if __name__ == "__main__":
    sys.exit(main())
