"""A writer in a process of its own, driven by the concurrency tests.

    python writer_process.py FOLDER TABLE WRITER FIRST_DAY FILES [STOP_AT]

Merges files of 50 records, 10 new ones each, and prints every step. With STOP_AT it prints ``stopped``
at that step (``append``: after every table commit, before the manifest) and waits to be killed.
"""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from salesops.facts import FactStore, FolderManifests, Incoming, Manifest
from salesops.facts.merge import merge
from salesops.facts.tests.builders import EPOCH, arrow, day


def wait_for_the_end() -> None:
    print("stopped", flush=True)
    time.sleep(120)


class Stopping(FolderManifests):
    """A log whose append is never reached."""

    def append(self, **given: Any) -> Manifest:
        wait_for_the_end()
        return super().append(**given)


def rows_of(writer: str, number: int) -> list[dict[str, Any]]:
    """File ``number`` of a writer: its own records; each file changes the stage of all of them."""
    return [
        {"id": f"{writer}{i}", "stage": f"stage {number}", "name": writer} for i in range(10 * (number + 1))
    ]


def main(folder: str, table: str, writer: str, first: str, files: str, stop_at: str = "") -> None:
    log = (Stopping if stop_at == "append" else FolderManifests)(Path(folder) / "manifests")
    store = FactStore(folder, log)

    def step(what: str, _done: int, _all: int) -> None:
        print(what, flush=True)
        if stop_at and stop_at in what:
            wait_for_the_end()

    column = {"opportunities": "stage", "leads": "status"}[table]
    for number in range(int(files)):
        rows = [{"id": r["id"], column: r["stage"], "name": r["name"]} for r in rows_of(writer, number)]
        incoming = Incoming(
            table, arrow(table, rows), ("id",), day(int(first) + number), "crm", f"{writer}-{number}"
        )
        merge(store, [incoming], recorded_at=EPOCH + timedelta(minutes=number), progress=step)
    print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
