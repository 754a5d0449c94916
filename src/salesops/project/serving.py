"""The process that supervises those that answer: ``python -m salesops.project.serving HOST PORT PROCESSES``.

``serve`` turns itself into this when its preparations are done: what they had loaded (the application,
the query engine) stays behind, and the supervisor is a tenth of the size.
"""

from __future__ import annotations

import os
import sys


def main(host: str, port: int, processes: int = 1) -> None:
    """Serve until stopped, and do the jobs where SALESOPS_WORKER is set.

    Args:
        host: address to listen on.
        port: and its port.
        processes: how many answer, each with threads, an engine and a worker of its own. They share what is
            in the database and on the disk: sessions, lockouts, locks of writers, leases of jobs. What each
            keeps in memory is kept under the facts version and the mark of the decisions, which every
            request reads anew; native copies of the deals are made in each.
    """
    from granian import Granian

    os.environ["SALESOPS_SUPERVISOR"] = str(os.getpid())
    Granian(
        "salesops.project.wsgi:application",
        address=host,
        port=port,
        interface="wsgi",
        workers=processes,
        blocking_threads=8,
        workers_kill_timeout=5,
        log_enabled=False,
    ).serve()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
