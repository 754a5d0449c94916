"""A home put into one file and made whole again elsewhere, on either database, says the same of everything."""

from __future__ import annotations

import json
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.safekeeping.homes import LOAD, Home, Said

MAKE = Callable[[str], Home]
ADDED = {"platform.AuditEvent", "contenttypes.ContentType", "auth.Permission"}
"""Tables that a backup or a restore itself adds to."""


def differences(one: dict[str, int], other: dict[str, int]) -> dict[str, tuple[int, int]]:
    """Tables of which two homes have another number of rows."""
    shared = (one.keys() & other.keys()) - ADDED
    assert len(shared) > 20
    return {k: (one[k], other[k]) for k in shared if one[k] != other[k]}


def test_from_sqlite_to_postgresql_and_back(
    firm: Home, firm_said: Said, away: Home, empty_home: MAKE, tmp_path: Path
) -> None:
    assert firm_said.rows["analytics.Reconciliation"] == 1
    assert sum(firm_said.rows.values()) > 200
    there = away.look()
    assert there.answers == firm_said.answers
    assert differences(there.rows, firm_said.rows) == {}
    assert there.chain[0] is True
    # What is recorded next gets a number of its own: the sequences go on after the rows.
    second = tmp_path / "second.zip"
    _, printed = away.steps(
        ["account", "newcomer", "--role", "ops_analyst"], ["backup", str(second), "--json"]
    )
    made = json.loads(printed.stdout)
    back = empty_home("sqlite")
    back.run("restore", str(second), "--into", str(back.path))
    here = back.look()
    assert here.answers == firm_said.answers
    assert differences(here.rows, made["rows"]) == {}
    assert here.rows["platform.User"] == firm_said.rows["platform.User"] + 1
    assert here.chain[0] is True
    assert here.chain[1] > there.chain[1]
    assert here.folders[0] == [str(back.path / "uploads" / "0a1b" / "deals.csv"), "/elsewhere/deals.csv"]
    for name in ("uploads/0a1b/deals.csv", "files/frozen.html"):
        assert (back.path / name).read_bytes() == (firm.path / name).read_bytes()
    kept = f"{there.chain[1]}:{there.chain[2]}"
    assert back.json("audit", "verify", "--head", kept)["holds"] is True
    refusals = back.script(REFUSED)
    assert refusals.split() == ["refused"] * 3


REFUSED = """
from django.db import DatabaseError, connection
for table in ("platform_auditevent", "analytics_reconciliation", "quotas_quota"):
    try:
        connection.cursor().execute(f"DELETE FROM {table}")
    except DatabaseError as error:
        print("refused" if "append-only" in str(error) else error)
"""


def test_what_is_printed_and_what_is_left_out(own_firm: Home, empty_home: MAKE) -> None:
    key = (own_firm.path / "secret-key").read_text()
    own_firm.script(
        "from django.contrib.sessions.backends.db import SessionStore\nSessionStore().save(must_create=True)"
    )
    plain, secret = own_firm.path.parent / "plain.zip", own_firm.path.parent / "secret.zip"
    first, second = own_firm.steps(
        ["backup", str(plain), "--json"], ["backup", str(secret), "--with-secrets", "--json"]
    )
    said = json.loads(first.stdout)
    assert (said["path"], said["bytes"]) == (str(plain), plain.stat().st_size)
    assert said["secrets"] is False
    with zipfile.ZipFile(plain) as archive:
        assert not [n for n in archive.namelist() if "secret" in n or "Session" in n]
        assert not any(key.encode() in archive.read(n) for n in archive.namelist())
    assert json.loads(second.stdout)["secrets"] is True
    other = empty_home("sqlite")
    checked = other.json("restore", str(secret), "--check")
    assert (checked["secrets"], checked["digest"] == said["digest"]) == (True, False)
    assert not (other.path / "salesops.sqlite3").exists()
    other.run("restore", str(secret), "--into", str(other.path))
    assert (other.path / "secret-key").read_text() == key
    assert (other.path / "secret-key").stat().st_mode & 0o077 == 0
    assert checked["rows"]["sessions.Session"] == 1
    assert checked["manifests"] == said["manifests"] == 2


def test_a_home_or_a_database_that_holds_something_is_refused(
    firm_backup: Path, own_firm: Home, empty_home: MAKE
) -> None:
    refused = own_firm.run("restore", str(firm_backup), code=1)
    assert "is not empty" in refused.stderr
    for name in ("facts", "uploads", "files"):
        shutil.rmtree(own_firm.path / name)
    refused = own_firm.run("restore", str(firm_backup), code=1)
    assert "The database already holds data" in refused.stderr
    assert own_firm.run("audit", "head").stdout.partition(":")[0].isdigit()
    # A home that was made and never used is empty.
    made = empty_home("sqlite")
    made.run("init")
    _, checked = made.steps(
        ["restore", str(firm_backup), "--into", str(made.path)], ["facts", "check", "--json"]
    )
    assert json.loads(checked.stdout)["whole"] is True


def damage(path: Path, target: Path, what: str) -> Path:
    """A copy of a backup with something wrong with it."""
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".parquet"))
        members = {n: archive.read(n) for n in archive.namelist()}
        info = archive.getinfo(name)
    if what == "a byte":
        content[info.header_offset + len(info.filename) + 100] ^= 1
        target.write_bytes(content)
    elif what == "its end":
        target.write_bytes(content[:-1000])
    elif what == "all but its beginning":
        target.write_bytes(content[:1000])
    elif what == "text":
        target.write_text("no archive")
    else:
        if what == "a file too many":
            members["facts/more.parquet"] = b"x"
        elif what == "a file too few":
            del members[name]
        elif what == "a file with another content":
            members[name] = b"x" * len(members[name])
        elif what == "a file that leads out":
            said = json.loads(members["manifest.json"])
            said["members"]["facts/../../out"] = said["members"].pop(name)
            members["facts/../../out"] = members.pop(name)
            members["manifest.json"] = json.dumps(said).encode()
        elif what == "a later form":
            members["manifest.json"] = json.dumps(
                {**json.loads(members["manifest.json"]), "form_version": 99}
            ).encode()
        elif what == "a later version":
            said = json.loads(members["manifest.json"])
            said["migrations"].append(["platform", "9999_later"])
            members["manifest.json"] = json.dumps(said).encode()
        with zipfile.ZipFile(target, "w") as archive:
            for member, data in members.items():
                archive.writestr(member, data)
    return target


DAMAGES = {
    "a byte": "is damaged",
    "its end": "no whole backup",
    "all but its beginning": "no whole backup",
    "text": "no whole backup",
    "a file too many": "its manifest does not name",
    "a file too few": "lacks the file",
    "a file with another content": "is damaged",
    "a file that leads out": "no backup gives",
    "a later form": "update first",
    "a later version": "install the newer version first",
}


def test_a_damaged_backup_changes_nothing(firm_backup: Path, empty_home: MAKE, tmp_path: Path) -> None:
    home = empty_home("sqlite")
    said = home.python("-c", LOAD + ATTEMPTS, *(str(damage(firm_backup, tmp_path / f"{n}.zip", what)) for n, what in
                       enumerate(DAMAGES)))  # fmt: skip
    lines = said.stdout.splitlines()
    assert len(lines) == len(DAMAGES), said.stderr
    for line, expected in zip(lines, DAMAGES.values(), strict=True):
        assert expected in line
    assert sorted(p.name for p in home.path.iterdir()) == ["secret-key"]
    assert home.run("restore", str(tmp_path / "none.zip"), code=1).stderr.startswith("There is no file")


ATTEMPTS = """
import sys
from pathlib import Path
from salesops.platform.actors import LOCAL_ADMINISTRATOR
from salesops.platform.safekeeping.archive import BackupError
from salesops.platform.safekeeping.restore import backup_restore
for path in sys.argv[1:]:
    try:
        backup_restore(actor=LOCAL_ADMINISTRATOR, path=Path(path))
    except BackupError as error:
        print(error)
"""

BUSY = """
import sys
from pathlib import Path
from datetime import UTC, datetime
from salesops.crm.services import import_now
from salesops.platform import decisions
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.registries import decision_kinds
model = decision_kinds.get("value_repair")
source = next(Path(sys.argv[1]).rglob("Opportunity.csv")).read_text()
print("ready", flush=True)
for n in range(100_000):
    values = {"table": "accounts", "column": "industry", "value": f"v{n}", "replacement": "w"}
    decisions.decision_record(model, actor=ADMIN, subject=model.subject_of(values), values=values, reason="busy")
    if n % 3 == 0:
        folder = Path(sys.argv[1]) / f"turn{n}" / f"2026-11-{8 + n % 20:02}"
        folder.mkdir(parents=True)
        (folder / "Opportunity.csv").write_text(source.replace("A deal of the week after", f"Turn {n}"))
        import_now(actor=ADMIN, paths=[folder])
        print(n, flush=True)
"""


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_backup_while_others_import_and_decide(
    kind: str, firm: Home, own_firm: Home, empty_home: MAKE, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    home = request.getfixturevalue("away") if kind == "postgresql" else own_firm
    shutil.copytree(firm.path.parent / "next", tmp_path / "next")
    writer = home.start("-c", LOAD + BUSY, str(tmp_path / "next"))
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        assert writer.stdout.readline() == "0\n"
        path = tmp_path / "busy.zip"
        said = home.json("backup", str(path))
        assert writer.poll() is None
    finally:
        writer.kill()
        writer.communicate()
    assert said["manifests"] >= 3
    copy = empty_home("sqlite")
    _, checked = copy.steps(["restore", str(path), "--into", str(copy.path)], ["facts", "check", "--json"])
    assert json.loads(checked.stdout)["readable"] == said["manifests"]
    # Each decision was written with its audit event: one state of the database has as many of both.
    counted = copy.script(
        "from salesops.crm.models import ValueRepair\n"
        "from salesops.platform.models import AuditEvent\n"
        "print(ValueRepair.objects.count())\n"
        "print(AuditEvent.objects.filter(subject__startswith='value_repair:').count())"
    )
    decided, audited = map(int, counted.split())
    assert decided == audited == said["rows"]["crm.ValueRepair"] > 0


SMALL = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
from salesops.project.cli import main
raise SystemExit(main(sys.argv[2:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of another kind")
def test_a_full_disk(own_firm: Home, firm_backup: Path, empty_home: MAKE, tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    old = Path(shutil.copy(firm_backup, folder / "firm.zip"))
    before = old.read_bytes()
    full = own_firm.python("-c", SMALL, "60000", "backup", str(old))
    assert (full.returncode, "is full" in full.stderr) == (1, True), full.stderr
    assert "Traceback" not in full.stderr
    assert [p.name for p in folder.iterdir()] == ["firm.zip"]
    assert old.read_bytes() == before

    home = empty_home("sqlite")
    full = home.python("-c", SMALL, "60000", "restore", str(old))
    assert (full.returncode, "run the same restore again" in full.stderr) == (1, True), full.stderr
    incomplete, again, asked = home.steps(
        ["kpi", "won_deals"], ["restore", str(old), "--into", str(home.path)], ["kpi", "won_deals"], code=None
    )
    assert (incomplete.returncode, "is incomplete" in incomplete.stderr) == (2, True)
    assert (again.returncode, asked.returncode) == (0, 0)


WRITING = """
import sys
from pathlib import Path
from django.conf import settings
from salesops.crm import uploads
from salesops.platform.actors import LOCAL_ADMINISTRATOR
from salesops.platform.safekeeping.backup import backup_write

def while_writing(act):
    yield b"1"
    act()
    yield b"2"

def write():
    backup_write(actor=LOCAL_ADMINISTRATOR, path=Path(sys.argv[1]))

for name in ("deals.part.csv", "deals.part", "a.csv"):
    uploads.keep(name, [b"Id,Amount"])
uploads.keep_all([("one.part.csv", [b"1"]), ("two.csv", [b"2"])])
files = Path(settings.FILES_PATH)
for name in ("_locks/import-3.lock", "import-3-x_y1/opportunities.parquet", "replay-ab12/deals.csv",
             "jobs/7/1.report.csv.part", "jobs/7/report.part.csv", "import-report.html"):
    (files / name).parent.mkdir(parents=True, exist_ok=True)
    (files / name).write_text("x")
uploads.keep("later.csv", while_writing(lambda: uploads.keep_all([("b.csv", while_writing(write)), ("c.csv", [b"3"])])))
"""


def test_uploads_of_any_name_come_back_and_what_is_being_written_does_not(
    own_firm: Home, empty_home: MAKE, tmp_path: Path
) -> None:
    made = tmp_path / "made.zip"
    done = own_firm.python("-c", LOAD + WRITING, str(made))
    assert done.returncode == 0, done.stderr
    home = empty_home("sqlite")
    home.run("restore", str(made), "--into", str(home.path))

    def names(folder: str) -> list[str]:
        root = home.path / folder
        return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())

    assert sorted(name.rpartition("/")[2] for name in names("uploads")) == [
        "a.csv", "deals.csv", "deals.part", "deals.part.csv", "one.part.csv", "two.csv",
    ]  # fmt: skip
    assert names("files") == ["frozen.html", "import-report.html", "jobs/7/report.part.csv"]


def test_backups_by_a_job_keep_the_newest(own_firm: Home, firm_backup: Path) -> None:
    folder = own_firm.path / "backups"
    folder.mkdir()
    for name in ("salesops-20200101-000000.zip", "salesops-20210101-000000.zip", "mine.zip"):
        shutil.copy(firm_backup, folder / name)
    said = json.loads(
        own_firm.script(
            "import json\n"
            "from salesops.platform import jobs\n"
            "from salesops.platform.actors import LOCAL_ADMINISTRATOR\n"
            "job = jobs.enqueue('backup', {'keep': 2}, actor=LOCAL_ADMINISTRATOR)\n"
            "jobs.run_waiting()\n"
            "job.refresh_from_db()\n"
            "print(json.dumps([job.state, job.result or job.error]))"
        )
    )
    assert said[0] == "done", said[1]
    made = Path(said[1]["path"]).name
    assert sorted(p.name for p in folder.iterdir()) == sorted(
        ["mine.zip", "salesops-20210101-000000.zip", made]
    )
    assert said[1]["removed"] == ["salesops-20200101-000000.zip"]
    assert own_firm.json("restore", said[1]["path"], "--check")["digest"] == said[1]["digest"]


def test_who_may_and_where(own_firm: Home, tmp_path: Path) -> None:
    _, refused, nowhere = own_firm.steps(
        ["account", "analyst", "--role", "ops_analyst"],
        ["--as", "analyst", "backup", str(tmp_path / "b.zip")],
        ["backup", str(tmp_path / "no" / "b.zip")],
        code=None,
    )
    assert (refused.returncode, "does not allow this" in refused.stderr) == (1, True)
    assert (nowhere.returncode, "there is no folder" in nowhere.stderr) == (1, True)
    assert not list(tmp_path.glob("**/*.zip"))
