"""``python -m salesops``."""

from salesops.project.cli import main

raise SystemExit(main())
