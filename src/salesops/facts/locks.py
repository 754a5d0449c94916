"""A lock file that works on every platform and on shared folders, and recovers from dead holders.

A holder creates the file exclusively and touches it from a thread. A waiter takes over when
the file did not change for ``stale_after`` seconds of the waiter's own monotonic clock, so
wall clocks that jump or disagree between hosts do no harm; on the holder's own host a dead
process is noticed at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import sys
import threading
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self

from salesops.facts.errors import LockLost, LockTimeout

HEARTBEAT_SECONDS = 2.0
STALE_AFTER_SECONDS = 30.0
_BOOT = uuid.uuid4().hex
"""Tells a lock of this process from one of an earlier process with the same id."""


class FileLock:
    """An exclusive lock on a name, for one thread of one process.

    Args:
        path: the lock file; its folder is created.
        timeout: seconds to wait before :class:`LockTimeout`.
        stale_after: seconds without a heartbeat after which a holder counts as dead.
    """

    def __init__(
        self, path: Path, *, timeout: float = 600.0, stale_after: float = STALE_AFTER_SECONDS
    ) -> None:
        self.path = path
        self.timeout = timeout
        self.stale_after = stale_after
        self._token = ""
        self._stop = threading.Event()
        self._beat: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def acquire(self) -> None:
        """Wait for the lock with jitter; raises :class:`LockTimeout`."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        jitter = random.Random(uuid.uuid4().int)  # noqa: S311 - spreads retries, protects nothing
        deadline = time.monotonic() + self.timeout
        seen: tuple[str, int] = ("", 0)
        seen_since = time.monotonic()
        pause = 0.01
        while not self._create():
            now = time.monotonic()
            state = self._state()
            if state != seen:
                seen, seen_since = state, now
            if state[0] and (now - seen_since > self.stale_after or self._holder_is_dead()):
                self._take_away(state[0])
                continue
            if now > deadline:
                raise LockTimeout(
                    f"{self.path.name} is held by another writer ({self._describe()}). "
                    "Wait for it to end, or stop that process; a dead holder is noticed by itself."
                )
            time.sleep(pause * jitter.uniform(0.5, 1.5))
            pause = min(pause * 1.5, 0.25)
        self._stop.clear()
        self._beat = threading.Thread(target=self._keep, name=f"lock {self.path.name}", daemon=True)
        self._beat.start()

    def release(self) -> None:
        """Give the lock back; harmless when it was lost."""
        self._stop.set()
        if self._beat is not None:
            self._beat.join()
            self._beat = None
        if self._token and self._read().get("token") == self._token:
            with contextlib.suppress(FileNotFoundError):
                self.path.unlink()
        self._token = ""

    def check(self) -> None:
        """Raise :class:`LockLost` unless this object still holds the lock."""
        if not self._token or self._read().get("token") != self._token:
            raise LockLost(
                f"{self.path.name} was taken over while this writer was suspended. "
                "Nothing was published: run it again."
            )

    def _create(self) -> bool:
        token = uuid.uuid4().hex
        body = json.dumps({"token": token, "host": socket.gethostname(), "pid": os.getpid(), "boot": _BOOT})
        try:
            handle = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError:
            return False
        except PermissionError:  # Windows: the file is being deleted at this moment
            return False
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(body)
        self._token = token
        return True

    def _keep(self) -> None:
        while not self._stop.wait(HEARTBEAT_SECONDS):
            with contextlib.suppress(OSError):
                if self._read().get("token") == self._token:
                    os.utime(self.path)

    def _read(self) -> dict[str, str]:
        try:
            raw = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return raw if isinstance(raw, dict) else {}

    def _state(self) -> tuple[str, int]:
        try:
            changed = self.path.stat().st_mtime_ns
        except OSError:
            return ("", 0)
        return (str(self._read().get("token", "unreadable")), changed)

    def _describe(self) -> str:
        held = self._read()
        return f"process {held.get('pid', '?')} on {held.get('host', '?')}"

    def _holder_is_dead(self) -> bool:
        held = self._read()
        if held.get("host") != socket.gethostname() or "pid" not in held:
            return False
        return not process_alive(int(held["pid"]))

    def _take_away(self, token: str) -> None:
        """Remove the dead holder's file; a guard file keeps two waiters from both doing it."""
        guard = self.path.with_name(self.path.name + ".steal")
        try:
            os.close(os.open(guard, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except OSError:
            time.sleep(0.05)
            self._drop_old_guard(guard)
            return
        try:
            if self._state()[0] == token:
                with contextlib.suppress(OSError):
                    self.path.unlink()
        finally:
            with contextlib.suppress(OSError):
                guard.unlink()

    def _drop_old_guard(self, guard: Path) -> None:
        """A guard lives for milliseconds: one that stands for seconds belongs to a dead process."""
        try:
            before = guard.stat().st_mtime_ns
            time.sleep(min(2.0, self.stale_after))
            if guard.stat().st_mtime_ns == before:
                guard.unlink()
        except OSError:
            return


def process_alive(pid: int) -> bool:
    """Whether a process of that id runs on this host (true when that cannot be told)."""
    if sys.platform == "win32":
        return _alive_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _alive_on_windows(pid: int) -> bool:
    """Signal 0 ends a process on Windows, so the handle is asked instead."""
    import ctypes

    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]  # exists on Windows only
    handle = kernel.OpenProcess(0x1000, False, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
    if not handle:
        return bool(kernel.GetLastError() == 5)  # access denied: it lives
    code = ctypes.c_ulong()
    known = kernel.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel.CloseHandle(handle)
    return not known or code.value == 259  # STILL_ACTIVE
