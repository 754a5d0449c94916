"""Work that nobody waits for gives way to work that somebody does."""

from __future__ import annotations

import os
import sys
import threading

NICENESS = 10


def work_behind() -> None:
    """Let the calling thread go behind those that answer people, where the system tells threads apart (Linux)."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
