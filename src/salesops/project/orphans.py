"""The serving process ends with the one that started it.

``serve`` is two processes: one that supervises and one that answers. Killed outright, the first cannot
stop the second, which would go on answering on the port, and working, unseen by whoever restarts it.
"""

from __future__ import annotations

import os
import signal
import threading
import time

LOOK_SECONDS = 1.0


def end_with_parent(parent: int) -> None:
    """Stop this process soon after its parent is gone: asked to first, then at once.

    Args:
        parent: process id of the supervisor, as it stood when this process began.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)
        os._exit(1)

    if hasattr(os, "getppid") and os.name == "posix":  # elsewhere a child keeps its first parent's id
        threading.Thread(target=watch, name="salesops-orphan-watch", daemon=True).start()
