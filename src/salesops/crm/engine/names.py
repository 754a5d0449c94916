"""How well a column's label names a target: known names, phrases inside it, likeness."""

from __future__ import annotations

from difflib import SequenceMatcher
from functools import lru_cache


@lru_cache(maxsize=200_000)
def name_match(label: str, labels: tuple[str, ...], *, fuzzy: bool) -> tuple[float, str] | None:
    """(confidence, why) where a normal label names a target with these known labels."""
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
    matcher = SequenceMatcher(None)
    matcher.set_seq2(label.replace(" ", ""))
    for alias in labels:
        if abs(len(alias) - len(label)) > 5 or len(alias) < 4:
            continue
        matcher.set_seq1(alias.replace(" ", ""))
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
