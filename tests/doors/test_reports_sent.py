"""What a subscription sends: each recipient's own rows, the bytes of the screen, whole or said to be less."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import Any

import pytest
from django.core import mail
from python_calamine import load_workbook

from salesops.analytics.tests import pipeline_firm as firm
from salesops.platform import page_files
from salesops.reports.models import Delivery
from tests.doors.reports_world import World, attached, html, letters, states

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("mailbox")]
SHARES_A_HOME = True


def rows_of(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))


def cells_of(data: bytes) -> list[list[Any]]:
    """The first sheet of a workbook."""
    return load_workbook(io.BytesIO(data)).get_sheet_by_index(0).to_python()


PAGES = (
    "/pipeline/?status=all",
    "/pipeline/?status=open",
    "/pipeline/?status=won&sort=-amount",
    "/pipeline/?status=all&filter=amount:gt:2000",
    "/pipeline/?status=all&filter=x_office:eq:Office 1",
    "/pipeline/?status=all&filter=created_on:ge:2026-02-01",
    "/pipeline/?status=all&filter=created_on:between:2026-01-05|2026-01-20",
    "/pipeline/?status=all&columns=name,amount,owner_name&sort=name",
    "/pipeline/?status=all&q=Ours 1",
    "/numbers/won_value/rows/?period=2026-Q2",
    "/numbers/won_value/rows/?period=all&filter=owner_name:eq:Ann Ours",
    "/numbers/win_rate_count/?period=all&by=owner_name",
    "/numbers/win_rate_count/?period=all&by=stage&filter=amount:gt:1500",
    "/waterfall/?from=2026-02-10",
    "/pipeline/?status=lost&columns=name,closed_on",
    "/pipeline-inspection/",
    "/monday/?period=2026-Q3",
)
"""Seventeen pages with other filters each."""


def test_seventeen_subscriptions_do_not_mix_and_equal_the_screen(made: World) -> None:
    rows = [made.subscribe("max", page, "max", name=f"No {n}") for n, page in enumerate(PAGES)]
    client = made.client("max")
    sent: list[bytes] = []
    for page, row in zip(PAGES, rows, strict=True):
        mail.outbox.clear()
        made.send(row)
        assert states(row) == {"max": ("sent", "")}, page
        (letter,) = mail.outbox
        assert letter.subject.startswith(row.name)
        assert letter.to == ["max@firm.example"]
        field = "export" if page.startswith("/pipeline/") else "freeze"
        screen = firm.body(client.get(f"{page}{'&' if '?' in page else '?'}{field}=csv"))
        assert attached(letter) == screen, page
        sent.append(screen)
    assert len(PAGES) == 17
    assert [PAGES[n] for n, one in enumerate(sent) if one in sent[:n]] == [], (
        "the filters differ, so do the files"
    )


def test_each_recipient_gets_his_own_rows(made: World) -> None:
    row = made.subscribe(
        "ana",
        "/pipeline/?status=all&columns=name",
        "ann",
        "theo",
        "max",
        "ana",
        addresses=["board@out.example"],
    )
    made.send(row)
    deals = firm.deals()
    ours = sorted(d["name"] for d in deals if d["owner_id"] == firm.OURS)
    theirs = sorted(d["name"] for d in deals if d["owner_id"] == firm.THEIRS)
    wanted = {
        "ann": ours, "max": ours, "theo": theirs, "ana": sorted(ours + theirs), "board": sorted(ours + theirs),
    }  # fmt: skip
    for address, letter in letters().items():
        name = address.partition("@")[0]
        got = sorted(line[0].removeprefix("'") for line in rows_of(attached(letter))[1:])
        assert got == wanted.pop(name), name
        secret = name in ("ann", "max")
        assert (firm.SECRET in html(letter) + str(letter.body)) is not secret
    assert wanted == {}
    assert {to: state for to, (state, _) in states(row).items()} == dict.fromkeys(
        ("ann", "theo", "max", "ana", "board@out.example"), "sent"
    )


@pytest.mark.parametrize("most", [400, 1500])
def test_what_does_not_fit_is_said_in_subject_and_body(made: World, settings: Any, most: int) -> None:
    page = "/pipeline/?status=all&columns=name,amount"
    whole = firm.body(made.client("ana").get(f"{page}&export=csv"))
    settings.MAIL_BYTES = most
    row = made.subscribe("ana", page, "ana", addresses=["board@out.example"])
    made.send(row)
    letter = letters()["ana@firm.example"]
    data = attached(letter)
    kept, every = rows_of(data), rows_of(whole)
    assert len(data) <= most < len(whole)
    assert whole.startswith(data)
    assert every[: len(kept)] == kept
    assert len(data) + len(whole[len(data) :].partition(b"\r\n")[0]) + 2 > most, (
        "one more record would not fit"
    )
    words = f"{len(kept) - 1:,} of {len(every) - 1:,} rows"
    assert f"({words})" in letter.subject
    assert words in str(letter.body)
    assert words in html(letter)
    delivery = Delivery.objects.get(run=row.runs.get(), to="ana")
    assert (delivery.rows, delivery.rows_of) == (len(kept) - 1, len(every) - 1)


def test_a_workbook_is_whole_or_says_how_much(made: World, settings: Any) -> None:
    page = "/pipeline/?status=all&columns=name,amount"
    total = len(firm.deals())
    row = made.subscribe("ana", page, "ana", form="xlsx")
    made.send(row)
    cells = cells_of(attached(letters()["ana@firm.example"]))
    assert len(cells) == total + 1
    amounts = [d["amount"] for d in firm.deals() if d["amount"] is not None]
    assert sum(line[1] for line in cells[1:] if line[1] != "") == sum(amounts), "numbers, not text"
    settings.MAIL_BYTES = 7_300
    mail.outbox.clear()
    made.send(row)
    letter = letters()["ana@firm.example"]
    data = attached(letter)
    kept = len(cells_of(data)) - 1
    assert len(data) <= 7_300
    assert 0 < kept < total
    assert f"({kept:,} of {total:,} rows)" in letter.subject


@pytest.mark.parametrize(
    "form, page",
    [
        ("csv", "/pipeline/?status=all&columns=name"),
        ("xlsx", "/pipeline/?status=all&columns=name"),
        ("pdf", "/business-review/?period=2026-Q2"),
    ],
)
def test_what_stands_in_the_mail_is_counted_while_its_file_is_made(
    made: World, monkeypatch: pytest.MonkeyPatch, form: str, page: str
) -> None:
    def again() -> Any:
        pytest.fail("the rows are read once more")

    make = page_files.made

    def once(*args: Any) -> page_files.MadeFile:
        file = make(*args)
        return replace(file, frozen=replace(file.frozen, sheets=again))

    monkeypatch.setattr(page_files, "made", once)
    row = made.subscribe("ana", page, "ana", form=form)
    made.send(row)
    assert states(row) == {"ana": ("sent", "")}
    delivery = Delivery.objects.get(run=row.runs.get())
    assert delivery.rows == delivery.rows_of
    if form != "pdf":
        assert delivery.rows == len(firm.deals())
        assert f"The first 20 of {delivery.rows} rows." in html(letters()["ana@firm.example"])


def test_a_mail_of_tables_reads_without_scripts_or_pictures(made: World) -> None:
    row = made.subscribe(
        "ana", "/pipeline/?status=all&columns=name,amount", "ann", form="html", name="Deals <now>"
    )
    made.send(row)
    letter = letters()["ann@firm.example"]
    text = html(letter)
    assert "<table" in text
    for bad in ("<script", "<img", "<link", "<style", "url(", "@import", "javascript:"):
        assert bad not in text.lower()
    assert "Deals &lt;now&gt;" in text
    assert not [part for part in letter.message().walk() if part.get_filename()]
    own = [d for d in firm.deals() if d["owner_id"] == firm.OURS]
    assert f"All {len(own):,} rows are here." in text
    assert "$1,250" in text
    assert "https://sales.example/deliveries/" in text
    assert "https://sales.example/deliveries/" in str(letter.body)


def test_a_period_without_rows_is_sent_and_says_so(made: World) -> None:
    row = made.subscribe("ana", "/numbers/won_value/rows/?period=2019-Q1", "ana")
    made.send(row)
    assert states(row) == {"ana": ("sent", "")}
    letter = letters()["ana@firm.example"]
    assert len(rows_of(attached(letter))) == 1
    assert "All 0 rows" in str(letter.body)
    assert "No row falls in this period" in html(letter)
