"""The lock file: exclusive, and free again when its holder is gone."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from salesops.facts.errors import LockLost, LockTimeout
from salesops.facts.locks import FileLock, process_alive


def test_only_one_holder_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "a.lock"
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        for _ in range(5):
            with FileLock(path) as lock:
                inside.append(1)
                most.append(len(inside))
                lock.check()
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 20
    assert set(most) == {1}
    assert not path.exists()


def test_a_busy_lock_names_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    with FileLock(path), pytest.raises(LockTimeout, match=str(os.getpid())):
        FileLock(path, timeout=0.05).acquire()


def test_a_dead_process_on_this_host_is_noticed_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True
    )
    path.write_text(
        json.dumps({"token": "old", "host": socket.gethostname(), "pid": int(gone.stdout)}), encoding="utf-8"
    )
    with FileLock(path, timeout=5) as lock:
        lock.check()


@pytest.mark.parametrize("body", [{"token": "old", "host": "another host", "pid": 1}, None])
def test_a_silent_holder_elsewhere_is_replaced_after_a_while(
    tmp_path: Path, body: dict[str, object] | None
) -> None:
    path = tmp_path / "a.lock"
    path.write_text(json.dumps(body) if body else "half writ", encoding="utf-8")
    with FileLock(path, timeout=20, stale_after=0.3) as lock:
        lock.check()


def test_a_holder_that_lost_its_lock_learns_of_it_and_leaves_the_other_s_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    lock = FileLock(path)
    lock.acquire()
    path.write_text(json.dumps({"token": "another"}), encoding="utf-8")
    with pytest.raises(LockLost):
        lock.check()
    lock.release()
    assert path.exists()


def test_a_guard_left_by_a_dead_waiter_does_not_block_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    path.write_text(json.dumps({"token": "old", "host": "another host", "pid": 1}), encoding="utf-8")
    path.with_name("a.lock.steal").touch()
    with FileLock(path, timeout=20, stale_after=0.2) as lock:
        lock.check()


def test_this_process_is_alive() -> None:
    assert process_alive(os.getpid())
