"""Notes of coaching: written and read by a person and their managers, private ones by their author alone."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction

from salesops.analytics.selectors import Question, ask
from salesops.meetings import selectors, services
from salesops.meetings.models import CoachingNote
from salesops.meetings.tests import firm
from salesops.meetings.tests.test_monday import actor, browser, text
from salesops.org.services import positions_decide
from salesops.platform.access import NotAllowedError
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.actors import Actor
from salesops.platform.models import AuditEvent
from salesops.platform.roles import Role

pytestmark = pytest.mark.django_db
WORDS = "Ask for the budget <b>first</b>"
PRIVATE = "Thinks of leaving"


@pytest.fixture(autouse=True)
def _loaded() -> None:
    firm.load()
    firm.decide()


def read(who: Actor, person: str = firm.NORA) -> set[str]:
    with ask(who, Question()) as asked:
        return {note.text for note in selectors.notes(who, asked.frames.people, person)}


def add(who: Actor, person: str = firm.NORA, words: str = WORDS, *, shared: bool = True) -> CoachingNote:
    with ask(who, Question()) as asked:
        people = asked.frames.people
    return services.note_add(actor=who, people=people, person_id=person, text=words, shared=shared)


def test_who_reads_what() -> None:
    mia, max_south = actor(Role.SALES_MANAGER, firm.NORTH), actor(Role.SALES_MANAGER, firm.SOUTH)
    nora, nick = actor(Role.REP, firm.NORA), actor(Role.REP, firm.NICK)
    add(mia)
    add(mia, words=PRIVATE, shared=False)
    add(nora, words="My own plan", shared=False)
    assert read(mia) == {WORDS, PRIVATE}
    assert read(nora) == {WORDS, "My own plan"}
    for role in set(Role.values) - {Role.REP, Role.SALES_MANAGER}:
        assert read(actor(role)) == set(), role
    assert read(nick) == read(max_south) == set()
    assert read(mia, firm.NICK) == set()


def test_who_once_managed_somebody_reads_no_notes_of_today() -> None:
    add(actor(Role.SALES_MANAGER, firm.NORTH))
    positions_decide(
        actor=ADMIN,
        rows=[{"person": firm.NORA, "manager": firm.SOUTH}],
        starts_on=date(2026, 8, 1),
        reason="moved",
    )
    before, now = browser(Role.SALES_MANAGER, firm.NORTH), browser(Role.SALES_MANAGER, firm.SOUTH)
    page = f"/monday/with/{firm.NORA}/?as_of=2026-07-15"
    assert before.get(page).status_code == 404
    assert "Ask for the budget" not in text(now, page), "a page of another day leaves notes out"
    assert "Ask for the budget" in text(now, f"/monday/with/{firm.NORA}/")


def test_who_writes_about_whom() -> None:
    for who, person in (
        (actor(Role.SALES_MANAGER, firm.SOUTH), firm.NORA),
        (actor(Role.REP, firm.NICK), firm.NORA),
        (actor(Role.REP), ""),
        (actor(Role.OPS_MANAGER), firm.NORA),
        (actor(Role.ADMINISTRATOR), firm.NORA),
        (actor(Role.AUDITOR), firm.NORA),
    ):
        with pytest.raises(NotAllowedError):
            add(who, person)
    with pytest.raises(ValidationError):
        add(actor(Role.SALES_MANAGER, firm.NORTH), words="  ")
    assert not CoachingNote.objects.exists()


def test_the_page_of_the_two() -> None:
    mia, nora = browser(Role.SALES_MANAGER, firm.NORTH), browser(Role.REP, firm.NORA)
    sent = {"person": firm.NORA, "text": WORDS, "back": f"/monday/with/{firm.NORA}/#notes"}
    assert mia.post("/monday/note/", sent).url == f"/monday/with/{firm.NORA}/#notes"
    mia.post("/monday/note/", {**sent, "text": PRIVATE, "mine": "on"})
    theirs, own = text(mia, f"/monday/with/{firm.NORA}/"), text(nora, "/monday/")
    assert PRIVATE in theirs
    assert PRIVATE not in own
    for page in (theirs, own):
        assert "Ask for the budget" in page
    assert "<b>first</b>" not in mia.get(f"/monday/with/{firm.NORA}/").content.decode(), "escaped"
    analyst = text(browser(Role.OPS_ANALYST), f"/monday/with/{firm.NORA}/")
    assert 'id="notes"' not in analyst
    assert 'id="notes"' not in text(mia, "/monday/")
    again = mia.post("/monday/note/", {**sent, "text": " "}, follow=True).content.decode()
    assert "Write a note." in again
    assert browser(Role.OPS_ANALYST, "x").post("/monday/note/", sent).status_code == 403
    frozen = mia.get(f"/monday/with/{firm.NORA}/?freeze=html").content.decode()
    assert PRIVATE not in frozen
    assert "Ask for the budget" not in frozen


def test_a_note_stays_and_the_audit_log_does_not_tell_it() -> None:
    row = add(actor(Role.SALES_MANAGER, firm.NORTH))
    with pytest.raises(DatabaseError), transaction.atomic():
        CoachingNote.objects.filter(pk=row.pk).update(text="other")
    with pytest.raises(DatabaseError), transaction.atomic():
        CoachingNote.objects.filter(pk=row.pk).delete()
    event = AuditEvent.objects.get(action="note.add")
    assert event.subject == firm.NORA
    assert "budget" not in str(event.after)
