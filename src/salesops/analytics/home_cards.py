"""Home's tiles, charts and cards from what was read: values in, the shell's components out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from salesops.analytics.addresses import TEAM_COLUMNS, Address, deal_href, href
from salesops.analytics.engine.kpi import KpiValue
from salesops.analytics.home import Before, Past, Window
from salesops.analytics.selectors import OpenQuestion, kpis
from salesops.analytics.shown import (
    change,
    column_title,
    definition_of,
    group_text,
    group_words,
    interval_text,
    period_words,
    rows_href,
    sample_text,
    unit_of,
)
from salesops.core.calendars import Period
from salesops.org.known import NOW, Known
from salesops.platform.access import may
from salesops.platform.actors import Actor
from salesops.process.inputs import Frames
from salesops.ui import charts, formats
from salesops.ui.components import Delta, Empty, Tile
from salesops.ui.readings import BarRow, FunnelRow, Point
from salesops.ui.tables import Column, Table

WITH_QUOTA = (
    "won_value", "quota_attainment", "open_pipeline", "coverage",
    "win_rate_count", "average_deal_size", "sales_cycle_median", "open_deals",
)  # fmt: skip
WITHOUT_QUOTA = (
    "won_value", "win_rate_count", "average_deal_size", "sales_cycle_median",
    "open_pipeline", "open_deals", "coverage_needed", "quota_attainment",
)  # fmt: skip
MOST_BARS = 10


def tiles(
    address: Address, values: Mapping[str, KpiValue], earlier: Before | None, history: Past, currency: str,
    period: Period | None, today_words: str,
) -> list[Tile]:  # fmt: skip
    """The tiles in order: what is measured against a quota first, where there is one."""
    names = WITH_QUOTA if values["quota"].value is not None else WITHOUT_QUOTA
    return [_tile(name, address, values, earlier, history, currency, today_words) for name in names]


def _tile(
    name: str, address: Address, values: Mapping[str, KpiValue], earlier: Before | None, history: Past,
    currency: str, today_words: str,
) -> Tile:  # fmt: skip
    kpi = kpis([name])[0]
    value = values[name]
    shown, label = value.value, kpi.title
    if shown is None and value.estimate is not None and name == "open_pipeline":
        shown, label = value.estimate, f"{kpi.title}, at list price"
    delta = None
    if earlier is not None and name in earlier.values and value.value is not None:
        delta = change(kpi, value, earlier.values[name], earlier.words)
    spark = list(history.values.get(name, [])) if value.value is not None else []
    if name == "won_value" and today_words:
        spark = spark[:-1]  # a period that still runs would draw a fall that is none
    reason = f"{value.reason[:1].upper()}{value.reason[1:]}." if value.reason else ""
    return Tile(
        label=label,
        value=shown,
        unit=unit_of(kpi, currency),
        reason=reason,
        delta=_against_need(name, values) or delta,
        note=_note(name, values, currency, today_words),
        href=address.to("number", name),
        definition=definition_of(kpi, address),
        spark=spark if sum(v is not None for v in spark) > 1 else (),
        caution="small sample" if any(note.startswith("Small sample") for note in value.notes) else "",
    )


def _against_need(name: str, values: Mapping[str, KpiValue]) -> Delta | None:
    """Coverage against what this firm's own win rate needs."""
    needed = values["coverage_needed"].value
    if name != "coverage" or needed is None:
        return None
    have = values["coverage"].value
    tone = "neutral" if have is None else "ok" if Fraction(have) >= Fraction(needed) else "warn"
    return Delta(f"Needs {formats.times(needed)}", "of the remaining quota", "", tone)  # type: ignore[arg-type]


def _note(name: str, values: Mapping[str, KpiValue], currency: str, today_words: str) -> str:
    value = values[name]
    kpi = kpis([name])[0]
    if name == "win_rate_count" and value.value is not None:
        return ", ".join(filter(None, (sample_text(kpi, value), interval_text(value))))
    if name in ("average_deal_size", "sales_cycle_median") and value.value is not None:
        return sample_text(kpi, value)
    if name == "quota_attainment" and value.value is not None:
        quota, won = values["quota"].value or 0, values["won_value"].value or 0
        gap = Decimal(quota) - Decimal(won)
        unit = unit_of(kpis(["quota"])[0], currency)
        left = f"{unit.short(gap)} to go" if gap > 0 else f"{unit.short(-gap)} over"
        return ", ".join(filter(None, (f"{left} of {unit.short(quota)}", today_words)))
    if name == "open_pipeline":
        return _pipeline_note(values)
    return ""


def _pipeline_note(values: Mapping[str, KpiValue]) -> str:
    value, needed = values["open_pipeline"], values["coverage_needed"]
    if value.value is None and value.estimate is not None:
        return f"an estimate: {value.n:,} open deals have no amount"
    parts = [f"{value.n:,} deals"] if value.value is not None else []
    if value.value is not None and needed.value is not None and values["coverage"].value is None:
        parts.append(f"coverage needed {formats.times(needed.value)}")
    return ", ".join(parts)


def won_by(
    address: Address, asked: OpenQuestion, column: str, values: Sequence[KpiValue], currency: str
) -> charts.Figure:
    """Won by team, region or rep: bars, with a tick where a quota stands."""
    by_group: dict[Any, dict[str, KpiValue]] = {}
    for value in values:
        by_group.setdefault(value.group[column], {})[value.name] = value
    rows = []
    for group, pair in by_group.items():
        won, quota = pair["won_value"].value, pair["quota"].value if "quota" in pair else None
        if (won is None and quota is None) or (not won and not quota):
            continue
        rows.append((Decimal(won or 0), group, quota))
    rows.sort(key=lambda row: (-row[0], str(row[1])))
    title = f"Won by {TEAM_COLUMNS[column].lower()}"
    unit = unit_of(kpis(["won_value"])[0], currency)
    target = "Quota" if any(quota is not None for _, _, quota in rows) else ""
    subtitle = period_words(asked.period)
    if len(rows) > MOST_BARS:
        subtitle += f", the {MOST_BARS} largest of {len(rows)}"
    kpi = kpis(["won_value"])[0]
    drawn = [
        BarRow(
            group_words(group), [max(won, Decimal(0))], quota,
            rows_href(address, kpi, by=column, group=group_text(group)),
        )
        for won, group, quota in rows[:MOST_BARS]
    ]  # fmt: skip
    return charts.bars_figure(
        "won-by", title, drawn, ["Won"], unit, subtitle=subtitle, target=target, head=TEAM_COLUMNS[column],
        row_height=44 if len(drawn) <= 6 else 32,
    )  # fmt: skip


def won_by_period(history: Past, currency: str, today: Any) -> charts.Figure:
    """A reader's own won value over the last periods."""
    unit = unit_of(kpis(["won_value"])[0], currency)
    points = [
        Point(p.label, v if v is not None else Decimal(0), p.first <= today < p.last)
        for p, v in zip(history.periods, history.values["won_value"], strict=True)
    ]
    return charts.columns_figure(
        "won-over-time", "Won over time", points, unit, subtitle="By close date", name="Won"
    )


def open_by_stage(
    address: Address, frames: Frames, values: Sequence[KpiValue], currency: str
) -> charts.Figure:
    """Open deals by stage in the order of the pipeline. What is won is not in it."""
    order = {m.stage: (m.pipeline, m.position) for m in reversed(frames.stages)}
    counts = [v for v in values if v.name == "open_deals" and v.value]
    counts.sort(key=lambda v: (order.get(v.group["stage"], ("~", 0)), str(v.group["stage"])))
    kpi = kpis(["open_deals"])[0]
    rows = [
        FunnelRow(
            group_words(v.group["stage"]), v.value, None,
            rows_href(address, kpi, by="stage", group=group_text(v.group["stage"])),
        )
        for v in counts
    ]  # fmt: skip
    amounts = [v for v in values if v.name == "open_pipeline"]
    known = sum((Decimal(v.value) for v in amounts if v.value is not None), Decimal(0))
    unit = unit_of(kpis(["open_pipeline"])[0], currency)
    subtitle = f"{unit.short(known)} in amounts known" if known else "Open deals have no amount in this data"
    figure = charts.funnel_figure(
        "by-stage", "Open deals by stage", rows, unit_of(kpi, ""), subtitle=subtitle
    )
    if rows:
        return figure
    empty = Empty("No open deal", "No deal was open at the end of this period under these filters.", "funnel")
    return charts.Figure("by-stage", "Open deals by stage", SafeString(""), "", figure.table, empty=empty)


def flag_pills(row: Mapping[str, Any]) -> SafeString | str:
    """The flags of a deal as words on soft backgrounds."""
    if not row["flags"]:
        # Faults that every listed deal shares stand above the table, so a row without its own is not "fine".
        return format_html('<span class="muted">{}</span>', "no other flag")
    pills = format_html_join(
        "",
        '<span class="pill pill-{}" title="{}">{}</span>',
        ((tone, why, word) for word, tone, why in row["flags"]),
    )
    return format_html('<span class="row">{}</span>', pills)


def deals_table(rows: Sequence[Mapping[str, Any]], currency: str, *, own: bool, known: Known = NOW) -> Table:
    """The deals that matter, with why."""
    unit = formats.Unit("money", currency)
    estimated = [row for row in rows if row["estimated"]]
    everything = bool(estimated) and all(row["estimated"] or row["worth"] is None for row in rows)
    title = "List price" if everything else "Amount"

    def worth(row: Mapping[str, Any]) -> SafeString | str:
        if row["worth"] is None:
            return format_html('<span class="muted">{}</span>', "none")
        text = unit.full(row["worth"])
        if row["estimated"] and not everything:
            return format_html('<span title="{}">≈ {}</span>', "List price: the deal has no amount", text)
        return text

    columns = [
        Column("label", "Deal", "lead"),
        Column("account_name", "Account", reason="the deal names no account"),
        *([] if own else [Column("owner_name", "Rep")]),
        Column("stage", "Stage"),
        Column("worth", title, "money", render=worth),
        *(
            [Column("expected_close_on", "Expected close", "day", reason="this deal has none", phone=False)]
            if any(row["expected_close_on"] for row in rows)
            else []
        ),
        Column("flags", "Why look", "html", render=flag_pills),
    ]
    labelled = [{**row, "label": row["name"] or row["id"]} for row in rows]
    return Table(
        "Deals that matter", columns, labelled, id="deals", live=False,
        row_href=lambda row: deal_href(row["id"], known),
        empty=Empty("No open deal", "Nothing was open at the end of this period under these filters.", "briefcase"),
    )  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """Something to decide or do: what it unlocks, and where."""

    title: str
    text: str
    href: str
    action: str
    icon: str = "circle-help"


def questions(actor: Actor, frames: Frames, values: Mapping[str, KpiValue]) -> list[Asked]:
    """Decisions that a number on the page waits for; nothing that no number needs."""
    found = []
    if may(actor, "decision.write"):
        unmapped = [m for m in frames.stages if m.stage_class == "unmapped" and m.deals]
        if unmapped:
            deals = sum(m.deals for m in unmapped)
            names = ", ".join(m.stage for m in unmapped[:3])
            found.append(
                Asked(
                    "Say what a stage means",
                    f"{deals:,} deals stand in {names}. Until it is open, won or lost they count in no rate.",
                    href("stages"),
                    "Decide stages",
                    "git-branch",
                )
            )
        proposed = [m for m in frames.stages if not m.decided and m.stage_class != "unmapped" and m.deals]
        if proposed:
            found.append(
                Asked(
                    f"Confirm {len(proposed)} stage{'' if len(proposed) == 1 else 's'}",
                    "Their meaning was proposed from names and dates. Every rate here rests on it.",
                    href("stages"),
                    "Look and confirm",
                    "git-branch",
                )
            )
        if not frames.currency:
            found.append(
                Asked(
                    "Name the currency",
                    "The files name none, so amounts stand without a sign, and quotas can't be compared with them.",
                    href("company"),
                    "Set the currency",
                    "badge-dollar-sign",
                )
            )
        elif not frames.firm.decided:
            found.append(
                Asked(
                    "Check the fiscal calendar",
                    "Quarters are those of the calendar year until you say when your year starts.",
                    href("company"),
                    "Set the calendar",
                    "calendar",
                )
            )
    if may(actor, "quota.write") and values["quota"].value is None:
        found.append(
            Asked(
                "Paste quotas",
                "They unlock attainment, the gap to close, and coverage of what remains.",
                href("quotas"),
                "Enter quotas",
                "target",
            )
        )
    return [one for one in found if one.href]


def change_cells(
    address: Address, counts: Mapping[str, int], inside: Window, titles: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Counts of the change log, each with a link to its deals."""
    base = address.to("changes")
    mark = "&" if "?" in base else "?"
    return [
        {"title": titles[kind], "count": count, "href": f"{base}{mark}kind={kind}" if count else ""}
        for kind, count in counts.items()
    ]


def column_words(name: str) -> str:
    """Heading of a team column."""
    return TEAM_COLUMNS.get(name) or column_title(name)
