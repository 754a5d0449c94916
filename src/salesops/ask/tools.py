"""What an assistant may call: the schema, a list, a number, an explanation, a question. All of it only reads.

Every tool reads as one actor, through the selectors that the pages use: it can't reach a row or a column that
this actor could not open in a browser. A refusal is an error with a sentence that says what to change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from salesops.analytics import records, selectors
from salesops.analytics.addresses import Address, deal_href
from salesops.analytics.deal_columns import FLAGS, label, meaning
from salesops.analytics.documents import definition
from salesops.analytics.engine.filters import Filter, apply_filters
from salesops.analytics.engine.frames import ROWS_OF_DEALS, SHOWN
from salesops.analytics.engine.kpi import Kpi, KpiValue
from salesops.analytics.engine.masking import refuse_masked
from salesops.analytics.list_address import filter_from
from salesops.analytics.row_pages import OWNER_COLUMNS
from salesops.analytics.selectors import OpenQuestion, Question
from salesops.analytics.shown import exact, lead_side, rows_href
from salesops.analytics.stewardship import stewardship
from salesops.ask.answers import answer
from salesops.ask.documents import document, number_document, value_document
from salesops.ask.engine.tokens import MOST_CHARACTERS
from salesops.ask.inputs import dimensions
from salesops.facts.tables import TABLES
from salesops.org import known
from salesops.org.known import Known
from salesops.platform import selectors as platform
from salesops.platform.access import NotAllowedError, may
from salesops.platform.actors import Actor
from salesops.platform.documents import plain, to_json
from salesops.platform.token_scopes import covers
from salesops.process.inputs import amount_columns, masked_columns, open_frames

DEALS = "deals"
TABLE_NAMES = (DEALS, *(name for name in TABLES if name != "changes"))
"""Tables that may be listed: the deals with what was decided about them, and the records as they came."""
MOST_ROWS = 100
MOST_FILTERS = 20
MOST_COLUMNS = 60
MOST_SPLITS = 2
MOST_GROUPS = 500
LONGEST = 1_000
"""Characters of one argument."""
MOST_OUT = 200_000
"""Characters of one answer."""


class ToolRefused(ValueError):
    """A call that can't be answered; the message says what to change."""


@dataclass(frozen=True)
class Reader:
    """Whom a tool reads for.

    Attributes:
        actor: whose rows.
        scopes: of the token that speaks for him; empty for every scope.
        door: where he asks: stdio or http.
        token: number and name of the token, as the record of a call tells it; "" without one.
    """

    actor: Actor
    scopes: tuple[str, ...] = ()
    door: str = "stdio"
    token: str = ""

    def need(self, scope: str) -> None:
        """Refuse what the token may not be used for.

        Raises:
            NotAllowedError: it lacks the scope.
        """
        if not covers(self.scopes, scope):
            raise NotAllowedError(f"This token may not be used for this: it lacks the scope {scope}.")


@dataclass(frozen=True)
class Told:
    """What a tool gives, how many rows are in it, and why it holds no answer."""

    value: dict[str, Any]
    rows: int | None = None
    refusal: str = ""


# --- What there is --------------------------------------------------------------------------------


def describe_schema(reader: Reader, about: str = "", known_at: str = "") -> Told:
    """Numbers and dimensions, and of a token that may read records tables and columns; one in full where named."""
    reader.need("numbers.read")
    _check_text(about, known_at)
    about, then = about.strip(), known.read(known_at)
    listed = covers(reader.scopes, "records.read")
    if about in TABLE_NAMES:
        reader.need("records.read")
    catalogue = {kpi.name: kpi for kpi in selectors.catalogue()}
    with open_frames(reader.actor, manifest_id=then.manifest_id, known_at=then.known_at) as frames:
        tables = {name: _columns(reader, frames, name) for name in TABLE_NAMES} if listed else {}
        splits = dimensions(frames)
        dated = [name for name in selectors.dimension_names(frames) if name not in splits]
        today, currency = frames.today, frames.currency
    if about in catalogue:
        return Told(
            {"number": definition(catalogue[about]), "dimensions": _dimensions_of(catalogue[about], splits)}
        )
    if about in tables:
        grain = "deal, with what was decided about it" if about == DEALS else TABLES[about].grain
        return Told({"table": about, "grain": grain, "columns": tables[about]})
    if about:
        raise ToolRefused(
            f"There is no number and no table {about!r:.60}. Without a name describe_schema lists them."
        )
    return Told(
        {
            "data_date": today,
            "currency": currency,
            "numbers": [
                {"name": k.name, "title": k.title, "says": k.sentence, "unit": k.unit}
                for k in catalogue.values()
            ],
            "dimensions": splits,
            "dimensions_of_dates": dated,
            "tables": {name: sorted(columns) for name, columns in tables.items() if columns},
            "filters": "column:operator:value, several values parted by |; operators are eq, ne, in, not_in, lt, le, "
            "gt, ge, between, contains, starts_with, is_null, not_null",
            "periods": "2026-Q3, 2026, 2026-H1, 2026-08, 2026-W05, 2026-01-01..2026-03-31, quarter, month, year, all",
        }
    )


def _dimensions_of(kpi: Kpi, splits: Mapping[str, str]) -> list[str]:
    return [name for name in kpi.dimensions if name in splits] or list(splits)


def _columns(reader: Reader, frames: Any, table: str) -> dict[str, dict[str, str]]:
    """Columns of a table that the reader may see, none that is hidden from him."""
    if table == DEALS:
        masked = masked_columns(frames)
        kinds = records.deal_columns(frames)
        return {
            c: {"type": k, "means": meaning(c), "label": label(c)}
            for c, k in kinds.items()
            if c not in masked
        }
    if table not in frames.facts.tables():
        return {}
    masked = frames.scope.masked_columns(table)
    return {c: {"type": str(k)} for c, k in frames.facts.columns(table).items() if c not in masked}


# --- Lists ----------------------------------------------------------------------------------------


def query(
    reader: Reader, table: str, columns: Sequence[str] = (), filters: Sequence[str] = (), sort: str = "",
    limit: int = 20, offset: int = 0, as_of: str = "", known_at: str = "",
) -> Told:  # fmt: skip
    """Rows of a table that the reader may see, and how many there are in all."""
    reader.need("records.read")
    _check_text(table, sort, as_of, known_at, *columns, *filters)
    if table not in TABLE_NAMES:
        raise ToolRefused(f"There is no table {table!r:.60}. There are: {', '.join(TABLE_NAMES)}.")
    if not 1 <= limit <= MOST_ROWS:
        raise ToolRefused(f"limit is 1 to {MOST_ROWS}, not {limit}.")
    if not 0 <= offset <= 10**9:
        raise ToolRefused("offset is 0 or more.")
    if len(columns) > MOST_COLUMNS:
        raise ToolRefused(f"At most {MOST_COLUMNS} columns are given at once.")
    wanted = _filters(filters)
    day, then = _day(as_of), known.read(known_at)
    read = _deals if table == DEALS else _table
    rows, total, shown = read(reader.actor, table, tuple(columns), wanted, sort, limit, offset, day, then)
    return Told(
        {"table": table, "total": total, "offset": offset, "columns": list(shown), "rows": rows}, len(rows)
    )


def _deals(
    actor: Actor, table: str, columns: tuple[str, ...], filters: tuple[Filter, ...], sort: str, limit: int,
    offset: int, as_of: date | None, then: Known,
) -> tuple[list[dict[str, Any]], int, tuple[str, ...]]:  # fmt: skip
    if FLAGS in columns:
        raise ToolRefused("Flags are no column of a list here: ask for the deals that have one in words.")
    listed = records.ListQuery(
        filters=filters, sort=sort or "-amount", columns=columns, as_of=as_of, known=then
    )
    with records.open_list(actor, listed) as opened:
        _not_later(as_of, opened.frames.today)
        shown = tuple(dict.fromkeys(("id", *opened.columns)))
        ordered = opened.ordered()
        total = opened.totals().rows
        found = opened.frames.facts.execute(ordered.limit(limit, offset=offset).select(*shown)).to_pylist()
    return [{**row, "page": deal_href(row["id"], then)} for row in found], total, shown


def _table(
    actor: Actor, table: str, columns: tuple[str, ...], filters: tuple[Filter, ...], sort: str, limit: int,
    offset: int, as_of: date | None, then: Known,
) -> tuple[list[dict[str, Any]], int, tuple[str, ...]]:  # fmt: skip
    with open_frames(actor, as_of=as_of, manifest_id=then.manifest_id, known_at=then.known_at) as frames:
        _not_later(as_of, frames.today)
        if table not in frames.facts.tables():
            return [], 0, columns
        masked = frames.scope.masked_columns(table)
        refuse_masked(masked, filters)
        rows = apply_filters(frames.facts.read(table, frames.scope), filters)
        key = sort.removeprefix("-") or "id"
        for name in (*columns, key):
            if name not in rows.columns:
                raise ToolRefused(
                    f"There is no column {name!r:.60} in {table}: describe_schema says which there are."
                )
        shown = tuple(
            dict.fromkeys(("id", *(columns or [c for c in rows.columns if c not in masked][:MOST_COLUMNS])))
        )
        order = (
            rows[key].desc(nulls_first=False) if sort.startswith("-") else rows[key].asc(nulls_first=False)
        )
        total = frames.facts.execute(rows.agg(n=rows.count())).to_pylist()[0]["n"]
        ordered = rows.order_by([order] if key == "id" else [order, rows.id.asc()])
        # The order comes before the choice of columns: it may be by one that is not shown.
        part = ordered.limit(limit, offset=offset)
        found = frames.facts.execute(part).select(list(shown)).to_pylist()
    return found, total, shown


# --- Numbers --------------------------------------------------------------------------------------


def metric(
    reader: Reader, name: str, period: str = "quarter", by: Sequence[str] = (), filters: Sequence[str] = (),
    as_of: str = "", rows: int = 0, side: str = "", known_at: str = "",
) -> Told:  # fmt: skip
    """A number with its definition, its groups, and on demand the rows behind one side of it."""
    reader.need("numbers.read")
    then = _known(known_at)
    question = _question(period, by, filters, as_of, then, name, side)
    if not 0 <= rows <= MOST_ROWS:
        raise ToolRefused(f"rows is 0 to {MOST_ROWS}, not {rows}.")
    kpi = _kpi(name)
    with selectors.ask(reader.actor, question) as asked:
        _not_later(question.as_of, asked.frames.today)
        kpi = asked.kpis([name])[0]
        groups = asked.values([name])
        whole = replace(asked, splits=())
        total = groups[0] if not question.by else whole.values([name])[0]
        told = _told_number(kpi, total, asked)
        if question.by:
            told["groups"] = [{"group": dict(g.group), **value_document(g)} for g in groups[:MOST_GROUPS]]
            told["groups_in_all"] = len(groups)
        if rows:
            told["rows"] = _rows(whole, kpi, side, rows, then)
        told["links"] = _links(kpi, question, asked, then)
    given = len(told["rows"]["rows"]) if rows else None
    return Told(told, given)


def _known(text: str) -> Known:
    """Facts and decisions of when.

    Raises:
        KnownError: it can't be read.
    """
    _check_text(text)
    return known.read(text)


def _question(
    period: str, by: Sequence[str], filters: Sequence[str], as_of: str, then: Known, *others: str
) -> Question:
    _check_text(period, as_of, *by, *filters, *others)
    if len(by) > MOST_SPLITS:
        raise ToolRefused(f"A number is split by at most {MOST_SPLITS} dimensions.")
    return Question(
        period=period or "quarter", by=tuple(by), filters=_filters(filters), as_of=_day(as_of),
        manifest_id=then.manifest_id, known_at=then.known_at,
    )  # fmt: skip


def _kpi(name: str) -> Kpi:
    try:
        return selectors.kpis([name])[0]
    except KeyError:
        raise ToolRefused(f"There is no number {name!r:.60}: describe_schema lists them.") from None


def _told_number(kpi: Kpi, total: KpiValue, asked: OpenQuestion) -> dict[str, Any]:
    frames = asked.frames
    manifest = frames.facts.manifest
    told = number_document(
        kpi, total, currency=frames.currency, period=asked.period, as_of=frames.as_of, today=frames.today,
        facts_version=str(manifest.id) if manifest else "",
    )  # fmt: skip
    return told | {"known_at": frames.known_at, "notes": [*total.notes, *frames.notes]}


def _rows(asked: OpenQuestion, kpi: Kpi, side: str, most: int, then: Known) -> dict[str, Any]:
    """The first rows of a side, largest part first, with the page of each deal."""
    chosen = kpi.side(side) if side else lead_side(kpi)
    if not chosen.rows or chosen.frame not in asked.named:
        raise ToolRefused(f"{kpi.title}: {chosen.title} has no rows to list.")
    found = asked.rows(kpi.name, chosen.name)
    names = [n for n in SHOWN.get(chosen.frame, OWNER_COLUMNS) if n in found.columns]
    total = asked.execute(found.agg(n=found.count())).to_pylist()[0]["n"]
    ordered = found.order_by([found.contribution.desc(nulls_first=False), found[names[0]].asc()])
    rows = asked.execute(ordered.limit(most)).select([*names, "contribution"]).to_pylist()
    for row in rows:
        row["contribution"] = exact(row["contribution"])
        if chosen.frame in ROWS_OF_DEALS:
            row["page"] = deal_href(row["id"], then)
    return {"side": chosen.name, "title": chosen.title, "total": total, "rows": rows}


def _links(kpi: Kpi, question: Question, asked: OpenQuestion, then: Known) -> dict[str, str]:
    label_ = asked.period.label if asked.period else "all"
    address = Address(
        period=label_, as_of=question.as_of, filters=asked.filters, by=question.by[0] if question.by else "",
        known=then,
    )  # fmt: skip
    links = {"page": address.to("number", kpi.name)}
    for side in kpi.sides:
        if side.rows:
            links[f"rows_of_{side.name}"] = rows_href(address, kpi, side, by="")
    return links


def explain(
    reader: Reader, name: str, period: str = "quarter", filters: Sequence[str] = (), as_of: str = "",
    known_at: str = "",
) -> Told:  # fmt: skip
    """What a number rests on: its definition, the sets of rows it is made of, the query, facts and decisions."""
    reader.need("numbers.read")
    then = _known(known_at)
    question = _question(period, (), filters, as_of, then, name)
    _kpi(name)
    with selectors.ask(reader.actor, question) as asked:
        _not_later(question.as_of, asked.frames.today)
        kpi = asked.kpis([name])[0]
        total = asked.values([name])[0]
        told = _told_number(kpi, total, asked)
        hidden = {
            side.name: bool(asked.hidden_rows(kpi, side)) for side in kpi.sides if side.frame in asked.named
        }
        told["made_of"] = [
            {
                "side": side.name,
                "title": side.title,
                "measure": side.measure.kind,
                "of": side.measure.column,
                "value": total.sides.get(side.name),
                "rows": None
                if hidden.get(side.name, True)
                else _count(asked, kpi, side.name)
                if side.rows
                else None,
            }
            for side in kpi.sides
        ]
        told["needs"] = [need.sentence for need in kpi.requires]
        told["queries"] = [{"on": frame, "sql": text} for frame, text in asked.sql(name)]
        told["rests_on"] = _rests_on(reader.actor, kpi, asked)
        told["links"] = _links(kpi, question, asked, then)
    return Told(told)


def _count(asked: OpenQuestion, kpi: Kpi, side: str) -> int:
    rows = asked.rows(kpi.name, side)
    return int(asked.execute(rows.agg(n=rows.count())).to_pylist()[0]["n"])


def _rests_on(actor: Actor, kpi: Kpi, asked: OpenQuestion) -> dict[str, Any]:
    """The decisions that were read. Counts and stages of the whole firm only for those who may see decisions."""
    frames = asked.frames
    calendar = frames.firm.calendar
    steward = stewardship(kpi.name, frames.as_of, frames.known_at)
    told: dict[str, Any] = {
        "decisions_state": frames.mark,
        "currency": frames.currency,
        "zone": frames.firm.zone,
        "fiscal_year": {"start_month": calendar.start_month, "pattern": calendar.pattern},
        "sales_cycle_starts_at": frames.cycle_start,
        "owner": kpi.owner,
        "steward": steward.owner,
        "target": steward.target,
    }
    if may(actor, "decision.view"):
        told["amount_counts_from"] = [
            {"kind": r.deal_kind, "column": r.column} for r in amount_columns(frames)
        ]
        told["stages"] = [
            {"pipeline": s.pipeline, "stage": s.stage, "means": s.stage_class, "decided": s.decided}
            for s in frames.stages
        ]
        if frames.known_at is None:  # how many there are is counted as of now
            told["decisions_in_force"] = {
                k.title: k.in_force for k in platform.kinds(frames.as_of) if k.in_force
            }
    return told


# --- Words ----------------------------------------------------------------------------------------


def ask(reader: Reader, question: str, known_at: str = "") -> Told:
    """A question in words. What was not understood is told, never passed by."""
    reader.need("numbers.read")
    if len(question) > MOST_CHARACTERS:
        raise ToolRefused(
            f"A question has at most {MOST_CHARACTERS} characters; this one has {len(question):,}."
        )
    then = _known(known_at)
    found = answer(reader.actor, question, may_list=covers(reader.scopes, "records.read"), known=then)
    told = document(found)
    return Told(told, len(told["deals"]["rows"]) if told["deals"] else None, found.problem)


# --- Limits ---------------------------------------------------------------------------------------


def sized(told: Told) -> dict[str, Any]:
    """The answer as plain values.

    Raises:
        ToolRefused: it is larger than an answer may be.
    """
    length = len(to_json(told.value))
    if length > MOST_OUT:
        raise ToolRefused(
            f"The answer would have {length:,} characters, more than {MOST_OUT:,}: ask for fewer rows or columns."
        )
    return plain(told.value)  # type: ignore[no-any-return]


def _check_text(*texts: str) -> None:
    for text in texts:
        if len(text) > LONGEST:
            raise ToolRefused(f"An argument has at most {LONGEST:,} characters.")
        if "\x00" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
            raise ToolRefused("An argument holds a character that no text may hold.")


def _filters(texts: Sequence[str]) -> tuple[Filter, ...]:
    if len(texts) > MOST_FILTERS:
        raise ToolRefused(f"At most {MOST_FILTERS} filters are taken.")
    return tuple(filter_from(text) for text in texts)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip()) if text.strip() else None
    except ValueError as error:
        raise ToolRefused(f"Write the day as 2026-06-30, not {text!r:.60}.") from error


def _not_later(day: date | None, today: date) -> None:
    if day is not None and day > today:
        raise ToolRefused(f"The data ends on {today}: ask for that day or an earlier one.")


Tool = Callable[..., Told]
TOOLS: Mapping[str, Tool] = {
    "describe_schema": describe_schema, "query": query, "metric": metric, "explain": explain, "ask": ask,
}  # fmt: skip
