"""Stage classes from names in several languages, flags and statuses."""

from __future__ import annotations

import pytest

from salesops.crm.engine.formats import profile_column
from salesops.crm.engine.stages import (
    StageEvidence,
    evidence_from_rows,
    name_class,
    propose_stages,
    stage_share,
)


@pytest.mark.parametrize(
    "stage, expected",
    [
        ("Closed Won", "won"),
        ("closedwon", "won"),
        ("Won", "won"),
        ("6 - Closed/Won", "won"),
        ("Gewonnen", "won"),
        ("Geschlossen und gewonnen", "won"),
        ("Gagné", "won"),
        ("Ganado", "won"),
        ("Cerrada ganada", "won"),
        ("Vinta", "won"),
        ("受注", "won"),
        ("Deal signed", "won"),
        ("Closed Lost", "lost"),
        ("closedlost", "lost"),
        ("Lost to competitor", "lost"),
        ("Verloren", "lost"),
        ("Perdu", "lost"),
        ("Perdido", "lost"),
        ("Chiusa persa", "lost"),
        ("失注", "lost"),
        ("Disqualified", "lost"),
        ("Abandoned", "lost"),
        ("Prospecting", "open"),
        ("Engaging", "open"),
        ("Value Proposition", "open"),
        ("Negotiation/Review", "open"),
        ("Id. Decision Makers", "open"),
        ("appointmentscheduled", "open"),
        ("Angebot erstellt", "open"),
        ("Négociation", "open"),
        ("Propuesta", "open"),
        ("2 - Develop", "open"),
        ("Closed", None),
        ("On Hold", None),
        ("Fertig", None),
        ("Invoiced", None),
    ],
)
def test_names(stage: str, expected: str | None) -> None:
    assert name_class(stage)[0] == expected


def test_flags_settle_what_names_leave_open_and_contradictions_go_to_the_user() -> None:
    found = {
        p.stage: p
        for p in propose_stages(
            [
                StageEvidence("Fertig", 10, won_flags=10, closed_flags=10, flagged=10),
                StageEvidence("Ende", 10, won_flags=0, closed_flags=10, flagged=10),
                StageEvidence("Closed Won", 10, won_flags=0, closed_flags=10, flagged=10),
                StageEvidence("Mixed", 10, won_flags=4, closed_flags=8, flagged=10),
                StageEvidence("Zwischenstand", 3, probability=0.4),
                StageEvidence("Archiv", 3, statuses=(("Lost", 3),)),
            ]
        )
    }
    assert found["Fertig"].stage_class == "won"
    assert found["Ende"].stage_class == "lost"
    assert found["Closed Won"].stage_class is None
    assert "but" in found["Closed Won"].why
    assert found["Mixed"].stage_class is None
    assert found["Zwischenstand"].stage_class == "open"
    assert found["Archiv"].stage_class == "lost"


def test_the_maven_stages_in_order() -> None:
    rows = [{"stage": s} for s in ("Won", "Lost", "Engaging", "Prospecting", "Won", None)]
    found = propose_stages(evidence_from_rows(rows))
    assert {p.stage: p.stage_class for p in found} == {
        "Won": "won",
        "Lost": "lost",
        "Engaging": "open",
        "Prospecting": "open",
    }
    assert [p.stage for p in sorted(found, key=lambda p: p.order)] == [
        "Prospecting",
        "Engaging",
        "Won",
        "Lost",
    ]
    assert {p.stage: p.records for p in found}["Won"] == 2
    assert all(p.confidence >= 0.8 for p in found)


def test_numbered_stages_keep_their_numbers_order() -> None:
    names = ["10 - Closed Won", "2 - Qualify", "1 - Prospect", "3 - Propose"]
    found = propose_stages(StageEvidence(n) for n in names)
    assert [p.stage for p in sorted(found, key=lambda p: p.order)] == [
        "1 - Prospect",
        "2 - Qualify",
        "3 - Propose",
        "10 - Closed Won",
    ]


def test_a_column_of_stages_is_known_by_its_values() -> None:
    assert stage_share(profile_column("x", ["Won", "Lost", "Negotiation"] * 5)) == 1.0
    assert stage_share(profile_column("x", ["red", "green", "blue"] * 5)) == 0.0
