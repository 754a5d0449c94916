"""Locks and keys of writes hold between threads and processes that share a home's database."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.doors.test_cli_processes import environment

PREPARE = """
from salesops.platform.home import home_prepare
home_prepare()
from salesops.platform import signin
from salesops.platform.actors import LOCAL_ADMINISTRATOR
user = signin.account_save(actor=LOCAL_ADMINISTRATOR, username="robot", role="administrator")
print(signin.token_create(actor=LOCAL_ADMINISTRATOR, user=user, name="t", can_write=True)[1])
"""

ATTACK = """
import json, sys, threading
from django.db import connection
from django.test import Client
from salesops.platform import lockout

outcomes, answers = [], []
gate = threading.Barrier(6)

def guess():
    gate.wait()
    for _ in range(4):
        try:
            lockout.attempt_begin(lockout.account_key("robot"))
            outcomes.append("tried")
        except lockout.LockedError:
            outcomes.append("locked")
    connection.close()

def write(key):
    client = Client(headers={"Authorization": "Bearer " + sys.argv[1], "Idempotency-Key": key})
    gate.wait()
    answer = client.post("/api/v1/user-accounts", {"username": key, "role": "rep"}, content_type="application/json")
    answers.append([key, answer.status_code, answer.headers.get("Idempotent-Replayed", ""), answer.content.decode()])
    connection.close()

def together(target, arguments):
    threads = [threading.Thread(target=target, args=a) for a in arguments]
    [t.start() for t in threads]
    [t.join() for t in threads]

together(guess, [()] * 6)
together(write, [("one",)] * 3 + [("two",)] * 3)
print(json.dumps({"outcomes": outcomes, "answers": answers}))
"""

COUNT = """
from salesops.platform.models import AttemptCounter, AuditEvent, IdempotencyKey, User
import json
print(json.dumps({
    "failures": AttemptCounter.objects.get(key="account:robot").failures,
    "locks": AuditEvent.objects.filter(action="account.lock").count(),
    "made": AuditEvent.objects.filter(action="account.save", subject__in=["account:one", "account:two"]).count(),
    "accounts": User.objects.filter(username__in=["one", "two"]).count(),
    "keys": IdempotencyKey.objects.filter(status=201).count(),
}))
"""

SET_UP = (
    "import os, django\nos.environ['DJANGO_SETTINGS_MODULE'] = 'salesops.project.settings'\ndjango.setup()\n"
)
HOSTS = {"SALESOPS_HOSTS": "testserver", "SALESOPS_LOCK_AFTER": "7"}


def started(home: Path, script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SET_UP + script, *arguments],
        env=environment(home) | HOSTS,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def output(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    return out.strip().splitlines()[-1]


def test_two_processes_of_many_threads(tmp_path: Path) -> None:
    home = tmp_path / "home"
    secret = output(started(home, PREPARE))
    told = [json.loads(output(p)) for p in [started(home, ATTACK, secret) for _ in range(2)]]
    outcomes = [outcome for one in told for outcome in one["outcomes"]]
    assert (outcomes.count("tried"), len(outcomes)) == (7, 48)  # a limit of seven is seven tries
    answers = [answer for one in told for answer in one["answers"]]
    assert {status for _, status, _, _ in answers} <= {201, 409}
    assert len(answers) == 12
    for key in ("one", "two"):
        done = {(replayed, text) for k, status, replayed, text in answers if k == key and status == 201}
        assert len({text for _, text in done}) == 1  # whoever got an answer got the same
        assert sum(1 for k, s, r, _ in answers if k == key and s == 201 and not r) == 1  # one did the work
    counted = json.loads(output(started(home, COUNT)))
    assert counted == {"failures": 7, "locks": 1, "made": 2, "accounts": 2, "keys": 2}
