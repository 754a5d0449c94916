"""Propose what a table is and where its columns go, by name, alias and content."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache

import pyarrow as pa

from salesops.crm.engine.aliases import ALIASES, NAME_WORDS, normal
from salesops.crm.engine.amounts import amount_candidates, questions
from salesops.crm.engine.content import content_targets, fits
from salesops.crm.engine.data_dates import data_dates, with_latest_close
from salesops.crm.engine.extras import extra_column, extra_columns, extra_name, stage_date_columns, zone_of
from salesops.crm.engine.formats import NO_SHARES, ColumnProfile, format_for
from salesops.crm.engine.history import propose_history
from salesops.crm.engine.ids import SALESFORCE_PREFIXES
from salesops.crm.engine.keys import propose_key
from salesops.crm.engine.names import name_match
from salesops.crm.engine.proposals import ColumnProposal, DateCandidate, Proposal
from salesops.crm.engine.systems import ignored, system_of
from salesops.facts.tables import TABLES

__all__ = ["extra_name", "propose", "propose_for_object"]

_LEAST_SCORE = 2.2
_IDENTIFIERS = ("id", "_id")

_REQUIRED: dict[str, tuple[frozenset[str], ...]] = {
    "opportunities": (
        frozenset({"id", "name", "account_name", "account_id"}),
        frozenset({"stage", "status", "is_won", "is_closed", "close_on", "expected_close_on"}),
    ),
    "accounts": (
        frozenset({"id", "name"}),
        frozenset(
            {
                "industry",
                "employees",
                "annual_revenue",
                "website",
                "country",
                "city",
                "parent_id",
                "parent_name",
                "type",
                "phone",
                "owner_id",
                "owner_name",
                "segment",
                "founded_year",
                "created",
            }
        ),
    ),
    "users": (
        frozenset({"id", "name", "email"}),
        frozenset(
            {
                "manager_id",
                "manager_name",
                "team",
                "region",
                "role",
                "title",
                "is_active",
                "hired_on",
                "email",
            }
        ),
    ),
    "contacts": (
        frozenset({"id", "name", "first_name", "last_name", "email"}),
        frozenset({"email", "phone", "title", "department", "lifecycle_stage", "account_id", "account_name"}),
    ),
    "leads": (
        frozenset({"id", "name", "email", "company", "last_name"}),
        frozenset({"status", "lead_source", "is_converted", "converted_on", "company", "created"}),
    ),
    "opportunity_lines": (frozenset({"opportunity_id"}), frozenset({"product_id", "product_name"})),
    "products": (frozenset({"id", "name", "code"}), frozenset({"family", "list_price", "code"})),
    "activities": (frozenset({"subject", "type"}), frozenset({"starts_at"})),
    "campaigns": (frozenset({"id", "name"}), frozenset({"cost", "starts_on", "type"})),
    "opportunity_contacts": (frozenset({"opportunity_id"}), frozenset({"contact_id"})),
    "record_shares": (
        frozenset({"principal_id"}),
        frozenset({"record_id", "opportunity_id", "account_id", "contact_id", "lead_id"}),
        frozenset({"access", "reason"}),
    ),
    "group_members": (frozenset({"group_id", "group_name"}), frozenset({"member_id"})),
    "opportunity_team": (
        frozenset({"opportunity_id"}),
        frozenset({"user_id", "user_name"}),
        frozenset({"share", "role"}),
    ),
    "orders": (frozenset({"id"}), frozenset({"ordered_on"})),
    "invoices": (frozenset({"id"}), frozenset({"issued_on", "due_on"})),
    "payments": (frozenset({"paid_on"}), frozenset({"amount"})),
    "contracts": (frozenset({"id"}), frozenset({"starts_on", "ends_on"})),
    "touches": (frozenset({"campaign_id"}), frozenset({"lead_id", "contact_id"})),
    "spend": (frozenset({"month_on"}), frozenset({"amount"}), frozenset({"function", "category"})),
    "exchange_rates": (frozenset({"rate"}), frozenset({"from_currency"}), frozenset({"to_currency"})),
}
"""One column of each set must be there before a table is taken for the object."""


@dataclass(frozen=True)
class _Match:
    header: str
    target: str
    confidence: float
    why: str


def propose(
    table: str,
    headers: Sequence[str],
    profiles: Mapping[str, ColumnProfile],
    *,
    data: pa.Table | None = None,
    as_of: date | None = None,
    as_of_text: str = "",
    modified_at: datetime | None = None,
) -> Proposal:
    """Propose a mapping for one table.

    Args:
        table: its name in the source (file, or file!sheet).
        headers: column labels in file order.
        profiles: profile of every header.
        data: rows as texts, for the uniqueness of keys; the more the better.
        as_of: report date found in the file.
        as_of_text: the words it was found in.
        modified_at: time stamp of the file.
    """
    dates = data_dates(table, profiles, as_of=as_of, as_of_text=as_of_text, modified_at=modified_at)
    system = system_of(headers)
    reason = ignored(table, headers, profiles)
    if reason:
        return Proposal(
            table,
            "ignored",
            None,
            0.0,
            system,
            extra_columns(headers, profiles),
            data_on=dates,
            ignored_reason=reason,
        )
    history = propose_history(table, headers, profiles)
    if history is not None:
        obj, form, why = history
        return Proposal(
            table,
            "history",
            obj,
            0.9,
            system,
            extra_columns(headers, profiles),
            history=form,
            data_on=dates,
            why=why,
        )
    chosen, confidence, matches, why = _choose_object(table, headers, profiles)
    if chosen is None:
        return Proposal(
            table,
            "ignored",
            None,
            0.0,
            system,
            extra_columns(headers, profiles),
            data_on=dates,
            ignored_reason=why,
        )
    return _build(table, headers, profiles, system, chosen, confidence, matches, why, data, dates)


def propose_for_object(
    table: str,
    headers: Sequence[str],
    profiles: Mapping[str, ColumnProfile],
    obj: str,
    *,
    data: pa.Table | None = None,
) -> Proposal:
    """The proposal where the user has said what the table is."""
    matches = _assign(obj, headers, profiles, fuzzy=True)
    return _build(
        table, headers, profiles, system_of(headers), obj, 1.0, matches, "chosen by the user", data, ()
    )


def _build(
    table: str,
    headers: Sequence[str],
    profiles: Mapping[str, ColumnProfile],
    system: str,
    obj: str,
    confidence: float,
    matches: list[_Match],
    why: str,
    data: pa.Table | None,
    dates: tuple[DateCandidate, ...],
) -> Proposal:
    by_header = {m.header: m for m in matches}
    stage_dates = stage_date_columns(headers, profiles) if obj == "opportunities" else ()
    taken: set[str] = set()
    columns = []
    joined: dict[str, tuple[str, ...]] = {}
    names = {m.target: m.header for m in matches if m.target in ("first_name", "last_name")}
    if names and not any(m.target == "name" for m in matches):
        joined["name"] = tuple(names[t] for t in ("first_name", "last_name") if t in names)
    for header in headers:
        match = by_header.get(header)
        if match and match.target in TABLES[obj].by_name:
            columns.append(_mapped(match, TABLES[obj].by_name[match.target].type, profiles[header], system))
        else:
            columns.append(extra_column(header, profiles[header], taken, system))
    key = propose_key(obj, columns, data)
    amounts = amount_candidates(headers, profiles, columns) if obj == "opportunities" else ()
    asked = questions(columns, profiles, amounts, key)
    if obj == "opportunities" and data is not None:
        dates = with_latest_close(dates, columns, data)
    return Proposal(
        table,
        "records",
        obj,
        round(confidence, 3),
        system,
        tuple(columns),
        key=key,
        amount_candidates=amounts,
        joined=joined,
        stage_dates=stage_dates,
        data_on=dates,
        why=why,
        questions=asked,
    )


def _choose_object(
    table: str, headers: Sequence[str], profiles: Mapping[str, ColumnProfile]
) -> tuple[str | None, float, list[_Match], str]:
    scored: list[tuple[float, str, list[_Match]]] = []
    for obj in ALIASES:
        matches = _assign(obj, headers, profiles, fuzzy=False)
        scored.append((_score(obj, table, headers, profiles, matches), obj, matches))
    scored.sort(key=lambda s: -s[0])
    if len(headers) <= 80:
        again = []
        for _, obj, _ in scored[:5]:
            matches = _assign(obj, headers, profiles, fuzzy=True)
            again.append((_score(obj, table, headers, profiles, matches), obj, matches))
        again.sort(key=lambda s: -s[0])
        scored = again + scored[5:]
    qualified = [s for s in scored if s[0] >= _LEAST_SCORE and _complete(s[1], s[2])]
    if not qualified:
        guess = scored[0][1].replace("_", " ")
        return (
            None,
            0.0,
            [],
            (
                f"The columns fit none of the known tables (nearest: {guess}). "
                "If it is one, say which and map its columns."
            ),
        )
    best, obj, matches = qualified[0]
    second = qualified[1][0] if len(qualified) > 1 else 0.0
    confidence = min(0.99, (best / (best + 0.5 * max(second, 0.0))) * min(1.0, 0.5 + best / 10))
    seen = ", ".join(sorted({m.target for m in matches if ALIASES[obj][_alias_key(m.target)][0] >= 1.0}))
    why = f"{len(matches)} columns of {obj.replace('_', ' ')} recognised"
    return obj, confidence, matches, why + (f": {seen}" if seen else "")


_DEAL_SIGNS = frozenset(
    {
        "amount",
        "close_on",
        "expected_close_on",
        "is_won",
        "is_closed",
        "probability",
        "status",
        "loss_reason",
        "next_step",
        "forecast_category",
    }
)


def _alias_key(target: str) -> str:
    return "created" if target in ("created_on", "created_at") else target


def _complete(obj: str, matches: list[_Match]) -> bool:
    sure = {_alias_key(m.target) for m in matches if m.confidence >= 0.6}
    fair = {_alias_key(m.target) for m in matches if m.confidence >= 0.5}
    needed = _REQUIRED.get(obj, ())
    if obj == "opportunities" and "stage" not in fair and len(fair & _DEAL_SIGNS) < 2:
        return False
    return all((fair if i == 0 else sure) & one for i, one in enumerate(needed))


def _score(
    obj: str, table: str, headers: Sequence[str], profiles: Mapping[str, ColumnProfile], matches: list[_Match]
) -> float:
    score = sum(ALIASES[obj][_alias_key(m.target)][0] * m.confidence for m in matches)
    file, _, sheet = table.lower().rpartition("!")
    name = (
        sheet
        if file and not re.fullmatch(r"(?:sheet|tabelle|feuil|hoja)\s*\d*", sheet)
        else f"{file} {sheet}"
    )
    name = name.rsplit("/", 1)[-1].replace("-", "_")
    hits = [
        (name.rfind(w), o)
        for o, words in NAME_WORDS.items()
        for w in words
        if w in name or w in name.replace("_", " ")
    ]
    if hits and any(o == obj for _, o in hits):
        # in "account_contacts" the last word says what the rows are
        score += 2.5 if max(hits)[1] == obj else 0.8
    own = next((h for h in headers if normal(h) == "id"), None)
    said = SALESFORCE_PREFIXES.get(profiles[own].salesforce_prefix) if own else None
    if said == _PRICES and obj == "products":
        said = obj
    if said and said != obj:
        # A child row names its parent's id too; what the row itself is, its own id says.
        score -= 6.0
    for m in matches:
        if m.target == "id":
            owner = SALESFORCE_PREFIXES.get(profiles[m.header].salesforce_prefix)
            if owner:
                score += 5.0 if owner == obj else -4.0
            elif normal(m.header).startswith(obj.rstrip("s")[:6]):
                score += 0.8
    own_words = sum(1 for h in headers if normal(h).split(" ")[0] in _OWN_WORDS.get(obj, ()))
    score += min(1.5, 0.5 * own_words)
    return score - 0.01 * (len(headers) - len(matches))


_PRICES = SALESFORCE_PREFIXES["01u"]

_OWN_WORDS = {
    "opportunities": ("opportunity", "deal"),
    "accounts": ("account", "company", "organization", "billing"),
    "contacts": ("contact", "person", "mailing"),
    "leads": ("lead", "converted"),
    "products": ("product",),
    "activities": ("activity", "task", "call", "meeting", "recurrence"),
    "orders": ("order",),
}


def _assign(
    obj: str, headers: Sequence[str], profiles: Mapping[str, ColumnProfile], *, fuzzy: bool
) -> list[_Match]:
    """The best one-to-one match of headers to an object's columns."""
    candidates = list(_candidates(obj, headers, profiles, fuzzy=fuzzy))
    candidates.sort(key=lambda m: -m.confidence)
    chosen: dict[str, _Match] = {}
    used: set[str] = set()
    for m in candidates:
        if m.confidence >= 0.35 and m.header not in chosen and m.target not in used:
            chosen[m.header] = m
            used.add(m.target)
            if m.target in ("created_on", "created_at"):
                used.update(("created_on", "created_at"))
    if fuzzy:
        for header, target, confidence, why in content_targets(obj, headers, profiles, set(chosen), used):
            chosen[header] = _Match(header, target, confidence, why)
            used.add(target)
    text = next((m for m in chosen.values() if m.target == "description"), None)
    if obj == "opportunities" and text and "name" not in used and 0 < profiles[text.header].max_length <= 150:
        chosen[text.header] = replace(
            text, target="name", confidence=0.6, why="the only text that names the deal"
        )
    return list(chosen.values())


def _candidates(
    obj: str, headers: Sequence[str], profiles: Mapping[str, ColumnProfile], *, fuzzy: bool
) -> Iterator[_Match]:
    """Every header with every target its name may mean, weighed by its content."""
    for header in headers:
        label, profile = normal(header), profiles[header]
        owner = SALESFORCE_PREFIXES.get(profile.salesforce_prefix)
        for target in _targets_to_try(obj, label, fuzzy=fuzzy):
            labels = ALIASES[obj][target][1]
            found = name_match(label, labels, fuzzy=fuzzy)
            real = _real_target(obj, target, profile) if found else None
            if found is None or real is None:
                continue
            if obj == "products" and real == "id" and owner == _PRICES:
                # A price book entry has an id of its own and says the price of the product it names.
                continue
            confidence, why = found
            type_ = TABLES[obj].by_name[real].type if real in TABLES[obj].by_name else "text"
            fit = fits(real, type_, profile)
            if fit < 0.6:
                why += "; the content fits badly"
            if real == "id" and profile.salesforce_prefix and label == "id":
                confidence, why = 0.99, "the record's own id"
            yield _Match(header, real, confidence * fit, why)


@cache
def _targets_by_word(obj: str) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for target, (_, labels) in ALIASES[obj].items():
        for word in {w for label in labels for w in label.split()}:
            found.setdefault(word, set()).add(target)
    return {word: frozenset(targets) for word, targets in found.items()}


def _targets_to_try(obj: str, label: str, *, fuzzy: bool) -> Sequence[str]:
    """Targets that share a word with a label; with ``fuzzy`` all, unless one of them is called so."""
    by_word = _targets_by_word(obj)
    near = frozenset[str]().union(*(by_word.get(w, frozenset()) for w in label.split()))
    if fuzzy and not any(label in ALIASES[obj][t][1] for t in near):
        return list(ALIASES[obj])
    return [t for t in ALIASES[obj] if t in near]


def _real_target(obj: str, target: str, profile: ColumnProfile) -> str | None:
    """``created`` becomes a day or an instant by content; a *_name column full of ids becomes *_id."""
    if target == "created":
        timed = profile.has_time and not profile.midnight_only
        return "created_at" if timed or profile.kind == "instant" else "created_on"
    if target.endswith("_name") and profile.salesforce_prefix:
        other = f"{target[:-5]}_id"
        return other if other in TABLES[obj].by_name else None
    return target


def _mapped(match: _Match, type_: str, profile: ColumnProfile, system: str) -> ColumnProposal:
    identifier = match.target.endswith(_IDENTIFIERS)
    points = False if match.target in NO_SHARES else None
    if (
        type_ == "rate"
        and match.target == "probability"
        and system in ("salesforce", "dynamics", "pipedrive", "zoho")
    ):
        points = not profile.percent and ((profile.number_max or 0) > 1 or profile.kind == "integer")
    fmt = format_for(
        profile, type_, identifier=identifier, zone=zone_of(type_, profile, system), percent_points=points
    )
    return ColumnProposal(match.header, match.target, "", type_, round(match.confidence, 3), match.why, fmt)
