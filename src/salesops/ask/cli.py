"""The command ask: a question in words."""

from __future__ import annotations

import argparse

from salesops.analytics.shown import group_words, value_text
from salesops.ask.answers import Answer, ListAnswer, NumberAnswer, answer
from salesops.ask.cards import days
from salesops.ask.documents import document
from salesops.org import known as known_at
from salesops.platform import reading
from salesops.platform.cli import actor_from
from salesops.platform.documents import to_json


def add_commands(verbs: argparse._SubParsersAction) -> None:
    """Add this room's verbs."""
    asking = verbs.add_parser(
        "ask", help="answer a question in words, such as: win rate by region last quarter"
    )
    asking.add_argument("question", nargs="+", help="the question; quotation marks around it are not needed")
    asking.add_argument(
        "--known-at",
        default="",
        metavar="WHEN",
        help="as known at the end of a day (2026-03-31), at an instant (2026-03-31T18:00) or at a facts version (v12)",
    )
    asking.add_argument("--json", action="store_true", help="print JSON")
    asking.set_defaults(run=_ask)


def _ask(args: argparse.Namespace) -> int:
    actor = actor_from(args)
    with reading.one_state():
        found = answer(actor, " ".join(args.question), known=known_at.read(args.known_at))
    if args.json:
        print(to_json(document(found)))
    else:
        _print(found)
    return 1 if found.problem else 0


def _print(found: Answer) -> None:
    if found.known.known_at:
        print(f"As known at {found.known.known_at:%Y-%m-%d %H:%M:%S %Z}")
    unknown = ", ".join(f"“{word}”" for word in found.understood.unknown_words)
    if found.problem:
        print(found.problem)
        for choice in found.choices:
            print(f"  {choice.said}: {choice.question}")
        return
    if found.number:
        _print_number(found.number)
    if found.deals:
        _print_deals(found.deals)
    if found.records:
        for record in found.records.found:
            print(f"{record.kind}: {record.name} ({record.more})  {record.href}")
    elif unknown:
        print(f"Left out, as not understood: {unknown}.")


def _print_number(found: NumberAnswer) -> None:
    kpi, total = found.kpi, found.total
    said = value_text(kpi, total.value, found.currency, to_the_cent=True) or f"no value: {total.reason}"
    print(f"{kpi.title}, {days(found.period)}: {said}")
    if found.before is not None:
        then = value_text(kpi, found.before.value, found.currency, to_the_cent=True)
        print(f"  {days(found.against)}: {then or f'no value: {found.before.reason}'}")
    for value in found.groups:
        name = ", ".join(group_words(v) for v in value.group.values())
        print(f"  {name}: {value_text(kpi, value.value, found.currency) or value.reason}")
    if found.left:
        print(f"  and {found.left} more")
    for item in found.address.filters:
        print(f"  only where {item.column} {item.op} {', '.join(map(str, item.values))}")
    print(f"  {kpi.sentence} ({kpi.formula})")
    for note in found.notes:
        print(f"  {note}")
    print(f"  {found.href}")


def _print_deals(found: ListAnswer) -> None:
    if found.reason:
        print(f"{found.title}: {found.reason}")
        return
    amount = f"{found.sums.amount:,} {found.currency}" if found.sums.amount is not None else "no known amount"
    print(f"{found.title}: {found.total:,}, together {amount}")
    for row in found.rows:
        amount = row["amount"] if row.get("amount") is not None else ""
        print(f"  {row.get('name') or row['id']}  {amount}")
    print(f"  {found.href}")
