"""``serve --processes 2``: both answer, one sign-in holds at both, and both show what was imported."""

from __future__ import annotations

import http.cookiejar
import re
import subprocess
import sys
import urllib.parse
import urllib.request
import uuid
from pathlib import Path

import pytest

from tests.doors.exports import write_firm
from tests.doors.test_cli_processes import call, environment, salesops, stopped, wait_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="who answered is read from /proc")

PASSWORD = "correct horse battery staple 42"


def answering(supervisor: int) -> list[int]:
    """The supervisor's children that run Python: those that answer."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
                program = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if int(stat[1]) == supervisor and b"resource_tracker" not in program:
                found.append(int(entry.name))
    return found


def ticks(pid: int) -> int:
    """Processor time of a process so far."""
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(stat[11]) + int(stat[12])


def signed_in(base: str) -> urllib.request.OpenerDirector:
    """A browser that signed in by password; each of its requests is a connection of its own."""
    browser = urllib.request.build_opener(
        urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
    )
    page = browser.open(f"{base}/accounts/login/").read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token is not None
    form = {"csrfmiddlewaretoken": token.group(1), "login": "ops", "password": PASSWORD}
    browser.open(f"{base}/accounts/login/", urllib.parse.urlencode(form).encode())
    return browser


def test_two_processes_answer_alike(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert salesops(home, "account", "ops", "--role", "ops_analyst").returncode == 0
    set_password = (
        "import django; django.setup();"
        "from salesops.platform import signin; from salesops.platform.models import User;"
        f"signin.password_set(user=User.objects.get(username='ops'), password={PASSWORD!r})"
    )
    env = environment(home)
    subprocess.run(
        [sys.executable, "-c", set_password],
        env=env | {"DJANGO_SETTINGS_MODULE": "salesops.project.settings"},
        check=True,
    )
    secret = salesops(home, "token", "ops", "--write").stdout.strip()
    deals = write_firm(tmp_path / "exports") / "opportunities.csv"
    with (
        subprocess.Popen(
            [sys.executable, "-m", "salesops", "serve", "--port", "18600", "--processes", "2"],
            env=env,
            stdout=subprocess.PIPE,
            text=True,
        ) as server,
        stopped(server),
    ):
        assert server.stdout is not None
        base = server.stdout.readline().split()[1]
        wait_for(lambda: call(f"{base}/health/")[0] == 200)
        both = wait_for(lambda: len(found := answering(server.pid)) == 2 and found)
        browser = signed_in(base)
        mark = uuid.uuid4().hex
        head = (
            f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="opportunities.csv"\r\n\r\n'
        )
        body = head.encode() + deals.read_bytes() + f"\r\n--{mark}--\r\n".encode()
        kind = f"multipart/form-data; boundary={mark}"
        status, made = call(f"{base}/api/v1/imports", secret, body=body, kind=kind)
        assert status == 202
        address = f"{base}/api/v1/imports/{made['id']}"
        done = wait_for(lambda: (found := call(address, secret)[1])["state"] in ("done", "failed") and found)
        assert done["state"] == "done"

        before, answers = {pid: ticks(pid) for pid in both}, []

        def both_worked() -> bool:
            with browser.open(f"{base}/pipeline/?status=all") as answer:
                answers.append((answer.url, ">Deal 3<" in answer.read().decode()))
            answers.append(("api", call(f"{base}/api/v1/kpis/won_deals", secret)[1]["value"] == 2))
            return len(answers) >= 20 and all(ticks(pid) > before[pid] + 5 for pid in both)

        wait_for(both_worked)
        assert {url for url, _ in answers} == {"api", f"{base}/pipeline/?status=all"}
        assert all(right for _, right in answers)
        server.terminate()
        assert server.wait(timeout=30) is not None


def test_a_server_has_one_process_at_least(tmp_path: Path) -> None:
    refused = salesops(tmp_path / "home", "serve", "--processes", "0")
    assert refused.returncode == 2
    assert "one process at least" in refused.stderr
