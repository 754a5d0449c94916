"""The process that supervises those that answer: ``python -m salesops.project.serving HOST PORT PROCESSES``.

``serve`` turns itself into this when its preparations are done: what they had loaded (the application,
the query engine) stays behind, and the supervisor is a tenth of the size.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path


def free_port(host: str, first: int) -> int:
    """The first free port from ``first`` on.

    Raises:
        OSError: none of the next hundred is free.
    """
    for port in range(first, first + 100):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    message = f"No free port from {first} to {first + 99}."
    raise OSError(message)


def become(
    home: Path, host: str, port: int, *, worker: bool, processes: int = 1, welcome: bool = False
) -> None:
    """Serve a home until stopped; where the system can, this process turns into the supervisor.

    Args:
        home: folder of decisions and facts.
        host: address to listen on.
        port: and its port.
        worker: whether to do the jobs, too.
        processes: how many answer.
        welcome: whether the server is to print the links of the home's demo.
    """
    os.environ["SALESOPS_WELCOME"] = f"http://{host}:{port}" if welcome else ""
    os.environ["SALESOPS_WORKER"] = "1" if worker else ""
    os.environ["SALESOPS_HOME"] = str(home)
    if os.name == "posix":  # elsewhere a process can't become another one and keep its terminal
        sys.stdout.flush()
        command = [sys.executable, "-m", "salesops.project.serving", host, str(port), str(processes)]
        os.execv(sys.executable, command)  # noqa: S606 (ourselves)
    main(host, port, processes)


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
