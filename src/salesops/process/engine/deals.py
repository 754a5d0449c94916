"""From raw opportunities to deals: repairs, days, stage classes, the amount that counts, currency.

Every function takes and returns an Ibis expression; none reads anything. Money is
DECIMAL(19,4) throughout and is never divided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from salesops.org.engine.hierarchy import Person

MONEY = "decimal(19,4)"
_RATE = "decimal(19,12)"
"""Wide enough for the inverse of a rate such as 16,000 rupiah to the dollar."""
_RATE_STEP = Decimal("0.000000000001")
_WON_STATUSES = ("won", "closed won", "1")
_LOST_STATUSES = ("lost", "closed lost", "2", "deleted")
_OPEN_STATUSES = ("open", "0", "in progress")
FORECAST_CATEGORIES = ("pipeline", "best_case", "most_likely", "commit", "closed", "omitted")
"""Forecast categories as the deals hold them."""


@dataclass(frozen=True)
class StageRule:
    """What one stage means; ``decided`` says whether a person said so or the data suggests it."""

    pipeline: str
    stage: str
    stage_class: str
    position: int = 0
    pitched: bool = False
    forecast_category: str = ""
    decided: bool = False


@dataclass(frozen=True)
class AmountRule:
    """Which amount column counts for deals whose ``type`` is one of ``type_values``."""

    deal_kind: str
    column: str
    type_values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rate:
    """Units of ``to_currency`` for one unit of ``from_currency``, from a day on."""

    from_currency: str
    to_currency: str
    valid_on: date
    rate: Decimal


def repaired(rows: ir.Table, repairs: Mapping[str, Mapping[str, str]]) -> ir.Table:
    """Values read as their replacements, by column. Columns that do not exist, or hold no text, are passed over."""
    changes = {
        column: ibis.cases(*((rows[column] == old, new) for old, new in values.items()), else_=rows[column])
        for column, values in repairs.items()
        if column in rows.columns and values and rows[column].type().is_string()
    }
    for label, reference in (
        ("product_name", "product_id"),
        ("account_name", "account_id"),
        ("owner_name", "owner_id"),
    ):
        if label in changes and reference in rows.columns:
            # The row's reference follows its repaired label; relinked() gives it the right key.
            old = list(repairs[label])
            changes[reference] = rows[label].isin(old).ifelse(rows[label], rows[reference])
    return rows.mutate(**changes) if changes else rows


def relinked(rows: ir.Table, column: str, ids: Mapping[str, str]) -> ir.Table:
    """A reference column with some values replaced by the ids they stand for."""
    if not ids:
        return rows
    cases = ((rows[column] == value, key) for value, key in ids.items())
    return rows.mutate(**{column: ibis.cases(*cases, else_=rows[column])})


def renamed(rows: ir.Table, column: str, ids: ir.Table) -> ir.Table:
    """A reference column with names replaced by the ids of the records described later, see ``ids_table``."""
    joined = rows.left_join(ids, rows[column] == ids.known_as)
    return joined.mutate(**{column: ibis.coalesce(joined.real_id, joined[column])}).drop(
        "known_as", "real_id"
    )


def ids_table(ids: Mapping[str, str]) -> pa.Table:
    """Name that stood for a record -> its id, as a table to join to."""
    return pa.table(
        {"known_as": pa.array(list(ids), pa.string()), "real_id": pa.array(list(ids.values()), pa.string())}
    )


def dated(rows: ir.Table, local_date: Callable[[ir.TimestampValue], ir.DateValue]) -> ir.Table:
    """``created_on`` filled from the instant, in the firm's zone, where the source gives a time."""
    return rows.mutate(created_on=ibis.coalesce(rows.created_on, local_date(rows.created_at)))


def classed(rows: ir.Table, rules: Sequence[StageRule], *, as_of: date | None) -> ir.Table:
    """Stage class, order, pitched flag and the two close dates.

    Precedence: a decision that a stage is won, lost or left out; then the source's own status;
    then its won and closed flags; then a decision or proposal that the stage is open; then
    ``unmapped``. With ``as_of``, the stage speaks before the flags: a change history tells the
    stages of the past and seldom the flags, which are today's. A deal closed after that day is
    open, and a stage that is known only from after that day is blank.
    """
    stage = rows.stage.fill_null("")
    pipelines = {r.pipeline for r in rules if r.pipeline}
    key: ir.StringValue = stage
    if pipelines:
        key = rows.pipeline.fill_null("").concat("/", stage)

    def keys(wanted: Sequence[StageRule]) -> list[str]:
        return [f"{r.pipeline}/{r.stage}" if pipelines else r.stage for r in wanted]

    status = rows.status.fill_null("").lower().strip()
    branches: list[tuple[ir.BooleanValue, str]] = []
    for name in ("ignored", "won", "lost"):
        if decided := keys([r for r in rules if r.decided and r.stage_class == name]):
            branches.append((key.isin(decided), name))
    branches += [
        (status.isin(_WON_STATUSES), "won"),
        (status.isin(_LOST_STATUSES), "lost"),
        (status.isin(_OPEN_STATUSES), "open"),
    ]
    flags: list[tuple[ir.BooleanValue, str]] = [
        (rows.is_won.fill_null(ibis.literal(False)), "won"),
        (rows.is_closed.fill_null(ibis.literal(False)), "lost"),
        (rows.is_closed.notnull(), "open"),
    ]
    by_stage: list[tuple[ir.BooleanValue, str]] = []
    for name in ("won", "lost", "open"):
        if named := keys([r for r in rules if r.stage_class == name]):
            by_stage.append((key.isin(named), name))
    branches += [*flags, *by_stage] if as_of is None else [*by_stage, *flags]
    found = ibis.cases(*branches, else_="unmapped")
    closed = found.isin(["won", "lost"])
    shown: ir.StringValue = rows.stage
    if as_of is not None:
        later = closed & (rows.close_on > ibis.literal(as_of))
        found = later.ifelse(ibis.literal("open"), found)
        closed = closed & ~later.fill_null(ibis.literal(False))
        after = keys([r for r in rules if r.stage_class in ("won", "lost")])
        if after:
            blank = later.fill_null(ibis.literal(False)) & key.isin(after)
            shown = blank.ifelse(ibis.null("string"), rows.stage)
            key = blank.ifelse(ibis.literal(""), key)
    pitched = keys([r for r in rules if r.pitched])
    categories = {
        c: keys([r for r in rules if r.forecast_category == c])
        for c in sorted({r.forecast_category for r in rules if r.forecast_category})
    }
    orders = [(key == k, ibis.literal(r.position, "int64")) for r, k in zip(rules, keys(rules), strict=True)]
    stated = rows.forecast_category.fill_null("").lower().re_replace(r"[^a-z]+", "_")
    return rows.mutate(
        stage=shown,
        stage_class=found,
        stage_order=ibis.cases(*orders, else_=ibis.null("int64")) if orders else ibis.null("int64"),
        is_pitched=key.isin(pitched) if pitched else ibis.null("boolean"),
        forecast_category=ibis.cases(
            # Compared one by one: of a list as long as this DuckDB makes a join, and runs it for who does not ask.
            (ibis.or_(*(stated == name for name in FORECAST_CATEGORIES)), stated),
            *((key.isin(v), c) for c, v in categories.items()),
            else_=ibis.null("string"),
        ),
        closed_on=closed.ifelse(rows.close_on, ibis.null("date")),
        expected_close_on=closed.ifelse(
            ibis.null("date"), ibis.coalesce(rows.expected_close_on, rows.close_on)
        ),
    )


def amounted(rows: ir.Table, rules: Sequence[AmountRule]) -> ir.Table:
    """``deal_kind`` and ``source_amount``: the amount column that counts for the kind of deal."""
    fallback = next((r.column for r in rules if r.deal_kind == "all"), "amount")

    def column(name: str) -> ir.DecimalValue:
        # A rule may name a column that later files read as text: the plain amount stands in for it.
        usable = name in rows.columns and rows[name].type().is_numeric()
        return (rows[name] if usable else rows.amount).cast(MONEY)

    typed = [r for r in rules if r.deal_kind != "all" and r.type_values]
    kind = rows.type.fill_null("").lower()
    guesses = [
        (kind.re_search(r"renew"), "renewal"),
        (kind.re_search(r"expan|upsell|upgrade|cross|existing business|add[- ]?on"), "expansion"),
        (kind.re_search(r"new"), "new"),
    ]
    decided = [(rows.type.isin(list(r.type_values)), r.deal_kind) for r in typed]
    amount = column(fallback)
    if typed:
        amount = ibis.cases(
            *((rows.type.isin(list(r.type_values)), column(r.column)) for r in typed), else_=amount
        )
    return rows.mutate(
        deal_kind=ibis.cases(*decided, *guesses, else_=ibis.null("string")),
        source_amount=amount,
    )


def converted(
    rows: ir.Table, currencies: Iterable[str], target: str, rates: Sequence[Rate], day: date
) -> ir.Table:
    """``amount`` in the firm's currency, at the rate stored for the deal's day.

    A closed deal takes the rate of its close date, an open one that of ``day``. Where the data
    has one currency only and the firm has decided none, that currency is the firm's.
    An amount whose currency no rate leads from is null: see :func:`without_rate`.
    """
    base, foreign = _base(currencies, target)
    if not foreign:
        return rows.mutate(amount=rows.source_amount)
    on = ibis.coalesce(rows.closed_on, ibis.literal(day))
    branches: list[tuple[ir.BooleanValue, ir.DecimalValue]] = []
    for code in foreign:
        steps = sorted(
            (r for r in _both_ways(rates) if (r.from_currency, r.to_currency) == (code, base)),
            key=lambda r: r.valid_on,
        )
        for number, step in enumerate(steps):
            inside = rows.currency == code
            if number:
                inside = inside & (on >= ibis.literal(step.valid_on))
            if number + 1 < len(steps):
                inside = inside & (on <= ibis.literal(steps[number + 1].valid_on - timedelta(days=1)))
            product = rows.source_amount * ibis.literal(step.rate, type=_RATE)
            branches.append((inside, product.round(4).cast(MONEY)))
    own = rows.currency.isnull() | (rows.currency == "") | (rows.currency == base)
    if not base:
        own = rows.currency.isnull() | (rows.currency == "")
    return rows.mutate(amount=ibis.cases((own, rows.source_amount), *branches, else_=ibis.null(MONEY)))


def without_rate(currencies: Iterable[str], target: str, rates: Sequence[Rate]) -> list[str]:
    """Currencies whose amounts are left out because no rate leads to the firm's currency."""
    base, foreign = _base(currencies, target)
    pairs = {(r.from_currency, r.to_currency) for r in _both_ways(rates)}
    return [code for code in foreign if (code, base) not in pairs]


def _base(currencies: Iterable[str], target: str) -> tuple[str, list[str]]:
    """The currency amounts are told in, and the others there are."""
    named = sorted(c for c in currencies if c)
    base = target or (named[0] if len(named) == 1 else "")
    return base, [c for c in named if c != base]


def _both_ways(rates: Sequence[Rate]) -> list[Rate]:
    """Rates as given; an inverse only where the pair is never given the other way round."""
    pairs = {(r.from_currency, r.to_currency) for r in rates}
    inverse = [
        Rate(r.to_currency, r.from_currency, r.valid_on, (1 / r.rate).quantize(_RATE_STEP))
        for r in rates
        if (r.to_currency, r.from_currency) not in pairs and r.rate
    ]
    return [*rates, *inverse]


def people_table(people: Iterable[Person]) -> pa.Table:
    """Positions as a table to join deals to: one row a person, with the manager's name."""
    everyone = {p.id: p for p in people}
    columns: dict[str, list[str | None]] = {
        name: []
        for name in (
            "person_id",
            "person_name",
            "manager_id",
            "manager_name",
            "team",
            "person_region",
            "role",
        )
    }
    active: list[bool] = []
    for person in everyone.values():
        manager = everyone.get(person.manager_id)
        columns["person_id"].append(person.id)
        columns["person_name"].append(person.name)
        columns["manager_id"].append(person.manager_id or None)
        columns["manager_name"].append(manager.name if manager else person.manager_id or None)
        columns["team"].append(person.team or None)
        columns["person_region"].append(person.region or None)
        columns["role"].append(person.role or None)
        active.append(person.is_active)
    arrays = {k: pa.array(v, pa.string()) for k, v in columns.items()}
    return pa.table({**arrays, "owner_active": pa.array(active, pa.bool_())})


SHOWN_OF: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "accounts": {
        "name": ("account_name",),
        "industry": ("industry",),
        "segment": ("segment",),
        "country": ("country",),
    },
    "products": {
        "name": ("product_name",),
        "family": ("product_family",),
        "list_price": ("catalogue_price", "amount_estimate"),
    },
    "users": {
        "name": ("owner_name", "manager_name"),
        "manager_id": ("manager_id", "manager_name"),
        "team": ("team",),
        "region": ("region",),
        "role": ("role",),
    },
}
"""Table -> column -> columns of the deals that :func:`joined` makes of it."""


def joined(rows: ir.Table, *, people: ir.Table, accounts: ir.Table, products: ir.Table) -> ir.Table:
    """Deals with the owner's position, the account's firmographics and the product's list price."""
    accounts = accounts.select(
        account_key=accounts.id,
        account_label=accounts.name,
        industry=accounts.industry,
        segment=accounts.segment,
        country=accounts.country,
    )
    products = products.select(
        product_key=products.id,
        product_label=products.name,
        product_family=products.family,
        catalogue_price=products.list_price,
        product_implied=products.implied,
    )
    rows = (
        rows.left_join(people, rows.owner_id == people.person_id)
        .left_join(accounts, rows.account_id == accounts.account_key)
        .left_join(products, rows.product_id == products.product_key)
    )
    units = ibis.coalesce(rows.quantity, ibis.literal(1, "int64"))
    price = ibis.coalesce(rows.list_price, rows.catalogue_price)
    return rows.mutate(
        owner_name=ibis.coalesce(rows.person_name, rows.owner_name, rows.owner_id),
        account_name=ibis.coalesce(rows.account_label, rows.account_name, rows.account_id),
        product_name=ibis.coalesce(rows.product_label, rows.product_name, rows.product_id),
        region=ibis.coalesce(rows.person_region, rows.region),
        amount_estimate=(rows.amount.isnull() & (rows.stage_class == "open")).ifelse(
            (price.cast(MONEY) * units.cast(MONEY)).cast(MONEY), ibis.null(MONEY)
        ),
    ).drop(
        "person_id",
        "person_name",
        "person_region",
        "account_key",
        "account_label",
        "product_key",
        "product_label",
    )
