"""Propose what a table is and where its columns go, by name, alias and content."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from difflib import SequenceMatcher
from functools import lru_cache

import pyarrow as pa

from salesops.crm.engine.aliases import ALIASES, AMOUNT_CORE, AMOUNT_WORDS, NAME_WORDS, normal
from salesops.crm.engine.content import content_targets, fits
from salesops.crm.engine.data_dates import data_dates, with_latest_close
from salesops.crm.engine.formats import ColumnFormat, ColumnProfile, format_for
from salesops.crm.engine.history import propose_history
from salesops.crm.engine.ids import SALESFORCE_PREFIXES
from salesops.crm.engine.keys import propose_key
from salesops.crm.engine.proposals import (
    AmountCandidate,
    ColumnProposal,
    DateCandidate,
    KeyProposal,
    Proposal,
    StageDate,
)
from salesops.crm.engine.systems import ignored, system_of
from salesops.facts.tables import EXTRA_PREFIX, TABLES

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
            _all_extra(headers, profiles),
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
            _all_extra(headers, profiles),
            history=form,
            data_on=dates,
            why=why,
        )
    obj, confidence, matches, why = _choose_object(table, headers, profiles)
    if obj is None:
        return Proposal(
            table,
            "ignored",
            None,
            0.0,
            system,
            _all_extra(headers, profiles),
            data_on=dates,
            ignored_reason=why,
        )
    return _build(table, headers, profiles, system, obj, confidence, matches, why, data, dates)


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
    stage_dates = _stage_dates(headers, profiles) if obj == "opportunities" else ()
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
            columns.append(_extra(header, profiles[header], taken, system))
    key = propose_key(obj, columns, data)
    amounts = _amounts(headers, profiles, columns) if obj == "opportunities" else ()
    questions = _questions(columns, profiles, amounts, key)
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
        questions=questions,
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
                f"The columns fit none of the known tables (nearest: {guess}). If it is one, say which and map its columns."
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
    own = sum(1 for h in headers if normal(h).split(" ")[0] in _OWN_WORDS.get(obj, ()))
    score += min(1.5, 0.5 * own)
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
    candidates: list[_Match] = []
    for header in headers:
        label = normal(header)
        for target, (_, labels) in ALIASES[obj].items():
            found = _name_match(label, labels, fuzzy=fuzzy)
            if not found:
                continue
            confidence, why = found
            real = _real_target(obj, target, profiles[header])
            if real is None:
                continue
            type_ = TABLES[obj].by_name[real].type if real in TABLES[obj].by_name else "text"
            fit = fits(real, type_, profiles[header])
            if fit < 1:
                why += "; the content fits badly" if fit < 0.6 else ""
            if real == "id" and (profiles[header].salesforce_prefix and label == "id"):
                confidence, why = 0.99, "the record's own id"
            if (
                obj == "products"
                and real == "id"
                and SALESFORCE_PREFIXES.get(profiles[header].salesforce_prefix) == _PRICES
            ):
                # A price book entry has an id of its own and says the price of the product it names.
                continue
            candidates.append(_Match(header, real, confidence * fit, why))
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


def _real_target(obj: str, target: str, profile: ColumnProfile) -> str | None:
    """``created`` becomes a day or an instant by content; a *_name column full of ids becomes *_id."""
    if target == "created":
        timed = profile.has_time and not profile.midnight_only
        return "created_at" if timed or profile.kind == "instant" else "created_on"
    if target.endswith("_name") and profile.salesforce_prefix:
        other = f"{target[:-5]}_id"
        return other if other in TABLES[obj].by_name else None
    return target


@lru_cache(maxsize=200_000)
def _name_match(label: str, labels: tuple[str, ...], *, fuzzy: bool) -> tuple[float, str] | None:
    if label in labels:
        return max(0.8, 0.98 - 0.004 * labels.index(label)), f"'{label}' is a known name of it"
    words = set(label.split())
    if words & {"id", "key"} and not any(a.endswith((" id", " key")) or a == "id" for a in labels):
        return None
    best: tuple[float, str] | None = None
    for alias in labels:
        parts = alias.split()
        if len(parts) >= 2 and f" {alias} " in f" {label} " and len(words) <= len(parts) + 2:
            found = 0.72 - 0.04 * (len(words) - len(parts))
        elif (
            len(parts) == 1
            and alias in words
            and len(alias) > 3
            and len(words) <= 3
            and alias not in _WEAK_WORDS
        ):
            found = 0.6 - 0.05 * len(words) + (0.03 if label.endswith(alias) else 0)
        else:
            continue
        if best is None or found > best[0]:
            best = (found, f"the name holds '{alias}'")
    if best or not fuzzy or len(label) < 4:
        return best
    for alias in labels:
        if abs(len(alias) - len(label)) > 5 or len(alias) < 4:
            continue
        matcher = SequenceMatcher(None, label.replace(" ", ""), alias.replace(" ", ""))
        if matcher.real_quick_ratio() < 0.84 or matcher.quick_ratio() < 0.84:
            continue
        ratio = matcher.ratio()
        if ratio >= 0.84 and (best is None or ratio * 0.75 > best[0]):
            best = (ratio * 0.75, f"the name is like '{alias}'")
    return best


_WEAK_WORDS = frozenset(
    [
        "name",
        "type",
        "title",
        "status",
        "date",
        "code",
        "group",
        "rate",
        "time",
        "description",
        "source",
        "company",
        "contact",
        "location",
        "phone",
        "closed",
        "account",
        "email",
        "price",
        "percent",
        "category",
        "country",
        "value",
        "record",
        "office",
        "owner",
        "opportunity",
        "deal",
        "lead",
        "organization",
        "person",
        "customer",
        "product",
        "subject",
        "credit",
        "active",
        "state",
        "city",
        "role",
        "user",
        "function",
        "quantity",
        "number",
        "total",
        "client",
        "start",
        "id",
        "campaign",
        "order",
        "forecast",
        "industry",
        "channel",
        "notes",
        "region",
    ]
)
"""Words too common to speak alone for a column inside a longer label."""


def _mapped(match: _Match, type_: str, profile: ColumnProfile, system: str) -> ColumnProposal:
    identifier = match.target.endswith(_IDENTIFIERS)
    points = None
    if (
        type_ == "rate"
        and match.target == "probability"
        and system in ("salesforce", "dynamics", "pipedrive", "zoho")
    ):
        points = not profile.percent and ((profile.number_max or 0) > 1 or profile.kind == "integer")
    fmt = format_for(
        profile, type_, identifier=identifier, zone=_zone(type_, profile, system), percent_points=points
    )
    return ColumnProposal(match.header, match.target, "", type_, round(match.confidence, 3), match.why, fmt)


def _zone(type_: str, profile: ColumnProfile, system: str) -> str:
    """Naive instants of machine exports (ISO order, with a clock) are UTC; of reports, the user's own zone."""
    if type_ == "instant" and system in ("salesforce", "hubspot") and profile.date_order == "YMD":
        return "UTC"
    return ""


def _all_extra(headers: Sequence[str], profiles: Mapping[str, ColumnProfile]) -> tuple[ColumnProposal, ...]:
    taken: set[str] = set()
    return tuple(_extra(h, profiles[h], taken, "") for h in headers)


def _extra(header: str, profile: ColumnProfile, taken: set[str], system: str) -> ColumnProposal:
    name = extra_name(header, taken)
    type_ = extra_type(profile, header)
    fmt = format_for(profile, type_, zone=_zone(type_, profile, system))
    return ColumnProposal(header, None, name, type_, 1.0, "kept as the file's own column", fmt)


def extra_type(profile: ColumnProfile, header: str = "") -> str:
    """The type an unmapped column is kept as: the narrowest that every filled cell has, else text."""
    if profile.kind == "empty" or profile.purity < 1.0 or profile.date_mixed:
        return "text"
    if profile.salesforce_prefix or profile.leading_zeros or profile.spoilt_ids:
        return "text"
    if profile.kind == "boolean":
        return "boolean"
    if profile.kind == "integer":
        if profile.boolean_like and re.match(r"(?i)(?:is|has|do|can|did|was)[_ A-Z]", header):
            return "boolean"
        widest = max((w for w, _ in profile.digit_widths), default=0)
        last = normal(header).split(" ")[-1:]
        return "text" if widest > 15 or (last and last[0] in _CODE_WORDS) else "integer"
    if profile.kind == "number":
        return (
            "rate"
            if profile.percent or (profile.long_decimals and (profile.number_max or 0) < 10**6)
            else "money"
        )
    return "instant" if profile.kind == "instant" else "date" if profile.kind == "date" else "text"


_CODE_WORDS = frozenset({"id", "ids", "number", "code", "key", "zip", "postal", "phone", "fax", "plz"})


def extra_name(header: str, taken: set[str]) -> str:
    """The ``x_`` name a header is kept under; one not yet taken, and noted as taken."""
    text = unicodedata.normalize("NFKD", re.sub(r"__c$", "", header))
    text = "".join(c for c in text if not unicodedata.combining(c))
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text).lower().replace("ß", "ss")
    slug = re.sub(r"[^a-z0-9]+", "_", text).strip("_")[:50] or f"column_{len(taken) + 1}"
    name, n = f"{EXTRA_PREFIX}{slug}", 2
    while name in taken:
        name = f"{EXTRA_PREFIX}{slug}_{n}"
        n += 1
    taken.add(name)
    return name


_STAGE_DATE = (
    re.compile(r'^date entered\s+["“\']?(?P<stage>.+?)["”\']?(?:\s*\((?P<pipeline>.+)\))?$', re.IGNORECASE),
    re.compile(r"^(?:properties\.|property_)?hs_(?:v2_)?date_entered_(?P<id>.+)$", re.IGNORECASE),
)


def _stage_dates(headers: Sequence[str], profiles: Mapping[str, ColumnProfile]) -> tuple[StageDate, ...]:
    found = []
    for header in headers:
        for pattern in _STAGE_DATE:
            match = pattern.match(header.strip())
            if match and profiles[header].kind in ("date", "instant", "empty", "integer"):
                groups = match.groupdict()
                found.append(StageDate(header, groups.get("stage") or groups["id"], "id" in groups))
                break
    return tuple(found)


def _amounts(
    headers: Sequence[str], profiles: Mapping[str, ColumnProfile], columns: Sequence[ColumnProposal]
) -> tuple[AmountCandidate, ...]:
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


def _questions(
    columns: Sequence[ColumnProposal],
    profiles: Mapping[str, ColumnProfile],
    amounts: tuple[AmountCandidate, ...],
    key: KeyProposal | None,
) -> tuple[str, ...]:
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


def with_format(column: ColumnProposal, fmt: ColumnFormat) -> ColumnProposal:
    """The column read in another way."""
    return replace(column, format=fmt)
