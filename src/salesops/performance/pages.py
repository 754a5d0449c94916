"""The page that compares people fairly."""

from __future__ import annotations

from typing import Any, cast

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from salesops.analytics.addresses import Address, AddressError, read, reads_address
from salesops.analytics.freezing import Frozen, freezable, page
from salesops.analytics.page_parts import filter_words, scope_line, selects
from salesops.analytics.selectors import ask
from salesops.analytics.shown import unique
from salesops.performance import cards
from salesops.performance.engine.standardise import FALSE_SHARE, FEWEST_OWN, FEWEST_PEOPLE, FEWEST_UNITS
from salesops.performance.engine.work_done import Measure
from salesops.performance.inputs import comparison
from salesops.platform.actors import Actor
from salesops.ui.components import Empty
from salesops.ui.tables import Column, Table


@require_safe
@freezable
@reads_address
def fair_comparison(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    """Reps side by side, adjusted for territory and tenure, with what the adjustment did to each."""
    address = read(request.GET, default="year")
    if address.filters:
        raise AddressError(
            "This page takes a period and a team: other filters would compare parts of people's work."
        )
    measure = measure_named(request.GET.get("measure", "win_rate"))
    with ask(actor, address.question()) as asked:
        found = comparison(asked, measure)
        currency = asked.frames.currency
        rows = cards.lines(found, measure, currency)
        words = cards.MEASURES[measure]
        title = f"Fair comparison, {found.period.title}"
        notes = [*unique(asked.frames.notes), *found.notes]
        context: dict[str, Any] = {
            "title": title,
            "scope": scope_line(actor, asked, address),
            "reading": cards.reading(found, measure),
            "words": words,
            "measure": measure,
            "measures": [{"key": key, "title": w.title} for key, w in cards.MEASURES.items()],
            "table": _table(rows, measure, currency, address, found.reason),
            "everybody": found.everybody,
            "not_judged": [(row["name"], row["reason"]) for row in rows if row["reason"]],
            "territory": " and ".join(found.territory) or "nothing: the data names no segment and no region",
            "fewest": {"people": FEWEST_PEOPLE, "units": FEWEST_UNITS, "own": FEWEST_OWN},
            "one_in": round(1 / FALSE_SHARE),
            "notes": notes,
            **selects(asked, address),
        }
        frozen = Frozen(
            title=f"{title}, {context['scope']}",
            name=f"fair comparison {measure} {found.period.label}",
            data_on=asked.frames.today,
            filters=[*filter_words(actor, asked, address), ("Measure", words.title)],
            notes=[context["reading"], *notes],
            sheets=lambda: [cards.sheet(rows, measure, currency)],
            zone=asked.frames.firm.zone,
        )
    return page(request, "performance/comparison.html", context, frozen)


def measure_named(name: str) -> Measure:
    """A measure by name.

    Raises:
        AddressError: there is none of that name.
    """
    if name not in cards.MEASURES:
        raise AddressError(f"There is no measure {name!r:.60}. There are: {', '.join(cards.MEASURES)}.")
    return cast("Measure", name)


def _table(
    rows: list[dict[str, Any]], measure: Measure, currency: str, address: Address, reason: str
) -> Table:
    unit = cards.unit_of(measure, currency)

    def value(key: str) -> Any:
        return lambda row: unit.short(row[key]) if row[key] is not None else "—"

    def text(key: str) -> Any:
        return lambda row: row[key] or "—"

    return Table(
        cards.MEASURES[measure].title,
        [
            Column("name", "Rep", "lead"),
            Column("units", cards.MEASURES[measure].units.capitalize(), "number"),
            Column("raw", "As it stands", "number", render=value("raw")),
            Column("territory_words", "Territory", "number", render=text("territory_words"), phone=False),
            Column("tenure_words", "Tenure", "number", render=text("tenure_words"), phone=False),
            Column("adjusted", "Adjusted", "number", render=value("adjusted")),
            Column("theirs", "Others on such work", "number", render=value("theirs"), phone=False),
            Column("range", "By chance", "number", render=text("range"), phone=False),
            Column("places", "Place", "number", render=text("places")),
            Column("word", "Against others", "status"),
        ],
        rows,
        id="compared",
        live=False,
        row_href=lambda row: address.to("one_to_one", row["id"], team=""),
        empty=Empty(
            "Nobody to compare",
            f"It can't be told: {reason}."
            if reason
            else "Nobody whose deals you see closed any in this period.",
            "users",
        ),
    )
