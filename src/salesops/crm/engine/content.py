"""What a column's content says about its meaning, where its name says little or something else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from salesops.crm.engine.formats import ColumnProfile
from salesops.crm.engine.ids import SALESFORCE_PREFIXES
from salesops.crm.engine.stages import stage_share
from salesops.facts.tables import TABLES

_ID_LIKE = re.compile(
    r"^(?=.*\d)[A-Za-z0-9_-]{4,40}$|^[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}$|^[A-Za-z0-9+/]{16,}={0,2}$"
)


def id_share(profile: ColumnProfile) -> float:
    """Share of the example values that look like ids."""
    values = [v for v, _ in profile.examples]
    return sum(1 for v in values if _ID_LIKE.match(v)) / len(values) if values else 0.0


def spaced_share(profile: ColumnProfile) -> float:
    """Share of the example values with a space inside."""
    values = [v for v, _ in profile.examples]
    return sum(1 for v in values if " " in v) / len(values) if values else 0.0


def fits(target: str, type_: str, profile: ColumnProfile) -> float:
    """How well a column's content fits a target, 0 to 1; an empty column fits anything."""
    kind = profile.kind
    if kind == "empty":
        return 0.97
    if type_ in ("date", "instant"):
        return _fits_date(profile)
    if type_ in ("money", "rate", "integer"):
        number = 0.8 if type_ == "integer" and profile.long_decimals else 1.0
        return {"integer": 1.0, "number": number, "boolean": 0.5}.get(kind, 0.2)
    if type_ == "boolean":
        return 1.0 if profile.boolean_like else 0.15
    if target == "id" or target.endswith("_id"):
        return _fits_id(target, profile)
    return _fits_text(target, profile)


def _fits_date(profile: ColumnProfile) -> float:
    if profile.kind in ("date", "instant"):
        return 1.0
    if profile.date_form == "compact":
        return 0.95
    high, low = profile.number_max or 0, profile.number_min or 0
    counted = (low >= 10_000 and high <= 80_000) or low >= 10**8
    return 0.9 if profile.kind in ("integer", "number") and counted else 0.25


def _fits_id(target: str, profile: ColumnProfile) -> float:
    dated = profile.kind in ("date", "instant")
    if target != "id":
        return 0.4 if dated or spaced_share(profile) > 0.5 else 1.0
    if profile.spoilt_ids:
        return 0.95
    if dated or spaced_share(profile) > 0.3:
        return 0.4
    repeated = not profile.unique and profile.distinct < 0.8 * min(profile.filled, 5_000)
    return 0.45 if repeated else 1.0


def _fits_text(target: str, profile: ColumnProfile) -> float:
    dated, counted = profile.kind in ("date", "instant"), profile.kind in ("integer", "number")
    if target == "name":
        if dated:
            return 0.2
        if (
            id_share(profile) > 0.9
            and spaced_share(profile) == 0
            and profile.unique
            and profile.max_length >= 15
        ):
            return 0.55
        return 0.8 if counted else 1.0
    if dated:
        return 0.3
    if counted and target in ("stage", "industry", "owner_name", "country", "manager_name"):
        return 0.75
    return 1.0


Guess = tuple[str, str, float, str]


def content_targets(
    obj: str,
    headers: Sequence[str],
    profiles: Mapping[str, ColumnProfile],
    mapped: set[str],
    used: set[str],
) -> Iterator[Guess]:
    """(header, target, confidence, why) for columns whose content alone gives them away.

    Only what an opportunity table cannot do without is guessed: id, stage, dates, amount, owner.
    """
    free = [h for h in headers if h not in mapped and profiles[h].kind != "empty" and not h.startswith("_")]
    taken = set(used)
    finders = [_reference_ids]
    if obj == "opportunities":
        finders += [_stage, _id, _dates, _amount, _owner]
    for find in finders:
        for guess in list(find(obj, free, profiles, taken)):
            free.remove(guess[0])
            taken.add(guess[1])
            yield guess


Profiles = Mapping[str, ColumnProfile]


def _reference_ids(obj: str, free: list[str], profiles: Profiles, taken: set[str]) -> Iterator[Guess]:
    given: set[str] = set()
    for header in free:
        owner = SALESFORCE_PREFIXES.get(profiles[header].salesforce_prefix, "")
        target = "id" if owner == obj and profiles[header].unique else _REFERENCE.get(owner, "")
        if target and target not in taken | given and target in TABLES[obj].by_name:
            given.add(target)
            yield header, target, 0.85, f"its values are Salesforce ids of {owner}"


def _stage(obj: str, free: list[str], profiles: Profiles, taken: set[str]) -> Iterator[Guess]:
    if "stage" in taken:
        return
    for header in sorted(free, key=lambda h: -stage_share(profiles[h])):
        p = profiles[header]
        if p.kind == "text" and p.distinct <= 40 and stage_share(p) >= 0.5:
            yield header, "stage", 0.6, "its values read like sales stages"
            return


def _id(obj: str, free: list[str], profiles: Profiles, taken: set[str]) -> Iterator[Guess]:
    if "id" in taken:
        return
    for header in free:
        p = profiles[header]
        once = p.unique and p.missing == 0 and p.rows > 3
        if once and p.kind in ("text", "integer") and id_share(p) > 0.9:
            yield header, "id", 0.55, "its values look like ids and each occurs once"
            return


def _dates(obj: str, free: list[str], profiles: Profiles, taken: set[str]) -> Iterator[Guess]:
    """Close and creation date by their order, only where no name says which date is which."""
    spans = {h: (profiles[h].first_day, profiles[h].last_day) for h in free}
    dates = {h: (a, b) for h, (a, b) in spans.items() if a and b and profiles[h].kind in ("date", "instant")}
    created = {"created_on", "created_at"} & taken
    if not dates or {"close_on", "expected_close_on"} & taken or not (len(dates) >= 2 or created):
        return
    close = max(dates, key=lambda h: dates[h][1])
    yield close, "close_on", 0.45, "the latest of the date columns"
    dates.pop(close)
    if dates and not created and "first_interaction_on" not in taken:
        header = min(dates, key=lambda h: dates[h][0])
        timed = profiles[header].kind == "instant"
        yield header, "created_at" if timed else "created_on", 0.45, "the earliest of the date columns"


def _amount(obj: str, free: list[str], profiles: Profiles, taken: set[str]) -> Iterator[Guess]:
    if "amount" in taken:
        return
    money = [
        h
        for h in free
        if profiles[h].kind in ("integer", "number")
        and not profiles[h].percent
        and not profiles[h].boolean_like
        and (profiles[h].number_max or 0) > 100
        and not _NO_AMOUNT.search(h)
    ]
    if money:
        best = max(money, key=lambda h: (len(profiles[h].currencies), profiles[h].number_max or 0))
        yield best, "amount", 0.5, "the column with the largest figures"


def _owner(obj: str, free: list[str], profiles: Profiles, taken: set[str]) -> Iterator[Guess]:
    if {"owner_name", "owner_id"} & taken:
        return
    people = [
        h
        for h in free
        if profiles[h].person_share > 0.9
        and spaced_share(profiles[h]) > 0.8
        and profiles[h].distinct < 0.3 * max(profiles[h].filled, 1)
    ]
    if people:
        best = min(people, key=lambda h: profiles[h].missing)
        yield best, "owner_name", 0.5, "its values read like names of a few people"


_NO_AMOUNT = re.compile(r"(?i)(?:id|year|number|zip|phone|code|count|days|fiscal)\b")
_REFERENCE = {
    "accounts": "account_id",
    "users": "owner_id",
    "contacts": "contact_id",
    "opportunities": "opportunity_id",
    "products": "product_id",
    "campaigns": "campaign_id",
}
