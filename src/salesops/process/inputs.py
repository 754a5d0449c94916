"""Deals: opportunities with what people decided about them, ready for every engine and list.

One row per opportunity. The columns are the contract between facts and numbers; they are
described in docs/reference/deals.md. Repairs, stage meanings, the amount that counts,
currency and people's positions are read as decisions here and nowhere else.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType

import ibis.expr.types as ir
import pyarrow as pa
from django.db import connection

from salesops.core.lately import Lately
from salesops.crm import selectors as crm
from salesops.facts.days import local_date
from salesops.facts.derived import derived
from salesops.facts.derived_views import Build
from salesops.facts.errors import DataMissing, EngineError, ManifestMissing, QueryFailed
from salesops.facts.implied import only
from salesops.facts.loaded import Copy, LoadedStore
from salesops.facts.manifests import Manifest
from salesops.facts.scope import Scope
from salesops.facts.store import Facts, FactStore
from salesops.org import selectors as org
from salesops.org.engine.hierarchy import Person
from salesops.platform import reading
from salesops.platform.access import scope as scope_of
from salesops.platform.actors import LOCAL_ADMINISTRATOR, Actor
from salesops.platform.decisions import high_water_mark, mark_of_records
from salesops.platform.identities import real_ids
from salesops.platform.registries import warm_ups
from salesops.platform.store import fact_store, loaded_store
from salesops.process import selectors
from salesops.process.engine import deals as engine

OPPORTUNITIES = "opportunities"

_LABELS = (
    ("owner_name", "owner_id", "users"),
    ("product_name", "product_id", "products"),
    ("account_name", "account_id", "accounts"),
)
"""Label of a deal, the reference it names, the table referred to."""

_SHOWN_OF_PEOPLE = ("name", "team", "region", "role")


@dataclass(frozen=True)
class Frames:
    """Everything a number needs, pinned: one facts version, one instant, one reader's rows.

    Attributes:
        facts: the open session; also runs the expressions.
        scope: the reader's rows, by his rights of now.
        today: the data's own date: what "today" means on every page.
        as_of: the day the state is asked for; equals ``today`` unless an earlier one was asked.
        firm: currency, zone and calendar in force.
        stages: what stages mean.
        people: positions of the day asked for by person id: labels, which give nobody a right.
        deals: the deals expression, already narrowed to the reader's rows.
        cycle_start: date column that a sales cycle starts at in this data.
        currency: currency of ``deals.amount``; "" where the data names none and nobody decided.
        notes: sentences that belong beside every number from here (unmapped stages, currencies
            without a rate, a date that stands in for another).
        known_at: decisions count as recorded by then; None for all.
        persons: name that stood for a person before his id was known -> that id.
        currencies: currencies of the opportunities, "" for none.
        mark: names the state of the decisions that were read.
        records_mark: names that of the decisions alone that shape records: all that is here but for ``scope``
            rests on those.
    """

    facts: Facts
    scope: Scope
    today: date
    as_of: date
    firm: org.Firm
    stages: list[selectors.StageMeaning]
    people: dict[str, Person]
    deals: ir.Table
    cycle_start: str
    currency: str
    notes: list[str] = field(default_factory=list)
    known_at: datetime | None = None
    persons: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    currencies: tuple[str, ...] = ()
    mark: str = ""
    records_mark: str = ""


class NoDataError(LookupError):
    """Nothing has been imported yet."""


class NotLoadedError(EngineError):
    """The engine that ``FACTS_URL`` names holds no facts of this home yet, or none that this program can read."""


@dataclass(frozen=True)
class _Setting:
    """What is the same for every reader of one facts version, day and state of what shapes records."""

    key: str
    firm: org.Firm
    people: dict[str, Person]
    stages: list[selectors.StageMeaning]
    currencies: tuple[str, ...]
    stands_in: bool
    notes: tuple[str, ...]


_KEPT = 32
_settings: Lately[tuple[object, ...], _Setting] = Lately(_KEPT)
_log = logging.getLogger(__name__)
_WAIT = 20.0
"""Seconds that readers wait for a native copy of the deals after a server's start or a decision that shapes them.

A million deals take half of it. Each page read from the view meanwhile would take as much processor as the copy.
"""
_MOST_WAIT = 300.0


@contextmanager
def open_frames(
    actor: Actor,
    *,
    as_of: date | None = None,
    manifest_id: str | None = None,
    known_at: datetime | None = None,
    elsewhere: bool = False,
) -> Iterator[Frames]:
    """Open the frames an actor may see.

    What he may see is told by the newest data's own date, whatever day, version or instant is asked for: looking
    back shows nothing that looking at now does not give a right to. Whose a record was is told by the day asked for.

    Args:
        actor: whose rows.
        as_of: state as of the end of that day; None for the data's own date.
        manifest_id: facts version; None for the newest.
        known_at: facts and decisions as recorded by then; None for all.
        elsewhere: on the engine that ``FACTS_URL`` names, where it names one and no version is asked for: for
            expressions that read these frames alone.

    Raises:
        NotLoadedError: nothing was loaded there.
        EngineError: it can't be reached.
        NoDataError: nothing was imported (by then).
    """
    store, loaded = fact_store(), loaded_store() if elsewhere else None
    if manifest_id is None and known_at is None and loaded is not None:
        with _opened_loaded(actor, store, loaded, as_of) as frames:
            yield frames
        return
    if manifest_id is None and known_at is not None:
        manifest = store.manifests.at(known_at)
    else:
        manifest = store.manifests.get(manifest_id) if manifest_id is not None else _newest(store)
    if manifest is None:
        raise NoDataError(_nothing(known_at))
    newest = manifest_id is None and known_at is None
    # Whoever writes meanwhile holds others up (SQLite has one writer): he reads the view.
    wait = _WAIT if newest and not connection.in_atomic_block else 0
    with _opened(actor, store, manifest, as_of, known_at, newest=newest, wait=wait) as frames:
        yield frames


@contextmanager
def _opened(
    actor: Actor,
    store: FactStore,
    manifest: Manifest,
    as_of: date | None,
    known_at: datetime | None,
    *,
    newest: bool,
    wait: float,
    loaded: tuple[LoadedStore, Copy] | None = None,
) -> Iterator[Frames]:
    reading.note(manifest.id)
    # Before any decision is read: what is kept under these may be newer, never older.
    mark, shaped = high_water_mark(), mark_of_records()
    today = manifest.data_on or manifest.recorded_at.date()
    day = as_of or today
    firm = org.firm(day, known_at)
    rewound = firm.day_end(day) if as_of is not None and as_of < today else None
    # Any day is shown under the rights of now: see docs/adr/0011-looking-back-under-the-rights-of-now.md.
    rights = _newest_day(store, today)
    # An amount is hidden where a hidden column counts now, too, and the column that counts now where the amount is.
    rules = (*crm.amount_rules(day, known_at).values(), *crm.amount_rules(rights).values())
    reader = with_derived_masks(scope_of(actor, rights), {rule.column for rule in rules})
    opened = (
        store.at(manifest_id=manifest.id, as_of=rewound)
        if loaded is None
        else loaded[0].at(as_of=rewound, found=(manifest, loaded[1]))
    )
    with _kept(store, manifest, newest), opened as facts:
        setting = _setting(store, manifest, facts, firm, shaped, day, known_at)
        yield Frames(
            facts=facts,
            scope=reader,
            today=today,
            as_of=day,
            firm=setting.firm,
            stages=list(setting.stages),
            people=dict(setting.people),
            deals=derived(
                facts,
                OPPORTUNITIES,
                setting.key,
                _builder(facts, manifest, setting, day, known_at),
                reader,
                copied=newest and rewound is None and day == today,
                wait=wait,
            ),
            cycle_start="first_interaction_on" if setting.stands_in else "created_on",
            currency=_currency(setting),
            notes=list(setting.notes),
            known_at=known_at,
            persons=real_ids("users", manifest),
            currencies=setting.currencies,
            mark=mark,
            records_mark=shaped,
        )


@contextmanager
def _opened_loaded(
    actor: Actor, store: FactStore, loaded: LoadedStore, as_of: date | None
) -> Iterator[Frames]:
    """The frames of the version that was loaded into the engine of ``FACTS_URL``; they say where a newer one waits."""
    latest = store.manifests.latest()
    if latest is None:
        raise NoDataError(_nothing(None))
    try:
        manifest, copy = loaded.newest()
    except ManifestMissing as error:
        raise NotLoadedError(str(error)) from error
    with _opened(actor, store, manifest, as_of, None, newest=True, wait=0, loaded=(loaded, copy)) as frames:
        if manifest.id != latest.id:
            frames.notes.append(
                f"{loaded.engine} computes on the facts of {manifest.recorded_at:%Y-%m-%d %H:%M} UTC; newer ones of "
                f"{latest.recorded_at:%Y-%m-%d %H:%M} UTC are not loaded yet: salesops facts load."
            )
        yield frames


def _newest(store: FactStore) -> Manifest | None:
    """The newest version; where this process keeps copies, the one before until that of the newest is made."""
    latest = store.manifests.latest()
    if latest is None or not store.keeps_copies:
        return latest
    return _preparing.get() or store.newest.choose(latest, _prepare)


_preparing: ContextVar[Manifest | None] = ContextVar("preparing", default=None)
"""The version that this thread prepares: for it, that is the newest."""


def _prepare(manifest: Manifest) -> None:
    """Have the deals of a version copied and first questions answered; in a thread of its own."""
    _preparing.set(manifest)
    try:
        with _opened(LOCAL_ADMINISTRATOR, fact_store(), manifest, None, None, newest=True, wait=_MOST_WAIT):
            pass
        for warm_up in warm_ups.entries():
            warm_up(LOCAL_ADMINISTRATOR)
    finally:
        _preparing.set(None)
        if not connection.in_atomic_block:  # this thread's own, which nobody else will close
            connection.close()


def prepare_newest() -> None:
    """Wait until the newest version can be read fast: after an import, and at the start of a server."""
    store = fact_store()
    latest = store.manifests.latest() if store.keeps_copies else None
    if latest is not None:
        store.newest.wait(latest, _prepare)


def keep_copies() -> None:
    """Make this process one that serves many questions: to be called before the first of them."""
    fact_store().keeps_copies = True

    def prepare() -> None:
        try:
            prepare_newest()
        except Exception:  # noqa: BLE001 - the first reader will see what is wrong, and be told
            _log.warning("the newest facts could not be prepared", exc_info=True)
        finally:
            connection.close()

    threading.Thread(target=prepare, name="salesops-prepare", daemon=True).start()


class NotKeptError(LookupError):
    """A facts version was asked for whose files clean-up has removed, as nothing held on to it."""


@contextmanager
def _kept(store: FactStore, manifest: Manifest, newest: bool) -> Iterator[None]:
    """Tell a version that was removed from one that can't be read for another reason."""
    try:
        yield
    except (DataMissing, QueryFailed) as error:
        if newest or store.holds(manifest):
            raise
        message = (
            f"Facts version {manifest.id} is no longer kept: clean-up removed it, as no run held it. "
            "Ask for a newer one, or restore a backup that holds it."
        )
        raise NotKeptError(message) from error


def _nothing(known_at: datetime | None) -> str:
    if known_at is None:
        return "Nothing has been imported yet."
    return f"Nothing had been imported by {known_at:%Y-%m-%d %H:%M %Z}."


def _newest_day(store: FactStore, day: date) -> date:
    """The data's own date now, by which everybody's rights are told; ``day`` where nothing was imported."""
    newest = store.manifests.latest()
    return day if newest is None else newest.data_on or newest.recorded_at.date()


def _currency(setting: _Setting) -> str:
    named = [c for c in setting.currencies if c]
    return setting.firm.currency or (named[0] if len(named) == 1 else "")


def _setting(
    store: FactStore,
    manifest: Manifest,
    facts: Facts,
    firm: org.Firm,
    mark: str,
    day: date,
    known_at: datetime | None,
) -> _Setting:
    """The setting, remembered: it rests on the facts version and on decisions that shape records."""
    state = (str(store.address), facts.where, manifest.id, manifest.recorded_at)
    key = (*state, mark, day, facts.as_of, known_at)
    return _settings.made(key, lambda: _read_setting(facts, firm, manifest, mark, day, known_at))


def _read_setting(
    facts: Facts, firm: org.Firm, manifest: Manifest, mark: str, day: date, known_at: datetime | None
) -> _Setting:
    notes: list[str] = []
    people = _repaired_people(org.people(day, manifest.id, known_at), crm.repairs(day, known_at))
    meanings = selectors.stages(facts, day, known_at=known_at)
    rows = facts.read(OPPORTUNITIES, Scope.all())
    created = rows.created_on.notnull() | rows.created_at.notnull()
    present = facts.execute(
        rows.agg(
            currencies=rows.currency.fill_null("").collect(distinct=True),
            created=created.sum(),
            touched=rows.first_interaction_on.notnull().sum(),
        )
    ).to_pylist()[0]
    currencies = tuple(sorted(present["currencies"] or []))
    missing = engine.without_rate(currencies, firm.currency, _rates(facts))
    if missing:
        target = firm.currency or "one currency"
        notes.append(f"Amounts in {', '.join(missing)} are left out: there is no exchange rate to {target}.")
    undecided = selectors.unmapped(meanings)
    if undecided:
        names = ", ".join(m.stage for m in undecided[:5])
        notes.append(
            # Everybody reads this: how many deals the whole firm has there is not everybody's to know.
            f"Deals stand in stages that nobody has given a meaning: {names}."
        )
    stands_in = bool(present["touched"] and not present["created"])
    if stands_in:
        notes.append("No record here has a creation date: the day of the first interaction stands in for it.")
    return _Setting(
        key=f"{mark} {day} {known_at.isoformat() if known_at else ''}",
        firm=firm,
        people=people,
        stages=meanings,
        currencies=currencies,
        stands_in=stands_in,
        notes=tuple(notes),
    )


def _repaired_people(
    people: dict[str, Person], repairs: Mapping[tuple[str, str], Mapping[str, str]]
) -> dict[str, Person]:
    """People with the repairs of the users table read into what is shown of them."""
    wanted = {c: repairs[("users", c)] for c in _SHOWN_OF_PEOPLE if ("users", c) in repairs}
    if not wanted:
        return people
    return {
        key: replace(
            person, **{c: values.get(getattr(person, c), getattr(person, c)) for c, values in wanted.items()}
        )
        for key, person in people.items()
    }


def _builder(
    facts: Facts,
    manifest: Manifest,
    setting: _Setting,
    day: date,
    known_at: datetime | None,
    *,
    deleted: bool = False,
) -> Build:
    """The deals expression over all rows; row security is put around it by ``derived``."""

    def build(constant: Callable[[str, pa.Table], ir.Table]) -> ir.Table:
        rows = facts.read(OPPORTUNITIES, Scope.all(), deleted=deleted)
        repairs = crm.repairs(day, known_at)
        rows = engine.repaired(rows, {c: m for (t, c), m in repairs.items() if t == OPPORTUNITIES})
        for label, column, table in _LABELS:
            rows = engine.relinked(
                rows, column, _ids_of(facts, table, repairs.get((OPPORTUNITIES, label), {}))
            )
            if known := real_ids(table, manifest):
                rows = engine.renamed(rows, column, constant(f"{table} by name", engine.ids_table(known)))
        rows = engine.dated(rows, lambda instant: local_date(instant, setting.firm.zone))
        if setting.stands_in:
            rows = rows.mutate(created_on=rows.first_interaction_on)
        rules = [
            engine.StageRule(
                m.pipeline, m.stage, m.stage_class, m.position, m.pitched, m.forecast_category, m.decided
            )
            for m in setting.stages
        ]
        rows = engine.classed(rows, rules, as_of=day if facts.as_of is not None else None)
        amounts = [
            engine.AmountRule(r.deal_kind, r.column, tuple(r.type_values))
            for r in crm.amount_rules(day, known_at).values()
        ]
        rows = engine.amounted(rows, amounts)
        rows = engine.converted(rows, setting.currencies, setting.firm.currency, _rates(facts), day)
        return engine.joined(
            rows,
            people=constant("people", engine.people_table(setting.people.values())),
            accounts=referred("accounts"),
            products=referred("products"),
        )

    def referred(table: str) -> ir.Table:
        # A deal keeps its account's industry though the account was deleted since, or its own file came later.
        rows = facts.read(table, Scope.all(), deleted=True, later=True)
        repairs = crm.repairs(day, known_at)
        return engine.repaired(rows, {c: m for (t, c), m in repairs.items() if t == table})

    return build


def _ids_of(facts: Facts, table: str, repairs: dict[str, str]) -> dict[str, str]:
    """Repaired value -> id of the record of the new name, for names that exactly one record has."""
    names = sorted(set(repairs.values()))
    if not names:
        return {}
    records = facts.read(table, Scope.all(), deleted=True, later=True)
    found = facts.execute(
        records.filter(records.name.isin(names)).select("id", "name", "implied", "deleted_on")
    ).to_pylist()
    by_name: dict[str, list[tuple[bool, str]]] = {}
    for row in found:
        by_name.setdefault(row["name"], []).append(
            (bool(row["implied"]) or row["deleted_on"] is not None, row["id"])
        )
    return {value: key for value, name in repairs.items() if (key := _best(by_name.get(name, ())))}


def _best(records: Sequence[tuple[bool, str]]) -> str:
    """The one record of a name: of those described and not deleted where there are any; "" where several are."""
    rank = min((rank for rank, _ in records), default=False)
    return only(key for own, key in records if own == rank)


def _rates(facts: Facts) -> list[engine.Rate]:
    if "exchange_rates" not in facts.tables():
        return []
    rates = facts.read("exchange_rates", Scope.all())
    rows = facts.execute(rates.select("from_currency", "to_currency", "valid_on", "rate")).to_pylist()
    return [
        engine.Rate(r["from_currency"], r["to_currency"], r["valid_on"], Decimal(r["rate"]))
        for r in rows
        if None not in r.values()
    ]


def deals_of(frames: Frames, scope: Scope, *, deleted: bool = False) -> ir.Table:
    """The deals of open frames under another scope: for comparing two instants, where one reader looks at both.

    Args:
        frames: the open frames: their facts, day and decisions.
        scope: whose rows and columns.
        deleted: with those that a complete file no longer held (``deleted_on``), as they last were.
    """
    store, manifest = fact_store(), frames.facts.manifest
    if manifest is None:
        raise NoDataError(_nothing(frames.known_at))
    setting = _setting(
        store, manifest, frames.facts, frames.firm, frames.records_mark, frames.as_of, frames.known_at
    )
    return derived(
        frames.facts,
        OPPORTUNITIES,
        f"{setting.key} and deleted" if deleted else setting.key,
        _builder(frames.facts, manifest, setting, frames.as_of, frames.known_at, deleted=deleted),
        scope,
    )


def exchange_rates(frames: Frames) -> list[engine.Rate]:
    """Every exchange rate that the facts hold."""
    return _rates(frames.facts)


def in_firm_currency(frames: Frames, rows: ir.Table) -> ir.Table:
    """``amount`` of rows with ``source_amount``, ``currency`` and ``closed_on``, converted as the deals' is."""
    return engine.converted(rows, frames.currencies, frames.firm.currency, _rates(frames.facts), frames.as_of)


def amount_columns(frames: Frames) -> list[engine.AmountRule]:
    """Which amount column counts, by kind of deal, as the frames' deals were made."""
    rules = crm.amount_rules(frames.as_of, frames.known_at).values()
    return [engine.AmountRule(r.deal_kind, r.column, tuple(r.type_values)) for r in rules]


_MONEY_OF_DEALS = frozenset({"amount", "source_amount", "amount_estimate"})


def masked_columns(frames: Frames) -> frozenset[str]:
    """Columns of the deals whose values are hidden from the reader."""
    return frames.scope.masked_columns(OPPORTUNITIES)


def with_derived_masks(scope: Scope, counted: Iterable[str] = ()) -> Scope:
    """A scope that hides what the deals derive from its masked columns, too.

    The amount that counts may come from any of the ``counted`` amount columns of the opportunities, and
    its estimate from a list price and the units; a name, team or industry comes from the record referred to.
    """
    if not scope.masked:
        return scope
    money = {"amount", "list_price", "quantity", *counted}
    hidden = set(scope.masked)
    if f"{OPPORTUNITIES}.amount" in hidden:
        hidden |= {f"{OPPORTUNITIES}.{c}" for c in counted}
    for mask in scope.masked:
        table, _, column = mask.partition(".")
        if table == OPPORTUNITIES and column in money:
            hidden |= {f"{OPPORTUNITIES}.{c}" for c in _MONEY_OF_DEALS}
        elif shown := engine.SHOWN_OF.get(table, {}).get(column):
            hidden |= {f"{OPPORTUNITIES}.{c}" for c in shown}
    return scope if hidden == scope.masked else replace(scope, masked=frozenset(hidden))


def known_deals(actor: Actor) -> dict[str, dict[str, object]]:
    """Opportunities now known, by stage class: how many, and amounts per currency as the source gave them.

    The currency is "" where the source names none.
    """
    prepare_newest()
    with open_frames(actor) as frames:
        deals = frames.deals
        rows = frames.facts.execute(
            deals.group_by("stage_class", currency=deals.currency.fill_null("")).agg(
                count=deals.count(), known=deals.source_amount.count(), amount=deals.source_amount.sum()
            )
        ).to_pylist()
    found: dict[str, dict[str, object]] = {}
    for row in sorted(rows, key=lambda r: (r["stage_class"], r["currency"])):
        entry = found.setdefault(row["stage_class"], {"count": 0, "without_amount": 0, "amounts": {}})
        entry["count"] += row["count"]  # type: ignore[operator]
        entry["without_amount"] += row["count"] - row["known"]  # type: ignore[operator]
        if row["known"]:
            entry["amounts"][row["currency"]] = row["amount"]  # type: ignore[index]
    return found
