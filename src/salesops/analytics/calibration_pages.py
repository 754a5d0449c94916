"""The page that holds stated win probabilities against what became of the deals, and its REST."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from salesops.analytics import calibration_parts as parts
from salesops.analytics.addresses import AddressError, read, reads_address
from salesops.analytics.calibrations import BY, Calibration, calibration, days
from salesops.analytics.engine.calibration import FEWEST
from salesops.analytics.freezing import Frozen, freezable, page
from salesops.analytics.page_parts import chips, filter_words, selects, whose
from salesops.analytics.selectors import ask
from salesops.analytics.shown import unique
from salesops.platform.actors import Actor
from salesops.ui import formats
from salesops.ui.components import Empty
from salesops.ui.tables import Column, Table


@require_safe
@freezable
@reads_address
def calibrated(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    """Deals open at the end of a quarter: what was stated of them, and what became of them."""
    address = read(request.GET, default="all")
    on, by = day_of(request.GET.get("on", "")), request.GET.get("by", "probability")
    with ask(actor, address.question()) as asked:
        found = calibration(actor, asked, address, on, by)
        lines = parts.rows(found, by)
        offered = days(asked)
        scope = " · ".join(
            filter(
                None,
                (f"open on {formats.day(found.on)}", whose(actor, asked), address.team.partition(":")[2]),
            )
        )
        context: dict[str, Any] = {
            "title": "Stated and actual win shares",
            "scope": scope,
            "reading": parts.reading(found),
            "table": _table(found, lines, by),
            "brier": _points(found),
            "fewest": FEWEST,
            "on": found.on,
            "days": [
                {"value": p.last.isoformat(), "title": f"End of {p.title}", "current": p.last == found.on}
                for p in offered
            ],
            "other_day": found.on not in {p.last for p in offered},
            "by": by,
            "groupings": list(BY.items()),
            "chips": chips(address),
            "notes": unique(asked.frames.notes),
            **selects(asked, address),
        }
        frozen = Frozen(
            title=f"Stated and actual win shares, {scope}",
            name=f"calibration {by} {found.on}",
            data_on=asked.frames.today,
            filters=[
                ("Open on", formats.day(found.on)),
                ("By", BY[by]),
                *filter_words(actor, asked, address)[1:],
            ],
            notes=[context["reading"], *context["notes"]],
            sheets=lambda: [parts.sheet(lines, by)],
            zone=asked.frames.firm.zone,
        )
    return page(request, "analytics/calibration.html", context, frozen)


def day_of(text: str) -> date | None:
    """The day of an address; None where it names none.

    Raises:
        AddressError: it is no day.
    """
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise AddressError(f"Write the day as 2026-06-30, not {text!r:.40}.") from None


def _points(found: Calibration) -> dict[str, str] | None:
    score = found.error
    if score.mean is None or score.brier is None or score.baseline is None:
        return None
    return {
        "mean": formats.points(score.mean),
        "brier": formats.number(score.brier, places=3),
        "baseline": formats.number(score.baseline, places=3),
        "better": "better" if score.brier < score.baseline else "no better",
    }


def _table(found: Calibration, lines: list[dict[str, Any]], by: str) -> Table:
    return Table(
        "Stated and actual",
        [
            Column("name", BY[by], "lead"),
            Column("open_then", "Open then", "number", phone=False),
            Column("decided", "Decided since", "number"),
            Column("won", "Won", "number", phone=False),
            Column("said", "Stated", "ratio", reason="none of the decided ones had a stated probability"),
            Column("actual", "Won of the decided", "ratio", reason="none has been decided"),
            Column("range", "95 % range", "number", render=lambda row: row["range"] or "—", phone=False),
            Column("word", "Verdict", "status"),
        ],
        lines,
        id="calibration",
        live=False,
        noun="groups",
        empty=Empty(
            "Nothing to compare", f"It can't be told: {found.reason}." if found.reason else "", "target"
        ),
    )
