"""Random event logs of small pipelines, as the store would hold them, and a plain walk over their events.

Nothing here knows the engine: the walk keeps one dictionary a deal, goes forward through the events, looks
at it at both instants and adds up whole ten-thousandths of the reporting currency.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

FIELDS = ("stage", "owner", "pipeline", "close_on", "amount", "currency", "deleted_on")
CLASS_OF = {
    "Talks": "open",
    "Offer": "open",
    "Won": "won",
    "Lost": "lost",
    "Parked": "ignored",
    "Odd": "unmapped",
}
OURS = ("u1", "u2")
OPENING, CLOSING = date(2026, 3, 31), date(2026, 6, 30)
RATES = (
    ("EUR", "USD", date(2025, 1, 1), Decimal("1.080000")),
    ("EUR", "USD", date(2026, 2, 1), Decimal("1.103700")),
    ("EUR", "USD", date(2026, 5, 1), Decimal("1.171900")),
    ("GBP", "USD", date(2025, 1, 1), Decimal("1.270000")),
    ("GBP", "USD", date(2026, 4, 15), Decimal("1.311100")),
)


@dataclass
class Deal:
    """One deal: how it began and what happened to it, in order of time."""

    id: str
    created_at: datetime
    begun: dict[str, Any]
    events: list[tuple[datetime, dict[str, Any]]] = field(default_factory=list)

    def state(self, until: datetime | None = None) -> dict[str, Any]:
        """Its values after every event up to an instant."""
        values = dict(self.begun)
        for at, changes in self.events:
            if until is None or at <= until:
                values |= changes
        return values


def end_of(day: date) -> datetime:
    """The last instant of a day; the firm's zone is UTC."""
    return datetime(day.year, day.month, day.day, 23, 59, 59, 999999, tzinfo=UTC)


def make_log(number: int, seed: int) -> list[Deal]:
    """The deals of one log."""
    rng = random.Random(f"{seed}/{number}")
    first = datetime(2026, 1, 1, tzinfo=UTC)
    deals: list[Deal] = []
    for place in range(rng.randint(3, 18)):
        created = first + timedelta(minutes=rng.randrange(rng.choice((60, 60, 200)) * 24 * 60))
        deals.append(
            Deal(
                f"{number}-{place}",
                created,
                {
                    "stage": rng.choices(("Talks", "Offer", "Won", "Lost", "Parked"), (6, 3, 1, 1, 1))[0],
                    "owner": rng.choice(("u1", "u2", "u3")),
                    "pipeline": rng.choices(("Main", "Other"), (5, 1))[0],
                    "close_on": None
                    if rng.random() < 0.08
                    else created.date() + timedelta(days=rng.randint(1, 150)),
                    "amount": _amount(rng),
                    "currency": rng.choice(("USD", "USD", "EUR", "GBP", None)),
                    "deleted_on": None,
                },
            )
        )
        if deals[-1].begun["stage"] in ("Won", "Lost"):
            deals[-1].begun["close_on"] = created.date()
    clock = first + timedelta(days=20)
    for _ in range(rng.randint(5, 110)):
        clock += timedelta(minutes=rng.randint(1, 4 * 24 * 60))
        there = [d for d in deals if d.created_at < clock]
        if there:
            _happen(rng, rng.choice(there), there, clock)
    return deals


def _amount(rng: random.Random) -> Decimal | None:
    if rng.random() < 0.12:
        return None
    return Decimal(rng.randint(-20_000 if rng.random() < 0.05 else 0, 9_000_000)) / Decimal(
        rng.choice((1, 100, 10_000))
    )


def _happen(rng: random.Random, deal: Deal, there: list[Deal], at: datetime) -> None:
    """One event of a deal: what it changes depends on how the deal stands."""
    now = deal.state()
    if now["deleted_on"] is not None:
        changes: dict[str, Any] = {"deleted_on": None} if rng.random() < 0.2 else {}
    else:
        kind = rng.choices(list(EVENTS), [weight for weight, _ in EVENTS.values()])[0]
        changes = EVENTS[kind][1](rng, now, at.date())
        others = [d for d in there if d is not deal and d.state()["deleted_on"] is None]
        if kind == "merge" and others and rng.random() < 0.5 and now["amount"] is not None:
            survivor = rng.choice(others)
            survivor.events.append(
                (at, {"amount": (survivor.state()["amount"] or Decimal(0)) + now["amount"]})
            )
    if real := {k: v for k, v in changes.items() if now[k] != v}:
        deal.events.append((at, real))


Change = Callable[[random.Random, dict[str, Any], date], dict[str, Any]]


def _redated(rng: random.Random, now: dict[str, Any], day: date) -> dict[str, Any]:
    return {"close_on": None if rng.random() < 0.1 else day + timedelta(days=rng.randint(-40, 150))}


def _closed(rng: random.Random, now: dict[str, Any], day: date) -> dict[str, Any]:
    if CLASS_OF[now["stage"]] != "open":
        return {}
    on = day - timedelta(days=rng.choice((0, 0, 0, 0, 3, 40)))
    amount = {"amount": _amount(rng)} if rng.random() < 0.3 else {}
    return {"stage": rng.choice(("Won", "Lost")), "close_on": None if rng.random() < 0.05 else on} | amount


def _reopened(rng: random.Random, now: dict[str, Any], day: date) -> dict[str, Any]:
    if CLASS_OF[now["stage"]] == "open":
        return {}
    return {"stage": "Talks", "close_on": day + timedelta(days=rng.randint(1, 120))}


EVENTS: dict[str, tuple[int, Change]] = {
    "amount": (6, lambda rng, now, day: {"amount": _amount(rng)}),
    "date": (6, _redated),
    "close": (5, _closed),
    "reopen": (4, _reopened),
    "owner": (4, lambda rng, now, day: {"owner": rng.choice(("u1", "u2", "u3", "u4"))}),
    "currency": (2, lambda rng, now, day: {"currency": rng.choice(("USD", "EUR", "GBP", None))}),
    "stage": (2, lambda rng, now, day: {"stage": rng.choice(("Talks", "Offer", "Parked", "Odd"))}),
    "pipeline": (1, lambda rng, now, day: {"pipeline": rng.choice(("Main", "Other"))}),
    "delete": (1, lambda rng, now, day: {"deleted_on": day}),
    "merge": (1, lambda rng, now, day: {"deleted_on": day}),
}
"""Kind of event -> how often, and what it changes. A merge deletes one record and may add to another."""


def changes_of(deal: Deal) -> list[dict[str, Any]]:
    """The deal's rows of the change log: one a field that changed."""
    values, rows = dict(deal.begun), []
    for at, changed in deal.events:
        for name, new in changed.items():
            rows.append(
                {
                    "object_id": deal.id, "field": name, "valid_at": at,
                    "old": None if values[name] is None else str(values[name]),
                    "new": None if new is None else str(new),
                }
            )  # fmt: skip
            values[name] = new
    return rows


# --- The walk -------------------------------------------------------------------------------------

Bars = dict[str, list[int]]
"""Bar -> [ten-thousandths, deals, deals whose amount is unknown]."""


def worth(amount: Decimal | None, currency: str | None, day: date, target: str) -> int | None:
    """An amount in the target currency at a day's rates, in ten-thousandths; USD is the firm's own."""
    if amount is None:
        return None
    own = currency or "USD"
    if own == target:
        return int(amount * 10_000)
    held = {code: _rate(code, day) for code in ("EUR", "GBP")}
    if target == "USD":
        factor = held[own]
    elif own == "USD":
        factor = _inverse(target, day)
    else:
        factor = (held[own] * _inverse(target, day)).quantize(Decimal("0.000000000001"), ROUND_HALF_UP)
    return int((amount * factor * 10_000).quantize(Decimal(1), ROUND_HALF_UP))


def _rate(code: str, day: date) -> Decimal:
    steps = [(start, rate) for own, _, start, rate in RATES if own == code]
    return next((rate for start, rate in reversed(steps) if start <= day), steps[0][1])


def _inverse(code: str, day: date) -> Decimal:
    return (1 / _rate(code, day)).quantize(Decimal("0.000000000001"))


def walk(deals: list[Deal], first: date | None, last: date | None, target: str) -> Bars:
    """The bars of one log by looking at every deal at both instants."""
    bars: Bars = defaultdict(lambda: [0, 0, 0])
    for deal in deals:
        _walk_deal(deal, bars, first, last, target)
    return bars


@dataclass
class _Look:
    """One deal at both instants."""

    then: dict[str, Any]
    now: dict[str, Any]
    kind_then: str | None
    kind_now: str
    deleted: bool

    @property
    def open_then(self) -> bool:
        return self.kind_then == "open"

    @property
    def gone(self) -> bool:
        return self.deleted or self.kind_now not in ("open", "won", "lost")

    @property
    def place(self) -> date | None:
        """The close date that says which period the deal ends up in."""
        if self.open_then and (self.gone or self.kind_now == "lost"):
            return self.then["close_on"] or self.now["close_on"]
        found: date | None = self.now["close_on"]
        return found

    def passed_through(self) -> bool:
        """Whether a deal that was not in the pipeline at the opening was in it since."""
        if self.deleted:
            return "open" in (self.kind_now, self.kind_then)
        if self.gone:
            return False
        if self.kind_now == "open" or self.open_then:
            return True
        closed_on = self.now["close_on"]
        return self.kind_then is None if closed_on is None else closed_on > OPENING


def _look(deal: Deal) -> _Look | None:
    if deal.created_at > end_of(CLOSING):
        return None
    then, now = deal.state(end_of(OPENING)), deal.state(end_of(CLOSING))
    existed = deal.created_at <= end_of(OPENING)
    if existed and then["deleted_on"] is not None and now["deleted_on"] is not None:
        return None
    kind: str | None = CLASS_OF[then["stage"]] if existed and then["deleted_on"] is None else None
    kind = None if kind in ("ignored", "unmapped") else kind
    return _Look(then, now, kind, CLASS_OF[now["stage"]], now["deleted_on"] is not None)


def _ours(state: dict[str, Any]) -> bool:
    return state["owner"] in OURS and state["pipeline"] == "Main"


def _way_in(look: _Look, in_period: Callable[[date | None], bool]) -> str | None:
    if look.open_then and _ours(look.then) and in_period(look.then["close_on"]):
        return "opening"
    if not (_ours(look.now) and in_period(look.place) and look.passed_through()):
        return None
    if look.kind_then is None:
        return "new"
    if not look.open_then:
        return "reopened"
    return "pulled_in" if _ours(look.then) else "transferred_in"


def _walk_deal(deal: Deal, bars: Bars, first: date | None, last: date | None, target: str) -> None:
    def in_period(day: date | None) -> bool:
        return first is None or last is None or (day is not None and first <= day <= last)

    def count(bar: str, amount: int | None, unknown: bool | None = None) -> None:
        entry = bars[bar]
        entry[0] += amount or 0
        entry[1] += 1
        entry[2] += (amount is None) if unknown is None else unknown

    look = _look(deal)
    way_in = _way_in(look, in_period) if look else None
    if look is None or way_in is None:
        return
    then, now = look.then, look.now
    closed_on = None if look.gone or look.kind_now == "open" else now["close_on"]
    before = worth(then["amount"], then["currency"], OPENING, target)
    after = worth(now["amount"], now["currency"], closed_on or CLOSING, target)
    at_old_rates = worth(now["amount"], now["currency"], OPENING, target)
    carried = after if way_in == "new" else before
    count(way_in, carried)
    if not _ours(now):
        count("transferred_out", carried)
    elif not in_period(look.place):
        count("pushed_out", carried)
    elif look.gone:
        count("removed", carried)
    elif look.kind_now == "lost":
        count("lost", carried)
    else:
        count("won" if look.kind_now == "won" else "closing", after)
        step = (at_old_rates or 0) - (before or 0)
        if way_in != "new" and step:
            count(
                "increased" if step > 0 else "decreased", abs(step), (before if step > 0 else after) is None
            )
        if way_in != "new" and (after or 0) != (at_old_rates or 0):
            count("currency", (after or 0) - (at_old_rates or 0))
