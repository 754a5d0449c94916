"""Action items: added, done, moved, dropped, opened again; seen only by those whom they concern; sent."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils import timezone

from salesops.analytics.selectors import Question, ask
from salesops.meetings import selectors
from salesops.meetings.models import ActionEvent, ActionItem, Meeting
from salesops.meetings.tests import firm
from salesops.meetings.tests.test_monday import browser, text
from salesops.platform import jobs, posting
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.models import AuditEvent, Job, JobState
from salesops.platform.roles import Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def loaded() -> None:
    firm.load()
    firm.decide()


def add(
    client: Client, text_: str = "Call the buyer", owner: str = firm.NORA, status: int = 302, **more: str
) -> Any:
    values = {"text": text_, "owner": owner, "due_on": "2026-08-20", "back": "/monday/", **more}
    answer = client.post("/actions/", values)
    assert answer.status_code == status, answer.content[:500]
    return answer


def change(client: Client, item: ActionItem, do: str, status: int = 302, **more: str) -> None:
    answer = client.post(f"/actions/{item.pk}/", {"do": do, "back": "/monday/", **more})
    assert answer.status_code == status


def listed(page: str) -> list[str]:
    """The actions of a page, without what its messages say."""
    return re.findall(r'class="item-text"><span[^>]*>([^<]*)<', page)


def only() -> ActionItem:
    return ActionItem.objects.get()


def test_an_action_goes_from_open_to_done_and_back(loaded: None) -> None:
    manager = browser(Role.SALES_MANAGER, firm.NORTH)
    add(manager, "  Call   the buyer ", deal="O1")
    item = only()
    assert (item.text, item.owner_name, item.due_on, item.deal_id) == (
        "Call the buyer",
        "Nora Ash",
        date(2026, 8, 20),
        "O1",
    )
    page = text(manager, "/monday/")
    assert "Call the buyer" in page
    assert 'href="/pipeline/O1/"' in page
    rep = browser(Role.REP, firm.NORA)
    assert "Call the buyer" in text(rep, "/monday/")
    change(rep, item, "moved", due_on="2026-09-01", note="buyer is away")
    assert "Sep 1, 2026, moved 1×" in re.sub(r"<[^>]+>", "", text(manager, "/monday/"))
    change(rep, item, "done")
    assert listed(text(rep, "/actions/")) == []
    assert listed(text(rep, "/actions/?state=done")) == ["Call the buyer"]
    change(rep, item, "done")  # a second time: refused in words, nothing is written
    assert [e.kind for e in ActionEvent.objects.all()] == ["moved", "done"]
    change(rep, item, "reopened")
    assert listed(text(rep, "/actions/")) == ["Call the buyer"]
    change(rep, item, "dropped", note="deal is lost")
    assert "deal is lost" in text(manager, "/actions/?state=dropped")
    written = (
        AuditEvent.objects.filter(subject=f"action:{item.pk}").order_by("id").values_list("action", flat=True)
    )
    assert list(written) == ["action.add", "action.moved", "action.done", "action.reopened", "action.dropped"]


def test_what_is_settled_leaves_the_page_after_the_next_meeting(loaded: None) -> None:
    manager = browser(Role.SALES_MANAGER, firm.NORTH)
    add(manager)
    change(manager, only(), "done")
    assert listed(text(manager, "/monday/")) == ["Call the buyer"], "it was done since the last meeting"
    manager.post("/monday/held/", {"back": "/monday/"})
    firm.next_week()
    assert listed(text(manager, "/monday/")) == []


def test_nobody_sees_or_settles_the_other_teams_actions(loaded: None) -> None:
    south = browser(Role.SALES_MANAGER, firm.SOUTH)
    add(south, f"{firm.SECRET} call", owner=firm.SUE)
    item = only()
    for role, person in ((Role.SALES_MANAGER, firm.NORTH), (Role.REP, firm.NORA)):
        other = browser(role, person)
        for address in ("/monday/", "/actions/?state=all"):
            assert firm.SECRET not in text(other, address)
        change(other, item, "done", status=404)
    assert not ActionEvent.objects.exists()
    assert firm.SECRET in text(browser(Role.OPS_MANAGER), "/monday/")


@pytest.mark.parametrize(
    "values, why",
    [
        ({"owner": firm.SUE}, "Choose somebody of the list."),
        ({"text_": "   "}, "Say what will be done."),
        ({"due_on": "soon"}, "Write the day as"),
        ({"due_on": ""}, "required"),
        ({"deal": "O7"}, "There is no such deal that you may see."),
        ({"deal": "no such"}, "There is no such deal that you may see."),
        ({"person": firm.SUE}, "There is no person 'U3' whose deals you may see."),
        ({"team": "nothing:x"}, "There is no team"),
        ({"text_": "x" * 501}, "at most 500"),
    ],
)
def test_what_can_t_be_added_is_said(loaded: None, values: dict[str, str], why: str) -> None:
    manager = browser(Role.SALES_MANAGER, firm.NORTH)
    add(manager, **values)
    assert not ActionItem.objects.exists()
    assert why in text(manager, "/monday/")


def test_roles_that_may_not_write_are_refused(loaded: None) -> None:
    auditor, rep = browser(Role.AUDITOR), browser(Role.REP, firm.NORA)
    add(browser(Role.SALES_MANAGER, firm.NORTH))
    add(auditor, status=403)
    change(auditor, only(), "done", status=403)
    for client in (auditor, rep):
        assert client.post("/monday/held/", {}).status_code == 403
        assert client.post("/actions/send/", {}).status_code == 403
    assert Meeting.objects.count() == 0
    assert ActionItem.objects.count() == 1
    assert not ActionEvent.objects.exists()


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_a_form_leads_back_to_our_own_pages_only(loaded: None, back: str) -> None:
    answer = browser(Role.SALES_MANAGER, firm.NORTH).post("/monday/held/", {"back": back})
    assert answer["Location"] == "/monday/"


def test_a_name_that_is_markup_stays_text(loaded: None) -> None:
    manager = browser(Role.SALES_MANAGER, firm.NORTH)
    add(manager, "<script>alert(1)</script>")
    body = manager.get("/monday/").content.decode()
    assert "<script>alert(1)" not in body
    assert "&lt;script&gt;alert(1)" in body


@pytest.mark.parametrize("table", ["meetings_meeting", "meetings_actionitem", "meetings_actionevent"])
def test_what_was_agreed_can_t_be_changed_in_the_database(loaded: None, table: str) -> None:
    manager = browser(Role.SALES_MANAGER, firm.NORTH)
    add(manager)
    change(manager, only(), "done")
    manager.post("/monday/held/", {})
    model = {m._meta.db_table: m for m in (Meeting, ActionItem, ActionEvent)}[table]
    for act in (lambda: model.objects.update(author_name="x"), lambda: model.objects.all().delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            act()


# --- Sending --------------------------------------------------------------------------------------


class Channel:
    """A webhook on this machine: what it was sent, and what it answers."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.answers: list[int] = []
        channel = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = channel.answers.pop(0) if channel.answers else 200
                if status == 0:  # it hangs up without a word
                    self.close_connection = True
                    return
                if status == 200:
                    channel.got.append(json.loads(body))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/T0/secret-part"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def channel() -> Iterator[Channel]:
    made = Channel()
    yield made
    made.server.shutdown()
    made.server.server_close()


def work() -> list[Job]:
    """Do what waits, whatever pause it was given."""
    for _ in range(20):
        Job.objects.filter(state=JobState.QUEUED).update(run_after=None)
        job = jobs.claim()
        if job is None:
            break
        jobs.run(job)
    return list(Job.objects.filter(kind__in=["mail", "post"]).order_by("id"))


def test_open_actions_go_to_their_owners_and_to_the_channel(
    loaded: None, channel: Channel, settings: Any
) -> None:
    settings.SLACK_WEBHOOK, settings.BASE_URL = channel.address, "https://sales.example.com"
    settings.SMTP_SET = True
    settings.SMTP_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    manager = browser(Role.SALES_MANAGER, firm.NORTH)
    add(manager, "Call <the> buyer & ask", deal="O1")
    add(manager, "Close it", owner=firm.NICK)
    add(manager, "Long done")
    change(manager, ActionItem.objects.get(text="Long done"), "done")
    page = manager.post("/actions/send/", {"back": "/monday/"}, follow=True).content.decode()
    assert "Mail to Nora Ash is on its way." in page
    assert "No mail address is known of Nick Oak." in page
    mail, post = work()
    assert (mail.state, post.state) == (JobState.DONE, JobState.DONE), (mail.error, post.error)
    letter = mail.result["letter"]
    assert letter["to"] == ["nora@firm.example"]
    assert "- Call <the> buyer & ask, by 2026-08-20" in letter["text"]
    assert "https://sales.example.com/pipeline/O1/" in letter["text"]
    assert "Close it" not in letter["text"], "only the owner's own"
    assert channel.got == [
        {
            "text": "*Open actions*\n• Close it, Nick Oak, by 2026-08-20\n"
            "• <https://sales.example.com/pipeline/O1/|Open O1>: Call &lt;the&gt; buyer &amp; ask, Nora Ash, "
            "by 2026-08-20"
        }
    ]
    kept = json.dumps([job.params for job in Job.objects.all()]) + json.dumps(
        [j.result for j in Job.objects.all()]
    )
    assert "secret-part" not in kept


def test_teams_gets_a_card(loaded: None, channel: Channel, settings: Any) -> None:
    settings.TEAMS_WEBHOOK = channel.address
    lines = [posting.Line("Deal [x]", "https://crm.example/1", ": *call*"), posting.Line("plain")]
    posting.post(actor=ADMIN, channel="teams", title="Open actions", lines=lines)
    work()
    (card,) = (a["content"] for a in channel.got[0]["attachments"])
    assert [block["text"] for block in card["body"]] == [
        "Open actions", "[Deal \\[x\\]](https://crm.example/1): \\*call\\*", "plain",
    ]  # fmt: skip


def test_a_channel_that_fails_is_tried_again_and_one_that_refuses_is_not(
    loaded: None, channel: Channel, settings: Any
) -> None:
    settings.SLACK_WEBHOOK = channel.address
    channel.answers = [500, 429, 0, 200]
    job = posting.post(actor=ADMIN, channel="slack", title="t", lines=[posting.Line("one")])
    work()
    job.refresh_from_db()
    assert (job.state, job.attempts, len(channel.got)) == (JobState.DONE, 4, 1)
    channel.answers = [404]
    refused = posting.post(actor=ADMIN, channel="slack", title="t", lines=[posting.Line("one")])
    work()
    refused.refresh_from_db()
    assert (refused.state, refused.attempts) == (JobState.FAILED, 1)
    assert "it answered 404" in refused.error
    assert "secret-part" not in refused.error


def test_a_channel_that_is_away_is_told_without_its_address(loaded: None, settings: Any) -> None:
    settings.SLACK_WEBHOOK = "http://127.0.0.1:9/secret-part"
    job = posting.post(actor=ADMIN, channel="slack", title="t", lines=[posting.Line("one")])
    work()
    job.refresh_from_db()
    assert (job.state, job.attempts) == (JobState.FAILED, 8)
    assert "Slack can't be reached" in job.error
    assert "secret-part" not in job.error + job.message


def test_a_long_list_says_how_many_more_there_are(settings: Any) -> None:
    settings.SLACK_WEBHOOK = "http://127.0.0.1:9/x"
    job = posting.post(
        actor=ADMIN, channel="slack", title="t", lines=[posting.Line(str(n)) for n in range(80)]
    )
    assert len(job.params["lines"]) == 61
    assert job.params["lines"][-1]["text"] == "and 20 more of 80"


def test_nothing_to_send_and_nobody_to_reach_is_said(loaded: None, settings: Any) -> None:
    manager = browser(Role.SALES_MANAGER, firm.NORTH)
    assert "there is nothing to send" in manager.post("/actions/send/", {}, follow=True).content.decode()
    add(manager)
    assert (
        "no mail server is set up, and no channel"
        in manager.post("/actions/send/", {}, follow=True).content.decode()
    )
    settings.SMTP_SET = True
    change(manager, only(), "done")
    add(manager, owner=firm.NICK)
    assert (
        "Nobody can be reached: the data has no mail address"
        in manager.post("/actions/send/", {}, follow=True).content.decode()
    )


def test_what_is_open_is_never_cut(loaded: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selectors, "MOST", 2)
    manager = browser(Role.SALES_MANAGER, firm.NORTH)
    add(manager, "Old and open")
    for number in range(4):
        add(manager, f"Settled {number}")
        change(manager, ActionItem.objects.get(text=f"Settled {number}"), "done")
    assert listed(text(manager, "/actions/")) == ["Old and open"]
    with ask(ADMIN, Question()) as asked:
        found = selectors.items(ADMIN, asked.frames.scope, settled=2)
        assert [i.text for i in found] == ["Settled 3", "Settled 2", "Old and open"]
        assert len(selectors.items(ADMIN, asked.frames.scope, settled=None)) == 5
    moved = ActionItem.objects.get(text="Settled 0")
    change(manager, moved, "reopened")
    change(manager, moved, "moved", due_on="2026-09-30")
    assert set(listed(text(manager, "/actions/"))) == {"Old and open", "Settled 0"}


def test_one_bad_address_and_a_renamed_owner_stop_nothing(
    loaded: None, channel: Channel, settings: Any
) -> None:
    settings.SMTP_SET = True
    settings.SLACK_WEBHOOK = channel.address
    people = [p | {"email": "n/a"} if p["id"] == firm.NICK else p for p in firm.PEOPLE]
    firm.load_facts({"users": people}, firm.LATER)
    manager = browser(Role.SALES_MANAGER, firm.NORTH)
    add(manager, "First")
    ActionItem.objects.create(
        subject="x", text="Under an old name", owner_id=firm.NORA, owner_name="Nora Birch", due_on=date(2026, 8, 1),
        created_at=timezone.now(), author_name="x",
    )  # fmt: skip
    add(manager, "Second", owner=firm.NICK)
    page = manager.post("/actions/send/", {}, follow=True).content.decode()
    assert "No mail address is known of Nick Oak." in page
    (mail,) = Job.objects.filter(kind="mail")
    assert mail.params["to"] == ["nora@firm.example"]
    assert "First" in mail.params["text"]
    assert "Under an old name" in mail.params["text"]
    assert Job.objects.filter(kind="post").count() == 1


@pytest.mark.parametrize(
    "sent",
    [
        {"do": "done", "note": "a\x00b"},
        {"do": "done", "note": "x" * 501},
        {"do": "burnt"},
        {},
        {"do": "moved", "due_on": "soon"},
    ],
)
def test_what_can_t_become_of_an_action_is_said(loaded: None, sent: dict[str, str]) -> None:
    manager = browser(Role.SALES_MANAGER, firm.NORTH)
    add(manager)
    assert manager.post(f"/actions/{only().pk}/", sent).status_code == 302
    assert not ActionEvent.objects.exists()
