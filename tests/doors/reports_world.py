"""A small firm with mail: what the tests of reports share."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

from django.core import mail
from django.test import Client

from salesops.analytics.tests import pipeline_firm as firm
from salesops.platform import jobs
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.actors import Actor, actor_of
from salesops.platform.models import User
from salesops.platform.signin import account_save
from salesops.reports import services
from salesops.reports.models import Delivery, Subscription

PEOPLE = {
    "ana": ("ops_analyst", ""),
    "ann": ("rep", firm.OURS),
    "theo": ("rep", firm.THEIRS),
    "max": ("sales_manager", firm.LEAD),
    "ria": ("ops_representative", ""),
    "boss": ("administrator", ""),
}
"""Account -> role and person."""
LOCMEM = "django.core.mail.backends.locmem.EmailBackend"


@dataclass
class World:
    """Accounts by name."""

    users: dict[str, User]

    def actor(self, name: str) -> Actor:
        """An account as an actor, with its rights of now."""
        return actor_of(User.objects.get(pk=self.users[name].pk))

    def client(self, name: str) -> Client:
        """A browser signed in as an account."""
        made = Client()
        made.force_login(self.users[name], backend="django.contrib.auth.backends.ModelBackend")
        return made

    def subscribe(self, owner: str, page: str, *to: str, **more: Any) -> Subscription:
        """A subscription of some accounts."""
        values: dict[str, Any] = {
            "name": f"{owner} {page}"[:100], "form": "csv", "channel": "mail", "cron": "0 6 * * MON", "zone": "UTC",
            "recipients": [self.users[name].pk for name in to],
        }  # fmt: skip
        return services.subscription_save(actor=self.actor(owner), page=page, **values | more)

    def send(self, row: Subscription) -> jobs.Job:
        """Run a subscription now, to its end or to where it waits."""
        row.refresh_from_db()
        owner = row.owner or self.users["boss"]
        job = services.subscription_run(actor=actor_of(owner), row=row)
        jobs.run_waiting()
        job.refresh_from_db()
        return job


def load() -> World:
    """Bring the firm in and make its accounts."""
    firm.load()
    made = {
        name: account_save(
            actor=ADMIN, username=name, role=role, person_id=person, email=f"{name}@firm.example"
        )
        for name, (role, person) in PEOPLE.items()
    }
    return World(made)


def letters() -> dict[str, EmailMessage]:
    """What was sent, by address; the last letter of each."""
    return {letter.to[0]: letter for letter in mail.outbox}


def attached(letter: Any) -> bytes:
    """A letter's only file, as bytes on the wire."""
    files = [part for part in letter.message().walk() if part.get_filename()]
    assert len(files) == 1
    content = files[0].get_payload(decode=True)
    assert isinstance(content, bytes)
    return content


def html(letter: Any) -> str:
    """A letter's HTML."""
    return str(next(one.content for one in letter.alternatives if one.mimetype == "text/html"))


def states(row: Subscription) -> dict[str, tuple[str, str]]:
    """To -> state and reason, of a subscription's last run."""
    found = Delivery.objects.filter(run=row.runs.order_by("-id")[0])
    return {d.to: (d.state, d.reason) for d in found}
