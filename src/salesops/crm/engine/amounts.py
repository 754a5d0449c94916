"""Which money columns could be the amount that counts, and what the user should look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from salesops.crm.engine.aliases import AMOUNT_CORE, AMOUNT_WORDS, normal
from salesops.crm.engine.formats import ColumnProfile
from salesops.crm.engine.proposals import AmountCandidate, ColumnProposal, KeyProposal, Proposal


def amount_candidates(
    headers: Sequence[str], profiles: Mapping[str, ColumnProfile], columns: Sequence[ColumnProposal]
) -> tuple[AmountCandidate, ...]:
    """Money columns that could be the amount that counts, the mapped one first."""
    labels = {normal(h): h for h in headers}
    chosen = next((c.header for c in columns if c.target == "amount"), None)
    found: list[tuple[float, AmountCandidate]] = []
    for column in columns:
        profile = profiles[column.header]
        words = set(normal(column.header).split())
        if (
            profile.kind not in ("integer", "number")
            or column.target not in (None, "amount")
            or profile.percent
        ):
            continue
        core = words & AMOUNT_CORE
        if column.target is None and not core and not (profile.currencies and words & AMOUNT_WORDS):
            continue
        if words & {
            "id",
            "currency",
            "year",
            "quarter",
            "count",
            "probability",
            "rate",
            "number",
            "score",
            "days",
        }:
            continue
        paired = labels.get(f"{normal(column.header)} currency", "")
        why = "mapped to amount" if column.header == chosen else "a money column"
        if core:
            why += f"; its name says {', '.join(sorted(core))}"
        if profile.currencies:
            why += f"; its cells carry {', '.join(profile.currencies)}"
        if paired:
            why += f"; '{paired}' names its currency"
        rank = (column.header == chosen) * 10 + len(core) + profile.filled / max(profile.rows, 1)
        found.append((rank, AmountCandidate(column.header, why, paired, profile.filled)))
    return tuple(c for _, c in sorted(found, key=lambda f: -f[0]))


def questions(
    columns: Sequence[ColumnProposal],
    profiles: Mapping[str, ColumnProfile],
    amounts: tuple[AmountCandidate, ...],
    key: KeyProposal | None,
) -> tuple[str, ...]:
    """What the values do not settle, in sentences for the user."""
    asked = []
    for c in columns:
        p = profiles[c.header]
        if p.date_ambiguous and c.type in ("date", "instant"):
            asked.append(
                f"'{c.header}' could be day first or month first; it is read as {c.format.date_order}."
            )
        if p.date_mixed and c.type in ("date", "instant"):
            asked.append(
                f"'{c.header}' holds both day-first and month-first dates; the minority becomes faults."
            )
        if p.marks_ambiguous and c.type in ("money", "rate"):
            mark = "," if c.format.decimal == "," else "."
            asked.append(
                f"Figures in '{c.header}' could be read two ways; '{mark}' is taken as the decimal mark."
            )
        if c.target and c.confidence < 0.6:
            asked.append(f"'{c.header}' is taken for {c.target} with little certainty ({c.why}).")
    if key is None:
        asked.append("No column or set of columns identifies a record: name one.")
    elif key.unique is False:
        asked.append(f"{key.duplicates} rows share their key ({key.shown_as}) with another row.")
    if len(amounts) > 1:
        asked.append(
            "More than one column could be the amount that counts: "
            + ", ".join(a.header for a in amounts)
            + "."
        )
    return tuple(asked)


def currency_column(proposal: Proposal) -> str:
    """Header of the column naming the amount's currency: its pair, or the mapped one; "" for none."""
    amount = proposal.column("amount")
    if amount:
        for candidate in proposal.amount_candidates:
            if candidate.header == amount.header and candidate.currency_header:
                return candidate.currency_header
    mapped = proposal.column("currency")
    return mapped.header if mapped else ""
