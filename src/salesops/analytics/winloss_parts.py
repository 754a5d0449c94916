"""What page, files and REST say of won and lost deals: sentences, rows, chart, links and sheets."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from salesops.analytics.addresses import Address
from salesops.analytics.engine.figure import Figure, exact, to_decimal
from salesops.analytics.engine.statistics import Interval, wilson
from salesops.analytics.engine.winloss import (
    FEWEST,
    STAGE,
    Deals,
    Line,
    difference,
    measured,
    share,
    share_then,
)
from salesops.analytics.winloss import PARTS, WIN_RATE, Reasons, WinLoss
from salesops.analytics.winloss_links import deals_href
from salesops.ui import charts, exports, formats
from salesops.ui.components import Delta, Tile
from salesops.ui.formats import Unit
from salesops.ui.readings import BarRow

NO_NAME = "None recorded"
MOST_BARS = 9
"""Reasons that are drawn one by one; those beyond stand together."""
FEW = "too few to tell"
SURE = {
    "beyond": "beyond noise",
    "noise": "within noise",
    "few": FEW,
    "unknown": "noise not known",
    "": "",
}


# --- Words ---------------------------------------------------------------------------------------


def name_of(line: Line) -> str:
    """A line as people read it."""
    if not line.part:
        return "All deals"
    if line.others:
        return f"{line.others} others"
    if line.value is None:
        return "Not known" if line.part == STAGE else NO_NAME
    return line.value


def period_name(found: WinLoss) -> str:
    """The period in a sentence."""
    return found.spans.period.title if found.spans.period else "all the data"


def _range(interval: Interval | None) -> str:
    if interval is None:
        return ""
    low, high = (formats.ratio(Fraction(end)) for end in (interval.low, interval.high))
    return f"{low} to {high}"


def change_text(change: Figure) -> str:
    """A change of a share with its sign, in points; "" where there is none."""
    if change.value is None:
        return ""
    gap = exact(change.value)
    sign = "+" if gap > 0 else "\u2212" if gap < 0 else ""
    return f"{sign}{formats.points(abs(gap))}"


def change_of(found: WinLoss, line: Line) -> Figure:
    """How a line's share differs from that of as much of the period before."""
    if line.apart:
        return Figure(None, line.apart)
    if line.then is None:
        return Figure(None, found.then_reason or "there is nothing before it")
    return difference(share(line), share_then(line))


def said_of(found: WinLoss, line: Line) -> str:
    """Whether the whole periods before explain a line's share, as a key; "" where it is not compared.

    beyond, noise, few (not beyond, of too few deals to say that nothing moved) or unknown. It is said of the share
    and what those periods together lead one to expect, never of the change against one of them.
    """
    if line.apart or found.spans.before is None:
        return ""
    movement = line.movement
    if movement is None or movement.verdict == "unknown":
        return "unknown"
    if movement.verdict in ("up", "down"):
        return "beyond"
    return "few" if line.of < FEWEST else "noise"


def _expected(line: Line) -> tuple[Fraction, Fraction] | None:
    """The share that the whole periods before lead one to expect, and the gap to it; None where none is tested."""
    movement = line.movement
    if movement is None or movement.expected is None or movement.latest is None or movement.p_value is None:
        return None
    return movement.expected, movement.latest - movement.expected


def against(found: WinLoss, line: Line) -> str:
    """What a line's share was tested against, and what came of it; "" where it was not."""
    tested = _expected(line)
    if tested is None or line.movement is None:
        return ""
    before = f"the {line.movement.periods} periods before"
    return f"{formats.ratio(tested[0])} expected from {before}: {SURE[said_of(found, line)]}"


def why(found: WinLoss, line: Line) -> str:
    """What noise was judged by, or why it is not known."""
    movement, period = line.movement, found.spans.period
    if found.spans.before is None or period is None:
        return found.then_reason
    if line.apart:
        return line.apart
    if movement is None:
        return "no deal was closed" if found.spans.over else f"{period.title} is judged when it is over"
    if movement.verdict == "unknown":
        return movement.reason
    return f"{against(found, line)} (p = {movement.p_value:.2g})"


def ranking(found: WinLoss) -> str:
    """Whether the order of the competitors may be trusted, in words; "" where there are not two."""
    if found.rivals is None or len(found.rivals.rivals) + found.rivals_left < 2:
        return ""
    left = _many(found.rivals_left, "competitor", "competitors")
    fewer = f"{left} with fewer than {FEWEST} decided deals"
    if found.ranked is None:
        return f"No ranking: {fewer}, so there are not two to put in order."
    out = f" Left out: {fewer}." if found.rivals_left else ""
    if not found.ranked:
        return f"No ranking: the intervals overlap, so the order may be chance.{out}"
    known = [one for one in found.rivals.rivals if one.win_rate.value is not None]
    order = sorted(known, key=lambda one: -exact(one.win_rate.value or 0))
    names = ", ".join(one.name for one in order)
    return f"No two intervals overlap. From the highest win rate to the lowest: {names}.{out}"


def reading(found: WinLoss) -> str:
    """The page in a few sentences."""
    now = found.total.now
    where = f"In {period_name(found)}"
    if not now.closed.n:
        return f"{where} no deal that you see was won or lost."
    told = f"{where} {_many(now.closed.n, 'deal was', 'deals were')} closed: {now.won.n:,} won"
    unsplit = found.unsplit(now)
    if unsplit:
        told += f" and {now.losses.n:,} not; how many ended without a decision can't be told: {unsplit}."
    else:
        told += f", {now.lost.n:,} lost and {now.no_decision.n:,} without a decision"
        if found.no_decision.value is not None:
            told += f", {formats.ratio(found.no_decision.value)} of the losses whose reason is given"
        told += "."
    rate, change, tested = share(found.total), change_of(found, found.total), against(found, found.total)
    told += f" {formats.ratio(rate.value or 0)} of the closed were won (95% range {_range(_interval(found.total))})"
    if now.closed.n < FEWEST:
        told += ", too few to lean on"
    if change.value is not None and found.spans.before is not None:
        to = "" if found.spans.over else " to the same day"
        told += f", {_moved(change)} {found.spans.before.title}{to}"
    told += f"; {tested}." if tested else "."
    if now.rate.value is not None and not unsplit and now.no_decision.n:
        told += f" With no decision apart, {formats.ratio(now.rate.value)} of {now.decided:,} were won"
        told += f" (95% range {_range(now.interval)})."
    return f"{told} {ranking(found)}".rstrip()


def _interval(line: Line) -> Interval | None:
    """Wilson 95 % interval of a line's share."""
    hits = line.now.losses.n if measured(line.part) == "losses" else line.now.won.n
    return wilson(hits, line.of) if line.of else None


def _moved(change: Figure) -> str:
    gap = _shown_gap(change)
    if not gap:
        return "as in"
    return f"{formats.points(abs(gap))} {'above' if gap > 0 else 'below'}"


def _shown_gap(change: Figure) -> Fraction:
    """A change as far as it is shown: to a tenth of a point, so that what reads 0.0 is neither up nor down."""
    return round(exact(change.value or 0), 3)


def _many(n: int, one: str, many: str) -> str:
    return f"{n:,} {one if n == 1 else many}"


def agreement_words(reasons: Reasons) -> str:
    """The matrix in a sentence."""
    found = reasons.agreement
    if found is None or found.agreement.value is None or found.chance.value is None:
        return f"Nothing can be told: {reasons.reason}."
    told = (
        f"Of {_many(reasons.n, 'lost deal', 'lost deals')} with both reasons, rep and buyer agree in "
        f"{formats.ratio(found.agreement.value)}; chance alone would make {formats.ratio(found.chance.value)}"
    )
    by_buyer = [sum(counts) for counts in zip(*reasons.matrix, strict=True)]
    if not any(sum(row) and own for row, own in zip(reasons.matrix, by_buyer, strict=True)):
        return f"{told}. No reason is worded alike on both sides: put them into the same words first."
    if found.kappa.value is None:
        return f"{told}. Cohen's kappa is undefined: {found.kappa.reason}."
    return f"{told}. Cohen's kappa is {formats.number(found.kappa.value, places=3)} (1 is full agreement, 0 is chance)."


# --- Rows ----------------------------------------------------------------------------------------


def rows(found: WinLoss) -> list[dict[str, Any]]:
    """One row a line: all deals, then part by part."""
    parted = [line for part in PARTS if part not in found.missing for line in found.lines(part)]
    return [row_of(found, line) for line in (found.total, *parted)]


def row_of(found: WinLoss, line: Line) -> dict[str, Any]:
    """One line as page, files and REST show it."""
    now, of = line.now, measured(line.part)
    told, before, interval, tested = share(line), share_then(line), _interval(line), _expected(line)
    change, said, unsplit = change_of(found, line), said_of(found, line), found.unsplit(now)
    own = "of losses alone there is no win rate" if of == "losses" else unsplit
    apart = Figure(None, own) if own else now.rate
    ends = now.interval if apart.value is not None else None
    return {
        "line": line,
        "part": line.part or "all",
        "by": PARTS.get(line.part, "All deals"),
        "value": line.value,
        "name": name_of(line),
        "closed": now.closed.n,
        "won": now.won.n,
        "lost": None if unsplit else now.lost.n,
        "no_decision": None if unsplit else now.no_decision.n,
        "no_decision_reason": unsplit,
        "losses": now.losses.n,
        "amount_won": now.won.amount,
        "amount_lost": now.losses.amount,
        "unknown_amounts": now.closed.n - now.closed.known,
        "measure": "win_rate" if of == "decided" else "share_of_losses",
        "share": told.value,
        "reason": told.reason,
        "n": line.of,
        "low": Fraction(interval.low) if interval else None,
        "high": Fraction(interval.high) if interval else None,
        "range": _range(interval),
        "few": line.of < FEWEST,
        "rate_apart": apart.value,
        "rate_apart_reason": apart.reason,
        "low_apart": Fraction(ends.low) if ends else None,
        "high_apart": Fraction(ends.high) if ends else None,
        "range_apart": _range(ends),
        "n_apart": None if own else now.decided,
        "share_then": None if line.apart else before.value,
        "n_then": None if line.apart or line.then is None else line.of_then,
        "change": change.value,
        "change_text": change_text(change),
        "expected": to_decimal(tested[0]) if tested else None,
        "gap": to_decimal(tested[1]) if tested else None,
        "noise": said,
        "said": _word(line, said)[0],
        "why": why(found, line),
        "p_text": _p_value(line),
        "word": _word(line, said),
        "ends": "no decision" if set(line.spellings) & set(found.nobody) else "lost",
    }


def _p_value(line: Line) -> str:
    value = line.movement.p_value if line.movement is not None else None
    return "" if value is None else f"{value:.2g}"


def _word(line: Line, said: str) -> tuple[str, str]:
    nothing = "not compared" if line.apart else "nothing before"
    return SURE[said] or nothing, "info" if said == "beyond" else "neutral"


# --- Tiles and chart -----------------------------------------------------------------------------


def tiles(found: WinLoss, address: Address, currency: str) -> list[Tile]:
    """Won, lost, no decision, and the win rate."""
    now, count = found.total.now, Unit("number", noun="deals")
    line, unsplit, rate = found.total, found.unsplit(now), share(found.total)
    change = change_of(found, line)
    delta = None
    if change.value is not None and found.spans.before is not None:
        gap = _shown_gap(change)
        delta = Delta(
            formats.points(abs(gap)),
            f"against {found.spans.before.title}",
            "up" if gap > 0 else "down" if gap < 0 else "flat",
        )
    return [
        Tile(
            "Won",
            now.won.n,
            count,
            note=_money(now.won, currency),
            href=deals_href(found, address, line, "won"),
        ),
        Tile(
            "Lost",
            now.lost.n,
            count,
            note=", ".join(filter(None, (_money(now.lost, currency), _lost_note(found)))),
            href=deals_href(found, address, line, "lost"),
        ),
        Tile(
            "No decision",
            None if unsplit else now.no_decision.n,
            count,
            reason=unsplit,
            note=f"{formats.ratio(found.no_decision.value)} of the losses with a reason"
            if found.no_decision.value is not None
            else "",
            href=deals_href(found, address, line, "no_decision"),
        ),
        Tile(
            "Win rate",
            rate.value,
            Unit("ratio"),
            reason=rate.reason,
            delta=delta,
            note=_rate_note(found),
            caution="too few to lean on" if 0 < line.of < FEWEST else "",
            href=address.to("number", WIN_RATE),
        ),
    ]


def _money(deals: Deals, currency: str) -> str:
    return "" if deals.amount is None else Unit("money", currency).short(deals.amount)


def _lost_note(found: WinLoss) -> str:
    now = found.total.now
    if not now.losses.n:
        return ""
    if found.unsplit(now):
        return "with or without a decision"
    return f"{found.without_reason:,} without a reason among them" if found.without_reason else "to somebody"


def _rate_note(found: WinLoss) -> str:
    """Range and sample of the win rate, what it was tested against, and the one with no decision apart."""
    now, line = found.total.now, found.total
    said = [f"{_range(_interval(line))}, n = {line.of:,}"] if line.of else []
    if tested := against(found, line):
        said.append(tested)
    if now.rate.value is not None and not found.unsplit(now):
        of = f"{_range(now.interval)}, n = {now.decided:,}"
        said.append(f"{formats.ratio(now.rate.value)} with no decision apart ({of})")
    return "; ".join(said)


def figure(found: WinLoss, address: Address) -> charts.Figure:
    """Lost deals by reason; reasons beyond the first few stand together."""
    lines = [line for line in found.lines("loss_reason") if line.now.losses.n and (line.value or line.others)]
    shown, rest = lines[:MOST_BARS], lines[MOST_BARS:]
    drawn = [
        BarRow(name_of(line), [line.now.losses.n], href=deals_href(found, address, line, "losses"))
        for line in shown
    ]
    if rest:
        drawn.append(BarRow(f"{len(rest)} more lines", [sum(line.now.losses.n for line in rest)]))
    return charts.bars_figure(
        "lost-by-reason",
        "Lost deals by reason",
        drawn,
        ["Lost deals"],
        Unit("number", noun="deals"),
        subtitle=f"{period_name(found)}, losses with a reason, as the reps stated it",
        head="Loss reason",
        row_height=44 if len(drawn) <= 6 else 32,
    )


# --- Sheets --------------------------------------------------------------------------------------


def sheets(found: WinLoss, currency: str) -> list[exports.Sheet]:
    """Every line as one sheet, and the reasons of reps and buyers as another where there are both."""
    made = [
        exports.Sheet(
            "Win and loss",
            [
                exports.Column("by", "By", width=18),
                exports.Column("name", "Value", width=26),
                exports.Column("closed", "Closed", "integer"),
                exports.Column("won", "Won", "integer"),
                exports.Column("lost", "Lost", "integer"),
                exports.Column("no_decision", "No decision", "integer"),
                exports.Column("losses", "Not won", "integer"),
                exports.Column("amount_won", "Amount won", "money", currency),
                exports.Column("amount_lost", "Amount not won", "money", currency),
                exports.Column("unknown_amounts", "Without a known amount", "integer"),
                exports.Column("measure", "Share is", width=18),
                exports.Column("share", "Share", "ratio"),
                exports.Column("low", "95% range from", "ratio"),
                exports.Column("high", "95% range to", "ratio"),
                exports.Column("n", "Of deals", "integer"),
                exports.Column("rate_apart", "Win rate, no decision apart", "ratio"),
                exports.Column("low_apart", "Its 95% range from", "ratio"),
                exports.Column("high_apart", "Its 95% range to", "ratio"),
                exports.Column("n_apart", "Its deals", "integer"),
                exports.Column("share_then", "Share before", "ratio"),
                exports.Column("n_then", "Of deals before", "integer"),
                exports.Column("change", "Change", "ratio"),
                exports.Column("expected", "Expected from the periods before", "ratio"),
                exports.Column("gap", "Gap to it", "ratio"),
                exports.Column("said", "Against noise", width=20),
                exports.Column("why", "Why", width=50),
            ],
            rows(found),
        )
    ]
    return [*made, reasons_sheet(found.reasons)] if found.reasons.names else made


def reasons_sheet(reasons: Reasons) -> exports.Sheet:
    """Rows the rep's reason, columns the buyer's."""
    columns = [exports.Column("stated", "Rep said; buyer said", width=26)]
    columns += [exports.Column(f"c{place}", name, "integer") for place, name in enumerate(reasons.names)]
    return exports.Sheet("Rep and buyer", columns, matrix_rows(reasons))


def matrix_rows(reasons: Reasons) -> Sequence[dict[str, Any]]:
    """The matrix as rows."""
    return [
        {"stated": name, **{f"c{place}": n for place, n in enumerate(counts)}}
        for name, counts in zip(reasons.names, reasons.matrix, strict=True)
    ]
