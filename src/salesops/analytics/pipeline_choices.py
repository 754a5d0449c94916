"""What the selects and dialogs of the list of deals offer. Read once per facts version and reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from salesops.analytics.addresses import NOTHING
from salesops.analytics.choices import Option, OptionGroup, extent
from salesops.analytics.deal_columns import is_own, label
from salesops.analytics.flags import Judge, word
from salesops.analytics.kept import remembered
from salesops.analytics.list_address import QUICK, ListAddress
from salesops.analytics.records import OpenList, choices
from salesops.process.inputs import Frames

MOST_IN_A_SELECT = 150
"""Above it the filter is a field to type in, with suggestions."""


@dataclass(frozen=True)
class Quick:
    """One quick filter: its parameter, label, entries; ``typed`` where there are too many for a select."""

    name: str
    title: str
    options: tuple[Option, ...]
    typed: bool
    value: str


@dataclass(frozen=True)
class Offered:
    """What the list's controls offer."""

    quick: list[Quick]
    closed: list[OptionGroup]
    created: list[OptionGroup]
    flags: tuple[Option, ...]


def read(opened: OpenList, address: ListAddress) -> Offered:
    """The quick filters and periods for a reader, with what the address asks for chosen."""
    frames = opened.frames
    found = extent(frames)
    stages = list(dict.fromkeys(m.stage for m in frames.stages if m.deals and m.stage))
    values: dict[str, Sequence[str]] = {
        "stage": stages,
        "owner": found.members["owner_name"],
        "team": found.members["team"],
        "region": found.members["region"],
        "product": _products(opened),
    }
    asked = {name: getattr(address, name) for name in QUICK}
    quick = [_quick(name, values[name], asked[name]) for name in QUICK if values[name] or asked[name]]
    return Offered(
        quick=quick,
        closed=_periods(frames, address.closed, ahead=3),
        created=_periods(frames, address.created, ahead=0),
        flags=_flags(opened.judge, address.flag),
    )


def _products(opened: OpenList) -> list[str]:
    frames = opened.frames
    return remembered(
        ("products", *opened.state), lambda: sorted(choices(frames, "product_name"), key=str.casefold)
    )


def _quick(name: str, values: Sequence[str], chosen: Sequence[str]) -> Quick:
    options = [Option(value, value, value in chosen) for value in values]
    options += [
        Option(value, "none" if value == NOTHING else value, True) for value in chosen if value not in values
    ]
    single = chosen[0] if len(chosen) == 1 else ""
    return Quick(name, label(QUICK[name]), tuple(options), len(values) > MOST_IN_A_SELECT, single)


def _periods(frames: Frames, chosen: str, *, ahead: int) -> list[OptionGroup]:
    """Fiscal quarters and years around the day the list stands at; one typed into the address joins them."""
    calendar, today = frames.firm.calendar, frames.as_of
    groups, offered = [], set()
    for title, kind, later, earlier in (
        ("Quarters", "quarter", ahead, 5),
        ("Years", "year", min(ahead, 1), 3),
    ):
        now = calendar.period(kind, today)  # type: ignore[arg-type]
        periods = [calendar.shift(now, step) for step in range(later, -earlier - 1, -1)]
        options = tuple(Option(p.label, p.title, p.label == chosen.upper()) for p in periods)
        offered |= {p.label for p in periods}
        groups.append(OptionGroup(title, options))
    if chosen and chosen.upper() not in offered:
        groups.insert(0, OptionGroup("", (Option(chosen, chosen, True),)))
    return groups


def _flags(judge: Judge, chosen: Sequence[str]) -> tuple[Option, ...]:
    words: dict[str, str] = {}
    for rule in judge.rules:
        said = word(rule)
        words[rule.code] = f"{said} (closed)" if said in words.values() else said
    found = [Option("any", "Any flag", "any" in chosen), Option("none", "No flag", "none" in chosen)]
    return (*found, *(Option(code, said, code in chosen) for code, said in words.items()))


def columns(kinds: Mapping[str, str], names: Mapping[str, str]) -> list[OptionGroup]:
    """Columns to filter by: the deal's, then the company's own."""
    both: dict[bool, list[Option]] = {False: [], True: []}
    for name in sorted(kinds, key=lambda column: names[column].casefold()):
        both[is_own(name)].append(Option(name, names[name], False))
    groups = [OptionGroup("Deal", tuple(both[False])), OptionGroup("Your own columns", tuple(both[True]))]
    return [group for group in groups if group.options]
