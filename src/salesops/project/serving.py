"""The process that supervises the one that answers: ``python -m salesops.project.serving HOST PORT``.

``serve`` turns itself into this when its preparations are done: what they had loaded (the application,
the query engine) stays behind, and the supervisor is a tenth of the size.
"""

from __future__ import annotations

import os
import sys


def main(host: str, port: int) -> None:
    """Serve until stopped: one process with threads, and the jobs' worker inside where SALESOPS_WORKER is set."""
    from granian import Granian

    os.environ["SALESOPS_SUPERVISOR"] = str(os.getpid())
    Granian(
        "salesops.project.wsgi:application",
        address=host,
        port=port,
        interface="wsgi",
        workers=1,
        blocking_threads=8,
        workers_kill_timeout=5,
        log_enabled=False,
    ).serve()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
