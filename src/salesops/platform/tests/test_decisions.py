from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from salesops.platform import audit, decisions, selectors
from salesops.platform.access import NotAllowedError
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.actors import Actor
from salesops.platform.models import AuditEvent
from salesops.platform.registries import decision_kinds
from salesops.platform.roles import Role
from salesops.platform.yaml_documents import read_documents, write_documents

pytestmark = pytest.mark.django_db
JAN, MAR, JUN, DEC = (date(2026, m, 1) for m in (1, 3, 6, 12))


def link_kind():
    return decision_kinds.get("record_link")


def decide(pattern: str, starts_on: date | None = None, **more):
    values = {"source": "crm", "table": "accounts", "pattern": f"https://crm.example/{pattern}/{{id}}"}
    return decisions.decision_record(
        link_kind(),
        actor=more.pop("actor", ADMIN),
        subject="crm/accounts",
        values=values,
        starts_on=starts_on,
        **more,
    )


def pattern_on(day: date, **more) -> str | None:
    row = decisions.in_force(link_kind(), day, **more).get("crm/accounts")
    return row.pattern.split("/")[3] if row else None


def test_a_later_start_succeeds_and_leaves_the_earlier_days_alone():
    decide("one")
    decide("two", MAR)
    assert [pattern_on(d) for d in (JAN, MAR - timedelta(days=1), MAR, DEC)] == ["one", "one", "two", "two"]
    decide("between", JAN)
    assert [pattern_on(d) for d in (date(2025, 12, 31), JAN, MAR)] == ["one", "between", "two"]


def test_the_same_start_recorded_again_corrects():
    decide("one", JAN)
    decide("right", JAN)
    assert pattern_on(JAN) == "right"
    assert len(decisions.history(link_kind(), "crm/accounts")) == 2


def test_what_is_in_force_already_is_not_recorded_again():
    first = decide("one", JAN)
    events = AuditEvent.objects.count()
    assert decide("one", MAR).pk == first.pk
    assert AuditEvent.objects.count() == events


def test_known_at_hides_what_was_recorded_later():
    before = decide("one", JAN).recorded_at
    decide("corrected", JAN)
    assert pattern_on(JAN, known_at=before) == "one"
    assert pattern_on(JAN) == "corrected"
    assert pattern_on(JAN, known_at=before - timedelta(microseconds=1)) is None


def test_an_ended_subject_has_nothing_in_force_until_decided_anew():
    decide("one", JAN)
    assert decisions.decision_end(link_kind(), actor=ADMIN, subject="crm/accounts", starts_on=MAR) is not None
    assert [pattern_on(d) for d in (JAN, MAR, JUN)] == ["one", None, None]
    decide("one", JUN)
    assert pattern_on(JUN) == "one"


def test_ending_before_the_start_ends_nothing():
    decide("one", MAR)
    assert decisions.decision_end(link_kind(), actor=ADMIN, subject="crm/accounts", starts_on=JAN) is None
    assert decisions.decision_end(link_kind(), actor=ADMIN, subject="crm/accounts", starts_on=None) is None
    assert pattern_on(MAR) == "one"


def test_a_draft_counts_nowhere_until_published():
    draft = decide("drafted", JAN, draft=True)
    assert pattern_on(DEC) is None
    assert selectors.open_drafts(link_kind()) == [draft]
    decisions.decision_publish(draft, actor=ADMIN)
    assert pattern_on(JAN) == "drafted"
    assert selectors.open_drafts(link_kind()) == []
    draft.refresh_from_db()
    assert draft.draft
    with pytest.raises(ValidationError, match="Only a draft"):
        decisions.decision_publish(decisions.in_force(link_kind(), JAN)["crm/accounts"], actor=ADMIN)


def test_every_decision_leaves_one_audit_event_with_before_and_after():
    decide("one", JAN)
    decide("two", MAR, reason="moved")
    event = AuditEvent.objects.first()
    assert (event.action, event.subject, event.reason) == (
        "decision.record",
        "record_link:crm/accounts",
        "moved",
    )
    assert event.before["pattern"].split("/")[3] == "one"
    assert (event.after["pattern"].split("/")[3], event.after["starts_on"]) == ("two", "2026-03-01")


def test_a_decision_and_its_audit_event_are_undone_together(monkeypatch):
    def broken(**_):
        raise RuntimeError("ledger is away")

    monkeypatch.setattr(audit, "record", broken)
    with pytest.raises(RuntimeError, match="ledger is away"):
        decide("one", JAN)
    assert pattern_on(JAN) is None


def test_an_audit_event_outside_a_transaction_is_refused(monkeypatch):
    class Outside:
        in_atomic_block = False

    monkeypatch.setattr(transaction, "get_connection", Outside)
    with pytest.raises(RuntimeError, match="in the transaction"):
        audit.record(actor=ADMIN, action="x", subject="y")


def test_a_kind_about_money_needs_a_reason_for_recording_and_ending():
    rule = decision_kinds.get("amount_rule")
    values = {"deal_kind": "all", "column": "amount", "type_values": []}
    for reason in ("", "  "):
        with pytest.raises(ValidationError) as caught:
            decisions.decision_record(rule, actor=ADMIN, subject="all", values=values, reason=reason)
        assert set(caught.value.message_dict) == {"reason"}
    decisions.decision_record(rule, actor=ADMIN, subject="all", values=values, reason="as finance counts")
    with pytest.raises(ValidationError):
        decisions.decision_end(rule, actor=ADMIN, subject="all", starts_on=DEC)


def test_a_role_without_the_permission_records_nothing():
    rep = Actor(name="rep", role=Role.REP)
    with pytest.raises(NotAllowedError):
        decide("one", actor=rep)
    decide("one")
    with pytest.raises(NotAllowedError):
        decisions.decision_end(link_kind(), actor=rep, subject="crm/accounts", starts_on=JAN)


def test_wrong_values_name_their_field():
    with pytest.raises(ValidationError) as caught:
        decisions.decision_record(
            link_kind(),
            actor=ADMIN,
            subject="s",
            values={"source": "crm", "table": "accounts", "pattern": "ftp://x"},
        )
    assert "pattern" in caught.value.message_dict
    with pytest.raises(ValidationError) as caught:
        decisions.decision_record(link_kind(), actor=ADMIN, subject="s", values={"colour": "red"})
    assert "colour" in caught.value.message_dict


def test_yaml_written_and_read_again_gives_the_same_decisions():
    decide("one")
    decide("two", MAR, reason="moved")
    decisions.decision_end(link_kind(), actor=ADMIN, subject="crm/accounts", starts_on=DEC)
    stage = decision_kinds.get("stage")
    values = {"stage": "Won: ö, '€'", "stage_class": "won", "probability": Decimal("0.123456")}
    decisions.decision_record(stage, actor=ADMIN, subject="/Won: ö, '€'", values=values)
    documents = decisions.export_documents()
    text = write_documents(documents)
    days = (date(2025, 1, 1), MAR, DEC)
    before = [
        {s: r.values() for s, r in decisions.in_force(m, d).items()}
        for d in days
        for m in (link_kind(), stage)
    ]
    assert decisions.import_documents(read_documents(text), actor=ADMIN) == 0, (
        "a second import changes nothing"
    )
    forget()
    assert decisions.import_documents(read_documents(text), actor=ADMIN) == len(documents) == 4
    after = [
        {s: r.values() for s, r in decisions.in_force(m, d).items()}
        for d in days
        for m in (link_kind(), stage)
    ]
    assert after == before
    assert decisions.export_documents() == documents


def forget():
    """Empty the decision tables, as a new home would have them."""
    from django.db import connection

    from salesops.platform.append_only import protect, unprotect

    for _, model in decision_kinds.items():
        unprotect(connection, model._meta.db_table)
        model.objects.all().delete()
        protect(connection, model._meta.db_table)


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "no decision"),
        ("a: 1", "must be a list"),
        ("- 7", "Decision 1 must have kind"),
        ("- kind: [", "no YAML"),
        ("- &a {kind: stage}\n- *a", "aliases"),
        ("- !!python/object/apply:os.system ['true']", "no YAML"),
        ("- {kind: nothing, values: {}}", "no decision kind named 'nothing'"),
        ("- {kind: stage, values: [1]}", "must be a mapping"),
        ("- {kind: stage, values: {stage: A, stage_class: happy}}", "happy"),
        ("- {kind: stage, values: {stage: A, stage_class: won, colour: red}}", "Unknown field"),
        ("- {kind: stage, from: soon, values: {stage: A, stage_class: won}}", "'from' must be a day"),
        (
            "- {kind: stage, from: 2026-01-01 10:00:00, values: {stage: A, stage_class: won}}",
            "'from' must be a day",
        ),
        ("- {kind: quota, values: {person_id: a, period: 2026, amount: 1}}", "reason is needed"),
    ],
)
def test_bad_yaml_is_refused_with_its_place_and_writes_nothing(text, words):
    good = "- {kind: stage, values: {stage: Good, stage_class: won}}\n"
    with pytest.raises(ValidationError) as caught:
        decisions.import_documents(
            read_documents(good + text if text.startswith("- ") else text), actor=ADMIN
        )
    message = " ".join(caught.value.messages)
    assert words.replace("Decision 1", "Decision 2") in message
    assert decision_kinds.get("stage").objects.count() == 0


def test_versions_compare_each_decision_with_the_published_one_before():
    decide("one")
    decide("drafted", MAR, draft=True)
    decide("two", JUN)
    versions = selectors.versions(link_kind(), "crm/accounts", DEC)
    assert [(v.row.draft, v.current) for v in versions] == [(False, True), (True, False), (False, False)]
    latest = {c.field: (c.before.split("/")[3], c.after.split("/")[3]) for c in versions[0].changes}
    assert latest == {"pattern": ("one", "two")}


def test_a_later_start_is_told():
    decide("one", JUN)
    decide("two", JAN)
    assert selectors.overtaken("record_link", ["crm/accounts", "other"], JAN) == {"crm/accounts": JUN}
    assert selectors.overtaken("record_link", ["crm/accounts"], JUN) == {}


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["record", "record", "record", "end", "draft"]),
        st.sampled_from(["a", "b", "c"]),
        st.one_of(st.none(), st.integers(0, 6).map(lambda n: JAN + timedelta(days=n))),
    ),
    max_size=9,
)


class TimelineTest(TestCase):
    """In force as the service says it equals a timeline written out day by day."""

    @hypothesis_settings(max_examples=25, deadline=None)
    @given(ACTS)
    def test_in_force_equals_a_timeline_written_out_day_by_day(self, acts):
        days = [JAN + timedelta(days=n) for n in range(-1, 8)]
        # What each day showed after each act: the newest start not after the day, latest record first.
        recorded: list[tuple[date, str | None]] = []
        snapshots: list[tuple[datetime, dict[date, str | None]]] = []
        for act, pattern, start in acts:
            begins = start or date.min
            shown = {day: self.at(recorded, day) for day in [*days, date.min]}
            if act == "end":
                decisions.decision_end(link_kind(), actor=ADMIN, subject="crm/accounts", starts_on=start)
                if shown.get(begins) is not None:
                    recorded.append((begins, None))
            else:
                decide(pattern, start, draft=act == "draft")
                if act == "record" and shown.get(begins) != pattern:
                    recorded.append((begins, pattern))
            snapshots.append((datetime.now(UTC), {day: self.at(recorded, day) for day in days}))
        for known_at, expected in snapshots:
            got = {day: pattern_on(day, known_at=known_at) for day in days}
            assert got == expected
        if snapshots:
            assert {day: pattern_on(day) for day in days} == snapshots[-1][1]

    @staticmethod
    def at(recorded: list[tuple[date, str | None]], day: date) -> str | None:
        best: tuple[date, str | None] | None = None
        for entry in recorded:
            if entry[0] <= day and (best is None or entry[0] >= best[0]):
                best = entry
        return best[1] if best else None
