"""What page, files and REST say of won and lost deals: sentences, rows, chart, links and sheets."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from salesops.analytics.addresses import Address
from salesops.analytics.engine.figure import Figure, exact
from salesops.analytics.engine.statistics import Interval, wilson
from salesops.analytics.engine.winloss import FEWEST, STAGE, Deals, Line, difference, measured, share
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
    if line.then is None or found.total.then is None:
        return Figure(None, found.then_reason or "there is nothing before it")
    now = share(line.part, line.now, found.total.now)
    return difference(now, share(line.part, line.then, found.total.then))


def said_of(line: Line, change: Figure) -> str:
    """Whether the periods before bear a change out, as a key: beyond, noise, unknown; "" where nothing changed."""
    if change.value is None or not exact(change.value):
        return ""
    movement = line.movement
    if movement is None or movement.verdict == "unknown":
        return "unknown"
    same = (movement.verdict == "up") == (exact(change.value) > 0)
    return "beyond" if movement.verdict in ("up", "down") and same else "noise"


def why(found: WinLoss, line: Line) -> str:
    """What noise was judged by, or why it is not known."""
    movement, period = line.movement, found.spans.period
    if movement is None:
        if found.spans.before is None or period is None:
            return found.then_reason
        return "no deal was closed" if found.spans.over else f"{period.title} is judged when it is over"
    if movement.verdict == "unknown":
        return movement.reason
    did = {"up": "above noise", "down": "below noise", "noise": "within noise"}[movement.verdict]
    return f"{did} against the {movement.periods} periods before (p = {movement.p_value:.2g})"


def ranking(found: WinLoss) -> str:
    """Whether the order of the competitors may be trusted, in words; "" where there are not two."""
    if found.ranked is None or found.rivals is None:
        return ""
    if not found.ranked:
        return "No ranking: the intervals overlap, so the order may be chance."
    known = [one for one in found.rivals.rivals if one.win_rate.value is not None]
    order = sorted(known, key=lambda one: -exact(one.win_rate.value or 0))
    names = ", ".join(one.name for one in order)
    return f"No two intervals overlap. From the highest win rate to the lowest: {names}."


def reading(found: WinLoss) -> str:
    """The page in a few sentences."""
    now = found.total.now
    where = f"In {period_name(found)}"
    if not now.closed.n:
        return f"{where} no deal that you see was won or lost."
    told = f"{where} {_many(now.closed.n, 'deal was', 'deals were')} closed: {now.won.n:,} won, {now.lost.n:,} lost"
    if found.no_decision.value is None:
        told += "; how many ended without a decision can't be told"
        told += f": {found.no_decision.reason}." if now.losses.n else "."
    else:
        part = formats.ratio(found.no_decision.value)
        told += f" and {now.no_decision.n:,} without a decision, {part} of the losses whose reason is given."
    if now.rate.value is None:
        return f"{told} No deal was decided."
    told += f" Of the {now.decided:,} decided, {formats.ratio(now.rate.value)} were won"
    told += f" (95% range {_range(now.interval)})"
    change = change_of(found, found.total)
    if now.few:
        told += ": too few to lean on"
    elif change.value is not None and found.spans.before is not None:
        told += (
            f", {_moved(change)} {found.spans.before.title}{'' if found.spans.over else ' to the same day'}"
        )
        if said := SURE[said_of(found.total, change)]:
            told += f", {said}"
    if found.ranked is False:
        return f"{told}. No ranking of competitors: the intervals overlap."
    return f"{told}. {ranking(found)}".rstrip()


def _moved(change: Figure) -> str:
    gap = exact(change.value or 0)
    if not gap:
        return "as in"
    return f"{formats.points(abs(gap))} {'above' if gap > 0 else 'below'}"


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
    now, then, whole = line.now, line.then, found.total
    of = measured(line.part)
    told = share(line.part, now, whole.now)
    before = share(line.part, then, whole.then) if then is not None and whole.then is not None else None
    trials = whole.now.losses.n if of == "losses" else now.decided
    interval = wilson(now.losses.n, trials) if of == "losses" else now.interval
    change = change_of(found, line)
    said = said_of(line, change)
    word = _word(of == "decided" and now.few, said, change)
    apart = found.no_decision.value is not None
    return {
        "line": line,
        "part": line.part or "all",
        "by": PARTS.get(line.part, "All deals"),
        "value": line.value,
        "name": name_of(line),
        "closed": now.closed.n,
        "won": now.won.n,
        "lost": now.lost.n if apart else None,
        "no_decision": now.no_decision.n if apart else None,
        "losses": now.losses.n,
        "amount_won": now.won.amount,
        "amount_lost": now.losses.amount,
        "unknown_amounts": now.closed.n - now.closed.known,
        "measure": "win_rate" if of == "decided" else "share_of_losses",
        "share": told.value,
        "reason": told.reason,
        "n": trials,
        "low": Fraction(interval.low) if interval else None,
        "high": Fraction(interval.high) if interval else None,
        "range": _range(interval),
        "few": now.few if of == "decided" else whole.now.losses.n < FEWEST,
        "share_then": before.value if before else None,
        "n_then": (whole.then.losses.n if of == "losses" and whole.then else then.decided) if then else None,
        "change": change.value,
        "change_text": change_text(change),
        "noise": said,
        "said": word[0],
        "why": why(found, line),
        "p_text": _p_value(line),
        "word": word,
        "ends": "no decision" if line.value in found.nobody else "lost",
    }


def _p_value(line: Line) -> str:
    value = line.movement.p_value if line.movement is not None else None
    return "" if value is None else f"{value:.2g}"


def _word(few: bool, said: str, change: Figure) -> tuple[str, str]:
    if few:
        return FEW, "neutral"
    return SURE[said] or ("unchanged" if change.value is not None else "nothing before"), (
        "info" if said == "beyond" else "neutral"
    )


# --- Tiles and chart -----------------------------------------------------------------------------


def tiles(found: WinLoss, address: Address, currency: str) -> list[Tile]:
    """Won, lost, no decision, and the win rate."""
    now, count = found.total.now, Unit("number", noun="deals")
    line, apart = found.total, found.no_decision.value is not None
    change = change_of(found, line)
    against = found.spans.before.title if found.spans.before else ""
    delta = None
    if change.value is not None:
        gap = exact(change.value)
        said = SURE[said_of(line, change)]
        delta = Delta(
            formats.points(abs(gap)),
            f"against {against}{f', {said}' if said else ''}",
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
            note=" ".join(
                filter(
                    None,
                    (_money(now.lost, currency), "to somebody" if apart else "with or without a decision"),
                )
            ),
            href=deals_href(found, address, line, "lost"),
        ),
        Tile(
            "No decision",
            now.no_decision.n if apart else None,
            count,
            reason=found.no_decision.reason,
            note=f"{formats.ratio(found.no_decision.value)} of the losses with a reason"
            if found.no_decision.value is not None
            else "",
            href=deals_href(found, address, line, "no_decision"),
        ),
        Tile(
            "Win rate, no decision apart",
            now.rate.value,
            Unit("ratio"),
            reason=now.rate.reason,
            delta=delta,
            note=_rate_note(found),
            caution="too few to lean on" if now.few and now.decided else "",
            href=address.to("number", WIN_RATE),
        ),
    ]


def _money(deals: Deals, currency: str) -> str:
    return "" if deals.amount is None else Unit("money", currency).short(deals.amount)


def _rate_note(found: WinLoss) -> str:
    """Range and sample of the win rate, and the catalogue's beside it."""
    now, other = found.total.now, found.win_rate
    said = [f"{_range(now.interval)}, n = {now.decided:,}"] if now.interval else []
    if other is not None and other.value is not None:
        said.append(f"{formats.ratio(other.value)} with no decision as lost")
    return "; ".join(said)


def figure(found: WinLoss, address: Address) -> charts.Figure:
    """Lost deals by reason; reasons beyond the first few stand together."""
    lines = [line for line in found.lines("loss_reason") if line.now.losses.n]
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
        subtitle=f"{period_name(found)}, as the reps stated the reason",
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
                exports.Column("share_then", "Share before", "ratio"),
                exports.Column("n_then", "Of deals before", "integer"),
                exports.Column("change", "Change", "ratio"),
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
