"""The command as a process of its own: a bare home, the demo, and a server that stops when told."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from salesops.platform.home import restore_mark
from salesops.project import standing
from tests.doors.exports import write_firm
from tests.postgres import CLUSTER, home_environment

WAIT = 90


def environment(home: Path) -> dict[str, str]:
    """The caller's environment with a home of its own."""
    kept = {k: v for k, v in os.environ.items() if k not in {"DJANGO_SETTINGS_MODULE", "SALESOPS_HOME"}}
    source = str(Path(__file__).resolve().parents[2] / "src")
    return {**kept, "SALESOPS_HOME": str(home), "PYTHONPATH": source, **home_environment(home)}


def salesops(home: Path, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end; ``extra`` goes into its environment."""
    return subprocess.run(
        [sys.executable, "-m", "salesops", *arguments],
        env=environment(home) | extra,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.skipif(not hasattr(os, "nice"), reason="no priorities here")
@pytest.mark.parametrize("verb, behind", [("facts", True), ("kpi", False)])
def test_what_works_for_long_gives_way_to_the_server(tmp_path: Path, verb: str, *, behind: bool) -> None:
    asked = {"facts": ["facts", "check"], "kpi": ["kpi", "won_deals"]}[verb]
    code = (
        f"import os, sys; sys.argv = ['salesops', *{asked!r}]; before = os.nice(0)\n"
        "from salesops.project.cli import main; main(); print('behind', os.nice(0) > before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(tmp_path / "home"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"behind {behind or os.nice(0) >= 19}" in done.stdout, done.stderr


def test_a_bare_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert salesops(home, "--version").stdout.startswith("salesops ")
    assert not home.exists()
    empty = salesops(home, "kpi", "won_deals")
    assert (empty.returncode, empty.stdout) == (3, "")
    assert empty.stderr == "Nothing has been imported yet. Run: salesops import FILE\n"
    other = tmp_path / "other"
    made = salesops(home, "--home", str(other), "init", "--json", **home_environment(other))
    assert json.loads(made.stdout) == {"home": str(other), "made": True}
    assert (other / "salesops.sqlite3").is_file() or os.environ.get(CLUSTER)


def call(address: str, secret: str = "", *, body: bytes = b"", kind: str = "") -> tuple[int, Any]:
    """Status and JSON of one request."""
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    if kind:
        headers["Content-Type"] = kind
    request = urllib.request.Request(address, data=body or None, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as response:
        content = response.read()
        try:
            return response.status, json.loads(content)
        except ValueError:
            return response.status, content.decode()


def wait_for(what: Any) -> Any:
    """The first true answer, or a failure after a while."""
    until = time.monotonic() + WAIT
    while time.monotonic() < until:
        try:
            if found := what():
                return found
        except OSError:
            pass
        time.sleep(0.2)
    raise AssertionError("it did not happen in time")


@contextmanager
def stopped(server: subprocess.Popen[str]) -> Iterator[None]:
    """Leave no server behind, whatever happened."""
    try:
        yield
    finally:
        if server.poll() is None:
            server.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of another kind")
def test_serve_answers_imports_and_stops(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert salesops(home, "account", "ops", "--role", "ops_analyst").returncode == 0
    secret = salesops(home, "token", "ops", "--write").stdout.strip()
    with (
        subprocess.Popen(
            [sys.executable, "-m", "salesops", "serve", "--port", "18400"],
            env=environment(home),
            stdout=subprocess.PIPE,
            text=True,
        ) as server,
        stopped(server),
    ):
        assert server.stdout is not None
        base = server.stdout.readline().split()[1]
        wait_for(lambda: call(f"{base}/health/")[0] == 200)
        deals = (write_firm(tmp_path / "exports") / "opportunities.csv").read_bytes()
        mark = uuid.uuid4().hex
        head = (
            f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="opportunities.csv"\r\n\r\n'
        )
        body = head.encode() + deals + f"\r\n--{mark}--\r\n".encode()
        status, made = call(
            f"{base}/api/v1/imports", secret, body=body, kind=f"multipart/form-data; boundary={mark}"
        )
        assert status == 202
        address = f"{base}/api/v1/imports/{made['id']}"
        done = wait_for(lambda: (found := call(address, secret)[1])["state"] in ("done", "failed") and found)
        assert done["state"] == "done"
        assert call(f"{base}/api/v1/kpis/won_deals", secret)[1]["value"] == 2
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=20) is not None
    assert json.loads(salesops(home, "kpi", "won_deals", "--json").stdout)["value"] == 2


def test_the_demo_on_a_companys_own_files(tmp_path: Path) -> None:
    home = tmp_path / "home"
    exports = write_firm(tmp_path / "exports").parent
    made = salesops(home, "demo", "--data", str(exports), "--no-serve")
    assert made.returncode == 0, made.stderr
    assert "opportunities won: 2, 10200.5" in made.stdout
    assert made.stdout.count("/sign-in/") >= 6
    again = salesops(home, "demo", "--data", str(exports), "--no-serve")
    assert again.returncode == 0, again.stderr
    assert "stands as it was built" in again.stdout
    assert again.stdout.count("/sign-in/") == made.stdout.count("/sign-in/")
    deals = exports / "opportunities.csv"
    deals.touch()
    touched = salesops(home, "demo", "--data", str(exports), "--no-serve")
    assert "6 unchanged" in touched.stdout
    plain = tmp_path / "plain"
    assert salesops(plain, "init").returncode == 0
    refused = salesops(plain, "demo", "--data", str(exports), "--no-serve")
    assert (refused.returncode, "not a demo" in refused.stderr) == (2, True)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of another kind")
def test_a_demo_that_stands_is_served_with_new_links_of_its_accounts(tmp_path: Path) -> None:
    home, exports = tmp_path / "home", write_firm(tmp_path / "exports").parent
    demo = ("demo", "--data", str(exports))
    made = salesops(home, *demo, "--no-serve")
    assert made.returncode == 0, made.stderr
    # What somebody changed since stays: an account that was closed gets no link, none is made again.
    admin = (
        "import django; django.setup(); from salesops.platform.models import User; "
        "User.objects.filter(username='analyst').update(is_active=False)"
    )
    settings = {"DJANGO_SETTINGS_MODULE": "salesops.project.settings"}
    subprocess.run([sys.executable, "-c", admin], env=environment(home) | settings, check=True)
    held = standing.read(home)
    assert held is not None
    names = [("Łukasz" if user == "vp" else label, user) for label, user in held.accounts]
    standing.write(home, replace(held, accounts=names))
    with (
        subprocess.Popen(
            [sys.executable, "-m", "salesops", *demo, "--port", "18420"],
            env=environment(home) | {"PYTHONIOENCODING": "ascii"},
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        ) as server,
        stopped(server),
    ):
        assert server.stdout is not None
        lines: list[str] = []
        while not lines or not lines[-1].startswith("Serving"):
            lines.append(server.stdout.readline())
            assert lines[-1], lines
        links = [line.split()[-1] for line in lines if "/sign-in/" in line]
        again = [line for line in made.stdout.splitlines() if "/sign-in/" in line]
        assert len(links) == len(again) - 1
        assert not any("analyst" in line for line in lines)
        assert "stands as it was built" in lines[0]
        assert any("Łukasz" in line for line in lines)
        status, page = call(links[0])
        assert (status, "csrfmiddlewaretoken" in page) == (200, True)
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=20) is not None


def test_what_is_no_demo_as_it_was_built_is_left_to_the_whole_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[tuple[Path, int]] = []

    def become(home: Path, host: str, port: int, *, worker: bool, welcome: bool) -> None:
        assert (host, worker, welcome) == ("127.0.0.1", True, True)
        served.append((home, port))

    monkeypatch.setattr(standing.serving, "become", become)
    monkeypatch.setenv("SALESOPS_HOME", str(tmp_path))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    whole = standing.Demo(standing.named(None), standing.digest(None, None), (("Analyst", "analyst"),))

    def tries(*arguments: str) -> int:
        served.clear()
        standing.serve_if_it_stands(arguments)
        return len(served)

    assert tries("demo") == 0  # nothing is there
    standing.write(tmp_path, whole)
    assert tries("demo") == 0  # no database
    (tmp_path / "salesops.sqlite3").touch()
    assert tries("demo", "--port", "18460") == 1
    assert standing.read(tmp_path) == whole
    assert served[0][0] == tmp_path
    assert served[0][1] >= 18460
    for other in (
        ("serve",),
        ("demo", "--no-serve"),
        ("demo", "--help"),
        ("demo", "--port", "x"),
        ("demo", "--data", "gone"),
        ("demo", "--data", str(tmp_path)),
    ):
        assert tries(*other) == 0, other
    for less in (
        standing.Demo(whole.data, "", whole.accounts),
        standing.Demo(whole.data, whole.built),
        standing.Demo("/else", whole.built, whole.accounts),
    ):
        standing.write(tmp_path, less)
        assert tries("demo") == 0, less
    (tmp_path / standing.FILE).write_text('{"data": "the de')
    assert tries("demo") == 0
    standing.write(tmp_path, whole)
    assert tries("demo") == 1
    assert restore_mark().name == standing.RESTORE_MARK
    (tmp_path / standing.RESTORE_MARK).touch()
    assert tries("demo") == 0
    (tmp_path / standing.RESTORE_MARK).unlink()

    def none_free(host: str, first: int) -> int:
        raise OSError("none is free")

    monkeypatch.setattr(standing.serving, "free_port", none_free)
    assert tries("demo") == 0
    monkeypatch.undo()
    monkeypatch.setattr(standing.serving, "become", become)
    monkeypatch.setenv("SALESOPS_HOME", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", "postgresql://nowhere/x")
    assert tries("demo") == 0


def test_a_server_told_to_welcome_in_a_home_without_a_demo_makes_no_link(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from salesops.project import welcome

    made: list[object] = []
    monkeypatch.setattr(welcome, "made_links", made.append)
    monkeypatch.setattr(welcome, "settings", SimpleNamespace(HOME=tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as there:
        base = f"http://127.0.0.1:{there.getsockname()[1]}"
        welcome._when_it_answers(base)
        assert made == []
        assert capsys.readouterr().out == f"\nServing {base}  (stop with Ctrl+C)\n"
        standing.write(tmp_path, standing.Demo("the demo firm", "x", (("Analyst", "analyst"),)))
        welcome._when_it_answers(base)  # what is made here can't be printed
        assert len(made) == 1
        told = capsys.readouterr().out
        assert "No links could be made" in told
        assert told.endswith(f"Serving {base}  (stop with Ctrl+C)\n")
