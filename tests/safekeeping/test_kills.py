"""kill -9 at each stage of a backup and of a restore, and two processes that write the ledger at once."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.safekeeping.homes import LOAD, Home

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of another kind")

KILLS = """
import hashlib, json, os, signal, sys
from importlib import import_module
from pathlib import Path
from salesops.platform.safekeeping import archive, backup, restore, tables
from salesops.project.cli import build_parser, main
build_parser()
stages, command, watched = map(json.loads, sys.argv[1:])

def deadly(where, name, turn):
    owner = import_module("salesops.platform.safekeeping." + where.split(":")[0])
    for part in where.split(":")[1:]:
        owner = getattr(owner, part)
    inner = getattr(owner, name)
    turns = [turn]

    def called(*args, **named):
        turns[0] -= 1
        if turns[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return inner(*args, **named)

    setattr(owner, name, called)

for stage in stages:
    child = os.fork()  # the application is loaded once; nothing is open yet
    if child == 0:
        deadly(*stage)
        os._exit(main(command))
    _, status = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    path = Path(watched)
    print(json.dumps([killed, hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None]), flush=True)
"""
"""Runs a command once for each stage: it is killed when it calls a function for the n-th time.

After each it prints whether it was killed and the digest of a file, or null where there is none.
"""

BACKUP_STAGES = [
    ("archive", "_remove_dead_parts", 1),
    ("tables", "dump", 20),
    ("archive:Writer", "add_file", 30),
    ("backup", "_write_files", 1),
    ("archive:Writer", "finish", 1),
    ("archive:os", "fsync", 1),
]
"""Up to the last one the file's name stands for the old backup; the next step is the rename itself."""

RESTORE_STAGES = [
    ("restore", "_mark", 1),
    ("archive:Reader", "extract", 40),
    ("restore", "_newest", 1),
    ("tables", "load", 15),
    ("tables", "reset_sequences", 1),
    ("restore", "_compare", 1),
    ("restore:audit", "record", 1),
]


def kill_at(
    home: Home, stages: list[tuple[str, str, int]], command: list[str], watched: Path
) -> list[str | None]:
    """Kill a command at each stage in turn; returns the watched file's digest after each."""
    done = home.python("-c", LOAD + KILLS, json.dumps(stages), json.dumps(command), json.dumps(str(watched)))
    said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    assert len(said) == len(stages), done.stderr
    unreached = [stage for stage, (killed, _) in zip(stages, said, strict=True) if not killed]
    assert unreached == [], done.stderr
    return [digest for _, digest in said]


def test_a_killed_backup_leaves_the_old_file(own_firm: Home, firm_backup: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    path = Path(shutil.copy(firm_backup, folder / "firm.zip"))
    foreign = folder / ".firm.zip.another-host.1.part"  # may be at work there
    foreign.touch()
    old = hashlib.sha256(path.read_bytes()).hexdigest()
    last = ("archive", "flush_folder", 1)  # after the rename: the new one, whole
    *before, after = kill_at(own_firm, [*BACKUP_STAGES, last], ["backup", str(path)], path)
    assert before == [old] * len(BACKUP_STAGES)
    assert after not in (old, None)
    checked, made, held = own_firm.steps(
        ["restore", str(path), "--check", "--json"],
        ["backup", str(path), "--json"],
        ["audit", "verify", "--json"],
    )
    assert json.loads(checked.stdout)["manifests"] == json.loads(made.stdout)["manifests"] == 2
    assert json.loads(held.stdout)["holds"] is True
    assert {p.name for p in folder.iterdir()} == {"firm.zip", foreign.name}, (
        "what the killed ones left is still there"
    )
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_killed_restore_says_so_and_is_begun_again(
    kind: str, firm_backup: Path, empty_home: Callable[[str], Home]
) -> None:
    home = empty_home(kind)
    mark = home.path / "restore-incomplete.json"
    first, *marked = kill_at(home, RESTORE_STAGES, ["restore", str(firm_backup)], mark)
    assert first is None
    assert None not in marked
    refused, again, whole = home.steps(
        ["kpi", "won_deals"], ["restore", str(firm_backup), "--json"], ["facts", "check", "--json"], code=None
    )
    assert (refused.returncode, "is incomplete" in refused.stderr) == (2, True)
    assert again.returncode == 0, again.stderr
    assert json.loads(whole.stdout)["whole"] is True
    rows = json.loads(again.stdout)["rows"]
    now = json.loads(home.script(ROWS))
    # No kill lost a row or doubled one; the restore itself adds one event.
    added = {"contenttypes.ContentType", "auth.Permission"}
    assert {k: n for k, n in now.items() if k in rows and k not in added} == {
        k: n + (k == "platform.AuditEvent") for k, n in rows.items() if k not in added
    }


ROWS = """
import json
from salesops.platform.safekeeping import tables
print(json.dumps({m._meta.label: tables.count(m) for m in tables.models_of()}))
"""

WRITER = """
import sys
from django.db import transaction
from salesops.platform import audit
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
sys.stdin.readline()
for n in range(150):
    try:
        with transaction.atomic():
            audit.record(actor=ADMIN, action="test", subject=f"{sys.argv[1]} {n}", after=n)
            if n % 10 == 0:
                raise LookupError("this one is undone")
            if n % 7 == 0:
                audit.record(actor=ADMIN, action="test", subject=f"{sys.argv[1]} {n} again")
    except LookupError:
        pass
"""


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_writers_at_once_keep_one_chain(kind: str, empty_home: Callable[[str], Home]) -> None:
    home = empty_home(kind)
    home.run("init")
    writers = [home.start("-c", LOAD + WRITER, name) for name in ("one", "two", "three")]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        _, said = writer.communicate(timeout=200)
        assert writer.returncode == 0, said
    found = home.json("audit", "verify")
    assert (found["holds"], found["broken"]) == (True, 0)
    each = sum(1 + (n % 7 == 0) for n in range(150) if n % 10)
    assert found["events"] == 3 * each
