"""The component gallery: every component once, for developers, screenshots and the accessibility check.

Its figures are made up on the spot and say so; no page of the product uses them.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from salesops.ui import charts
from salesops.ui.components import Action, Definition, Delta, Empty, Event, Step, Tile
from salesops.ui.formats import Unit
from salesops.ui.readings import BarRow, FunnelRow, Point, Series
from salesops.ui.tables import Column, Table, sort_key

USD = Unit("money", "USD")
DEALS = Unit(noun="deals")
WIN_RATE = Definition(
    term="Win rate (count)",
    sentence="Of the deals closed in the period, the share that was won.",
    formula="won deals / (won deals + lost deals)",
    convention="By close date. Open deals do not count.",
    owner="Sales operations",
)


USUAL = (30, 80, 150, 260, 400, 560, 800, 1100, 1500, 2000, 2700, 3600, 4800)
CLOSED = (20, 90, 180, 320, 500, 720, 1030, 1300)


class GalleryForm(forms.Form):
    """Every kind of control once."""

    name = forms.CharField(
        label="Organisation", max_length=80, help_text="As it should appear on statements."
    )
    email = forms.EmailField(label="Work e-mail", required=False)
    currency = forms.ChoiceField(
        label="Currency", choices=[("USD", "US dollar (USD)"), ("EUR", "Euro (EUR)")]
    )
    starts = forms.DateField(label="In force from", widget=forms.DateInput(attrs={"type": "date"}))
    reason = forms.CharField(label="Reason", required=False, widget=forms.Textarea(attrs={"rows": 3}))
    agree = forms.BooleanField(label="Declare the file's scope complete", required=False)


def _tiles() -> list[Tile]:
    share = Unit("ratio")
    return [
        Tile(
            "Closed won",
            Decimal("8420113.50"),
            USD,
            delta=Delta("12.4%", "vs. the quarter before", "up", "ok"),
            href="#rows",
            definition=WIN_RATE,
            spark=[3, 4, 4, 6, 5, 7, 8, 8, 9, 10],
        ),
        Tile(
            "Commit",
            Decimal(12960000),
            USD,
            delta=Delta("3.1%", "since last week", "up", "ok"),
            href="#rows",
            spark=[5, 5, 7, 5, 7, 7, 9, 7, 9, 10],
        ),
        Tile(
            "Win rate",
            Decimal("0.6315"),
            share,
            delta=Delta("4.2 pts", "below last year", "down", "bad"),
            href="#rows",
            definition=WIN_RATE,
            spark=[9, 8, 8, 6, 6, 5, 4, 4, 2, 1],
            spark_tone="warn",
        ),
        Tile(
            "Coverage",
            Decimal("2.7"),
            Unit("times"),
            delta=Delta("Needs 3.1×", "of the remaining quota", "", "warn"),
            href="#rows",
            spark=[9, 10, 8, 7, 9, 5, 6, 3, 4, 2],
            spark_tone="warn",
        ),
        Tile("Average deal size", Decimal("2361.00"), USD, note="4,238 won deals", href="#rows"),
        Tile("Sales cycle, median", Decimal(57), Unit("days"), caution="4 deals only"),
        Tile("Quota attainment", None, share, reason="No quota is entered for this quarter."),
        Tile("Open pipeline", None, USD, reason="Open deals carry no amount in this export.", href="#rows"),
    ]


def _rows() -> list[dict[str, Any]]:
    stages = [("Commit", "info"), ("Propose", "neutral"), ("Discover", "neutral")]
    flags = [("On track", "ok"), ("No next step", "warn"), ("Pushed 3×", "bad")]
    made = []
    for n in range(1, 58):
        made.append(
            {
                "name": f"Example account {n} — {'Expansion' if n % 3 else 'Renewal'}",
                "owner": f"Rep {1 + n % 6}",
                "stage": stages[n % 3],
                "amount": None if n % 7 == 0 else Decimal(1_240_000 - n * 20_113) + Decimal("0.50"),
                "close": date(2026, 11, 1 + n % 28),
                "probability": Decimal((n * 37) % 100) / 100,
                "flag": flags[n % 3],
            }
        )
    return made


def _table(request: HttpRequest) -> Table:
    sort = sort_key(request.GET.get("sort", ""), ["name", "amount", "close"], "-amount")
    key = sort.removeprefix("-")
    rows = _rows()
    known = sorted(
        (r for r in rows if r[key] is not None), key=lambda r: r[key], reverse=sort.startswith("-")
    )
    page = Paginator([*known, *(r for r in rows if r[key] is None)], 8).get_page(request.GET.get("page"))
    return Table(
        caption="Deals that decide the quarter",
        columns=[
            Column("name", "Deal", "lead", sort="name"),
            Column("owner", "Owner"),
            Column("stage", "Stage", "status"),
            Column(
                "amount",
                "Amount",
                "money",
                sort="amount",
                currency="USD",
                reason="open deal without an amount",
            ),
            Column("close", "Close", "day", sort="close"),
            Column("probability", "Win prob.", "ratio", places=0, definition=WIN_RATE),
            Column("flag", "Health", "status", phone=False),
        ],
        rows=list(page),
        id="deals",
        page=page,
        sort=sort,
        row_href=lambda row: "#deal",
        noun="deals",
    )


def _figures() -> dict[str, charts.Figure]:
    million = Decimal(1_000_000)
    rows = [
        BarRow(
            "Enterprise",
            [v * million for v in map(Decimal, ("3.1", "1.8", "0.7"))],
            Decimal("6.0") * million,
            "#a",
        ),
        BarRow(
            "Mid-market", [v * million for v in map(Decimal, ("2.4", "1.2", "0.5"))], Decimal("4.2") * million
        ),
        BarRow(
            "Commercial", [v * million for v in map(Decimal, ("1.9", "1.0", "0.4"))], Decimal("2.8") * million
        ),
        BarRow(
            "Public sector",
            [v * million for v in map(Decimal, ("1.0", "0.5", "0.2"))],
            Decimal("1.5") * million,
        ),
    ]
    stages = [
        ("Qualify", 412, None),
        ("Discover", 268, "0.65"),
        ("Propose", 151, "0.56"),
        ("Commit", 84, "0.62"),
    ]
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep"]
    won = [640, 812, 905, -120, 700, None, 1010, 1190, 480]
    return {
        "bars": charts.bars_figure(
            "by-team",
            "Forecast and quota by team",
            rows,
            ["Closed", "Commit", "Best case"],
            USD,
            subtitle="This quarter, USD",
            target="Quota",
            head="Team",
        ),
        "funnel": charts.funnel_figure(
            "funnel",
            "Open deals by stage",
            [FunnelRow(name, count, Decimal(share) if share else None) for name, count, share in stages],
            DEALS,
            subtitle="Conversion of deals created in the last 180 days",
        ),
        "columns": charts.columns_figure(
            "by-month",
            "Net new pipeline by month",
            [
                Point(m, None if v is None else Decimal(v) * 1000, m == "Sep")
                for m, v in zip(months, won, strict=True)
            ],
            USD,
            subtitle="Created less lost",
            name="Net new pipeline",
            target=Decimal(800_000),
            target_name="Plan",
            head="Month",
        ),
        "lines": charts.lines_figure(
            "curve",
            "Closed against the usual curve",
            [f"W{n}" for n in range(1, 14)],
            [
                Series("This quarter", [Decimal(v) * 1000 for v in CLOSED] + [None] * 5),
                Series("Usual curve", [Decimal(v) * 1000 for v in USUAL]),
                Series("Quota, linear", [Decimal(v) * 1000 for v in range(370, 4811, 370)]),
            ],
            USD,
            head="Week",
        ),
        "compact": charts.bars_figure(
            "reasons",
            "Loss reasons",
            [
                BarRow("Price", [41]),
                BarRow("No decision", [87]),
                BarRow("Product gap", [23]),
                BarRow("A longer reason than fits", [9]),
            ],
            ["Deals"],
            DEALS,
            row_height=32,
        ),
        "nothing": charts.funnel_figure("nothing", "Open deals by stage", [], DEALS),
    }


@login_not_required  # mounted with DEBUG only, and holds no data
def gallery(request: HttpRequest) -> HttpResponse:
    """Every component once."""
    form = GalleryForm({"name": "", "email": "not an address", "currency": "USD", "starts": "2026-11-01"})
    if request.GET.get("toast"):
        messages.success(request, "Quota of Rep 1 saved. In force from Nov 1, 2026.")
        messages.error(
            request, "Row 14 of deals.csv was not read: the close date “31/02/2026” does not exist."
        )
    return render(
        request,
        "ui/gallery.html",
        {
            "title": "Component gallery",
            "scope": "Made-up figures · every component once",
            "tiles": _tiles(),
            "table": _table(request),
            "figures": _figures(),
            "form": form,
            "definition_example": WIN_RATE,
            "money": Decimal("8420113.50"),
            "empty": Empty(
                "No deals match these filters",
                "The data holds 1,640 open deals. Remove a filter, or import a newer file.",
                "search",
                [Action("Clear the filters", "?", primary=True), Action("Import a file", "#", "upload")],
            ),
            "steps": [
                Step("Drop the file", "done"),
                Step("Confirm the columns", "current"),
                Step("Read the numbers"),
            ],
            "events": [
                Event(
                    "Close date moved to Dec 19, 2026",
                    datetime(2026, 11, 20, 14, 5, tzinfo=UTC),
                    "Third push in 30 days",
                    "Rep 2",
                    "bad",
                ),
                Event("Stage: Discover to Propose", date(2026, 11, 3), "", "Rep 2", "info"),
                Event("Created", date(2026, 9, 14), "Source: partner", "Rep 5"),
            ],
            "codes": "salesops kpi win_rate_count --period 2017-Q3 --json",
        },
    )
