"""Random rules as text and, beside each, a Python function that answers it: nothing is shared with the language."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from hypothesis import strategies as st

from salesops.rules.tests.world import TODAY, Row

Answer = bool | None
Asks = tuple[str, Callable[[Row], Any]]

WORDS = [
    "Won",
    "Lost",
    "O'Brien",
    "50% off",
    "a_b",
    "",
    "North",
    "north",
    "x; drop",
    "\\",
    "Größe",
    '"',
    *["İzmir", "ΟΔΟΣ", "οδοσ", "Σ", "GRÖẞE", "i"],
]
LIMIT, PRODUCT_LIMIT = Decimal(10) ** 13, Decimal(10) ** 18

_days = st.integers(-500, 200).map(lambda n: TODAY + timedelta(days=n))
_cents = st.integers(-10_000_000, 100_000_000).map(lambda c: Decimal(c) / 10_000)
_huge = st.sampled_from([Decimal("99999999999999.5"), Decimal(10) ** 13, Decimal(10) ** 13 - 1])
row = st.fixed_dictionaries(
    {
        "stage": st.none() | st.sampled_from(WORDS),
        "region": st.none() | st.sampled_from(WORDS),
        "amount": st.none() | _cents | _huge,
        "score": st.none() | st.integers(-3_000_000, 3_000_000).map(lambda c: Decimal(c) / 1_000_000),
        "seats": st.none() | st.integers(-5, 5) | st.just(9 * 10**18),
        "created_on": st.none() | _days,
        "closed_on": st.none() | _days,
        "pitched": st.none() | st.booleans(),
    }
)
rows = st.lists(row, min_size=1, max_size=25)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _number(value: Decimal) -> str:
    return f"{value:f}"


# --- numbers -------------------------------------------------------------------------------------------


def _known(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *values: None if any(v is None for v in values) else f(*values)


def _factor(value: Decimal) -> Decimal | None:
    if abs(value) >= LIMIT:
        return None
    return value.quantize(Decimal("0.000001"), ROUND_HALF_UP)


@_known
def _times(a: Decimal, b: Decimal) -> Decimal | None:
    one, two = _factor(Decimal(a)), _factor(Decimal(b))
    if one is None or two is None or abs(one * two) >= PRODUCT_LIMIT:
        return None
    return one * two


_constants = st.integers(-5_000, 5_000).map(lambda c: Decimal(c) / 4)
_constant: st.SearchStrategy[Asks] = _constants.map(lambda c: (_number(c), lambda r: c))


def _get(name: str) -> Callable[[Row], Any]:
    return lambda r: r[name]


_MONEY: st.SearchStrategy[Asks] = st.sampled_from(["amount", '"Amount"', '"deal size"', "AMOUNT"]).map(
    lambda written: (written, _get("amount"))
)
_PLAIN: st.SearchStrategy[Asks] = st.sampled_from(["score", "seats", "length(stage)"]).map(
    lambda written: (written, _get(written) if "(" not in written else lambda r: _known(len)(r["stage"]))
)


@st.composite
def number(draw: st.DrawFn, depth: int = 2) -> Asks:
    """A number that names a field."""
    if depth == 0 or draw(st.integers(0, 2)) == 0:
        return draw(st.one_of(_MONEY, _PLAIN))
    kind = draw(st.sampled_from(["+", "-", "*", "minus", "abs", "coalesce"]))
    text, f = draw(number(depth - 1))
    if kind == "minus":
        return f"-({text})", lambda r: _known(lambda v: -v)(f(r))
    if kind == "abs":
        return f"abs({text})", lambda r: _known(abs)(f(r))
    if kind == "coalesce":
        other = draw(_constants)
        return f"coalesce({text}, {_number(other)})", lambda r: other if f(r) is None else f(r)
    right, g = draw(_PLAIN | _constant if kind == "*" else number(depth - 1) | _constant)
    if kind == "*":
        return f"({text}) * ({right})", lambda r: _times(f(r), g(r))
    sign = 1 if kind == "+" else -1
    return f"({text}) {kind} ({right})", lambda r: _known(lambda a, b: Decimal(a) + sign * Decimal(b))(
        f(r), g(r)
    )


# --- dates ---------------------------------------------------------------------------------------------


def _month_back(count: int) -> date:
    """``today`` moved back by months, ending on the last day of a shorter one."""
    year, month = divmod(TODAY.year * 12 + TODAY.month - 1 - count, 12)
    for last in (TODAY.day, 30, 29, 28):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    raise AssertionError


@st.composite
def day(draw: st.DrawFn) -> Asks:
    """A date."""
    kind = draw(st.sampled_from(["field", "moved", "fixed", "today", "months"]))
    name = draw(st.sampled_from(["created_on", "closed_on"]))
    n = draw(st.integers(1, 60))
    if kind == "field":
        return draw(
            st.sampled_from([name, f'"{"Created" if name == "created_on" else "close DATE"}"'])
        ), _get(name)
    if kind == "moved":
        sign = draw(st.sampled_from([1, -1]))
        step, unit = draw(st.sampled_from([(1, "days"), (7, "weeks")]))
        written = f"{name} {'+' if sign > 0 else '-'} '{n} {unit}'"
        return f"({written})", lambda r: _known(lambda d: d + timedelta(days=sign * n * step))(r[name])
    if kind == "fixed":
        at = draw(_days)
        return f"date '{at}'", lambda r: at
    if kind == "months":
        return f"(today - interval '{n}' month)", lambda r: _month_back(n)
    return f"(today - '{n} days')", lambda r: TODAY - timedelta(days=n)


_PERIODS = {
    "this quarter": (date(2026, 1, 1), date(2026, 3, 31)),
    "last quarter": (date(2025, 10, 1), date(2025, 12, 31)),
    "THIS  month": (date(2026, 2, 1), date(2026, 2, 28)),
    "last year": (date(2025, 1, 1), date(2025, 12, 31)),
    "2025-H2": (date(2025, 7, 1), date(2025, 12, 31)),
    "2026-01": (date(2026, 1, 1), date(2026, 1, 31)),
}

# --- conditions ----------------------------------------------------------------------------------------

_OPS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def both(a: Answer, b: Answer) -> Answer:
    """AND of three values."""
    if a is False or b is False:
        return False
    return None if a is None or b is None else True


def either(a: Answer, b: Answer) -> Answer:
    """OR of three values."""
    if a is True or b is True:
        return True
    return None if a is None or b is None else False


def no(a: Answer) -> Answer:
    """NOT of three values."""
    return None if a is None else not a


@st.composite
def _compare_numbers(draw: st.DrawFn) -> Asks:
    op = draw(st.sampled_from(sorted(_OPS)))
    left, f = draw(number())
    right, g = draw(number() | _constant)
    if draw(st.booleans()):
        return f"{left} {op} {right}", lambda r: _known(_OPS[op])(f(r), g(r))
    return f"{right} {op} {left}", lambda r: _known(_OPS[op])(g(r), f(r))


@st.composite
def _compare_days(draw: st.DrawFn) -> Asks:
    op = draw(st.sampled_from(sorted(_OPS)))
    name = draw(st.sampled_from(["created_on", "closed_on"]))
    if draw(st.booleans()):
        right, g = draw(day())
        return f"{name} {op} {right}", lambda r: _known(_OPS[op])(r[name], g(r))
    label = draw(st.sampled_from(sorted(_PERIODS)))
    first, last = _PERIODS[label]
    test = {
        "=": lambda d: first <= d <= last,
        "<>": lambda d: not first <= d <= last,
        "!=": lambda d: not first <= d <= last,
        "<": lambda d: d < first,
        "<=": lambda d: d <= last,
        ">": lambda d: d > last,
        ">=": lambda d: d >= first,
    }[op]
    return f"{name} {op} '{label}'", lambda r: _known(test)(r[name])


@st.composite
def _between(draw: st.DrawFn) -> Asks:
    no_word = draw(st.sampled_from(["", "not "]))
    if draw(st.booleans()):
        text, f = draw(number(1))
        low, high = draw(_constants), draw(_constants)
        words = f"{text} {no_word}between {_number(low)} and {_number(high)}"
        found = lambda r: _known(lambda v: low <= v <= high)(f(r))  # noqa: E731
    else:
        words = f"closed_on {no_word}between 'last quarter' and 'this quarter'"
        found = lambda r: _known(lambda d: date(2025, 10, 1) <= d <= date(2026, 3, 31))(r["closed_on"])  # noqa: E731
    return words, (lambda r: no(found(r))) if no_word else found


@st.composite
def _one_of(draw: st.DrawFn) -> Asks:
    words = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=4))
    numbers = draw(st.lists(_constants, min_size=1, max_size=4))
    no_word = draw(st.sampled_from(["", "not "]))
    if draw(st.booleans()):
        text = f"stage {no_word}in ({', '.join(map(_text, words))})"
        found = lambda r: _known(lambda v: v in words)(r["stage"])  # noqa: E731
    else:
        written, f = draw(number(1))
        text = f"{written} {no_word}in ({', '.join(map(_number, numbers))})"
        found = lambda r: _known(lambda v: v in numbers)(f(r))  # noqa: E731
    return text, (lambda r: no(found(r))) if no_word else found


def _small(text: str) -> str:
    """In small letters, one letter for one and whatever stands beside it, as databases do it."""
    return "".join(letter.lower()[0] for letter in text)


def _plain(c: str) -> str:
    return "".join("!" + x if x in "!%_" else x for x in c)


@st.composite
def _texts(draw: st.DrawFn) -> Asks:
    word = draw(st.sampled_from(WORDS))
    kind = draw(
        st.sampled_from(
            [
                "=",
                "<>",
                "like",
                "not like",
                "ilike",
                "contains",
                "starts_with",
                "ends_with",
                "lower",
                "fields",
                "coalesce",
                "trim",
            ]
        )
    )
    if kind in ("=", "<>"):
        return f"region {kind} {_text(word)}", lambda r: _known(_OPS[kind])(r["region"], word)
    if kind in ("like", "not like", "ilike"):
        before, after = draw(st.sampled_from(["", "%"])), draw(st.sampled_from(["", "%"]))
        text = f"region {kind} {_text(before + _plain(word) + after)} escape '!'"

        def shaped(value: str) -> bool:
            v, w = (_small(value), _small(word)) if kind == "ilike" else (value, word)
            if before and after:
                return w in v
            return v.endswith(w) if before else v.startswith(w) if after else v == w

        found = lambda r: _known(shaped)(r["region"])  # noqa: E731
        return text, (lambda r: no(found(r))) if kind == "not like" else found
    if kind in ("contains", "starts_with", "ends_with"):
        test = {
            "contains": lambda v: _small(word) in _small(v),
            "starts_with": lambda v: _small(v).startswith(_small(word)),
            "ends_with": lambda v: _small(v).endswith(_small(word)),
        }[kind]
        return f"{kind}(stage, {_text(word)})", lambda r: _known(test)(r["stage"])
    if kind == "lower":
        return f"lower(stage) = {_text(_small(word))}", lambda r: _known(lambda v: _small(v) == _small(word))(
            r["stage"]
        )
    if kind == "trim":
        return f"upper(trim(stage)) = {_text('NORTH')}", lambda r: _known(
            lambda v: v.strip().upper() == "NORTH"
        )(r["stage"])
    if kind == "coalesce":
        return (
            f"coalesce(stage, region, '?') <> {_text(word)}",
            lambda r: next((v for v in (r["stage"], r["region"]) if v is not None), "?") != word,
        )
    return "stage = territory", lambda r: _known(lambda a, b: a == b)(r["stage"], r["region"])


@st.composite
def _certain(draw: st.DrawFn) -> Asks:
    kind = draw(
        st.sampled_from(["null", "not null", "same", "differs", "flag", "not flag", "flag =", "days"])
    )
    name = draw(st.sampled_from(["stage", "amount", "closed_on", "pitched", "seats"]))
    word = draw(st.sampled_from(WORDS))
    limit = draw(st.integers(-100, 300))
    return {
        "null": (f"{name} is null", lambda r: r[name] is None),
        "not null": (f"{name} is not null", lambda r: r[name] is not None),
        "same": (f"stage is not distinct from {_text(word)}", lambda r: r["stage"] == word),
        "differs": ("created_on is distinct from closed_on", lambda r: r["created_on"] != r["closed_on"]),
        "flag": ("pitched", lambda r: r["pitched"]),
        "not flag": ("coalesce(pitched, false) = false", lambda r: not r["pitched"]),
        "flag =": ("pitched <> true", lambda r: no(r["pitched"])),
        "days": (
            f"days_between(created_on, closed_on) >= {limit}",
            lambda r: _known(lambda a, b: (b - a).days >= limit)(r["created_on"], r["closed_on"]),
        ),
    }[kind]


@st.composite
def condition(draw: st.DrawFn, depth: int = 3) -> Asks:
    """A condition on one row."""
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(
            st.one_of(_compare_numbers(), _compare_days(), _between(), _one_of(), _texts(), _certain())
        )
    kind = draw(st.sampled_from(["and", "or", "not", "is true", "is not true", "is false", "is null"]))
    text, f = draw(condition(depth - 1))
    if kind in ("and", "or"):
        more = [draw(condition(depth - 1)) for _ in range(draw(st.integers(1, 2)))]
        join = both if kind == "and" else either

        def joined(r: Row) -> Answer:
            found = f(r)
            for _, g in more:
                found = join(found, g(r))
            return found

        return f" {kind} ".join(f"({t})" for t in (text, *(m for m, _ in more))), joined
    test: Callable[[Answer], Answer] = {
        "not": no,
        "is true": lambda a: a is True,
        "is not true": lambda a: a is not True,
        "is false": lambda a: a is False,
        "is null": lambda a: a is None,
    }[kind]
    return (f"not ({text})" if kind == "not" else f"({text}) {kind}"), lambda r: test(f(r))
