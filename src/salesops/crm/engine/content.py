"""What a column's content says about its meaning, where its name says little or something else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from salesops.crm.engine.formats import ColumnProfile
from salesops.crm.engine.ids import SALESFORCE_PREFIXES
from salesops.crm.engine.stages import stage_share

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
        if kind in ("date", "instant"):
            return 1.0
        if profile.date_form == "compact":
            return 0.95
        high, low = profile.number_max or 0, profile.number_min or 0
        if kind in ("integer", "number") and ((low >= 10_000 and high <= 80_000) or low >= 10**8):
            return 0.9
        return 0.25
    if type_ in ("money", "rate", "integer"):
        return {
            "integer": 1.0,
            "number": 1.0 if type_ != "integer" or not profile.long_decimals else 0.8,
            "boolean": 0.5,
        }.get(kind, 0.2)
    if type_ == "boolean":
        return 1.0 if profile.boolean_like else 0.15
    if target == "id":
        if profile.spoilt_ids:
            return 0.95
        if kind in ("date", "instant") or spaced_share(profile) > 0.3:
            return 0.4
        repeated = not profile.unique and profile.distinct < 0.8 * min(profile.filled, 5_000)
        return 0.45 if repeated else 1.0
    if target.endswith("_id"):
        return 0.4 if kind in ("date", "instant") or spaced_share(profile) > 0.5 else 1.0
    if target == "name":
        if kind in ("date", "instant"):
            return 0.2
        if (
            id_share(profile) > 0.9
            and spaced_share(profile) == 0
            and profile.unique
            and profile.max_length >= 15
        ):
            return 0.55
        return 0.8 if kind in ("integer", "number") else 1.0
    if kind in ("date", "instant"):
        return 0.3
    if kind in ("integer", "number") and target in (
        "stage",
        "industry",
        "owner_name",
        "country",
        "manager_name",
    ):
        return 0.75
    return 1.0


def content_targets(
    obj: str, headers: Sequence[str], profiles: Mapping[str, ColumnProfile], mapped: set[str], used: set[str]
) -> Iterator[tuple[str, str, float, str]]:
    """(header, target, confidence, why) for columns whose content alone gives them away.

    Only what an opportunity table cannot do without is guessed: id, stage, dates, amount, owner, account.
    """
    free = [h for h in headers if h not in mapped and profiles[h].kind != "empty" and not h.startswith("_")]
    taken = set(used)

    def take(header: str, target: str, confidence: float, why: str) -> tuple[str, str, float, str]:
        free.remove(header)
        taken.add(target)
        return header, target, confidence, why

    for header in list(free):
        owner = SALESFORCE_PREFIXES.get(profiles[header].salesforce_prefix, "")
        target = "id" if owner == obj and profiles[header].unique else _REFERENCE.get(owner, "")
        if target and target not in taken and (target == "id" or _has(obj, target)):
            yield take(header, target, 0.85, f"its values are Salesforce ids of {owner}")
    if obj != "opportunities":
        return
    if "stage" not in taken:
        for header in sorted(free, key=lambda h: -stage_share(profiles[h])):
            p = profiles[header]
            if p.kind == "text" and p.distinct <= 40 and stage_share(p) >= 0.5:
                yield take(header, "stage", 0.6, "its values read like sales stages")
                break
    if "id" not in taken:
        for header in free:
            p = profiles[header]
            if (
                p.kind in ("text", "integer")
                and p.unique
                and p.missing == 0
                and id_share(p) > 0.9
                and p.rows > 3
            ):
                yield take(header, "id", 0.55, "its values look like ids and each occurs once")
                break
    dates = [h for h in free if profiles[h].kind in ("date", "instant") and profiles[h].last_day is not None]
    renamed = False  # only where no name says which date is which is the other one guessed too
    dates.sort(key=lambda h: profiles[h].last_day)  # type: ignore[arg-type,return-value]
    if (
        dates
        and not {"close_on", "expected_close_on"} & taken
        and (len(dates) >= 2 or {"created_on", "created_at"} & taken)
    ):
        yield take(dates.pop(), "close_on", 0.45, "the latest of the date columns")
        renamed = True
    if renamed and dates and not {"created_on", "created_at", "first_interaction_on"} & taken:
        header = min(dates, key=lambda h: profiles[h].first_day)  # type: ignore[arg-type,return-value]
        timed = profiles[header].kind == "instant"
        yield take(header, "created_at" if timed else "created_on", 0.45, "the earliest of the date columns")
    if "amount" not in taken:
        money = [
            h
            for h in free
            if profiles[h].kind in ("integer", "number")
            and not profiles[h].percent
            and not profiles[h].boolean_like
            and (profiles[h].number_max or 0) > 100
            and not re.search(r"(?i)(?:id|year|number|zip|phone|code|count|days|fiscal)\b", h)
        ]
        money.sort(key=lambda h: (-len(profiles[h].currencies), -(profiles[h].number_max or 0)))
        if money:
            yield take(money[0], "amount", 0.5, "the column with the largest figures")
    if not {"owner_name", "owner_id"} & taken:
        people = [
            h
            for h in free
            if profiles[h].person_share > 0.9
            and spaced_share(profiles[h]) > 0.8
            and profiles[h].distinct < 0.3 * max(profiles[h].filled, 1)
        ]
        if people:
            best = min(people, key=lambda h: profiles[h].missing)
            yield take(best, "owner_name", 0.5, "its values read like names of a few people")


def _has(obj: str, target: str) -> bool:
    from salesops.facts.tables import TABLES

    return target in TABLES[obj].by_name


_REFERENCE = {
    "accounts": "account_id",
    "users": "owner_id",
    "contacts": "contact_id",
    "opportunities": "opportunity_id",
    "products": "product_id",
    "campaigns": "campaign_id",
}
