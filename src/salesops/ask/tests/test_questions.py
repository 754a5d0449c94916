"""Questions in words: a table of them, ones made from queries, hostile ones."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.analytics.engine.catalogue import FAMILIES
from salesops.analytics.engine.filters import Filter
from salesops.analytics.engine.frames import SHOWN
from salesops.analytics.selectors import ALIASES
from salesops.ask.answers import DATED
from salesops.ask.engine import tokens as engine_tokens
from salesops.ask.engine.items import Lexicon
from salesops.ask.engine.judging import ALL
from salesops.ask.engine.naming import dimensions_of, numbers_of
from salesops.ask.engine.parse import understand
from salesops.ask.engine.query import Query, Ranking
from salesops.ask.engine.tokens import MOST_CHARACTERS, QuestionError
from salesops.ask.engine.words import EXAMPLES, LINES
from salesops.ask.tests.firm_words import ASKED_ON, COLUMNS, TODAY, VALUES, lexicon, small_words
from salesops.ask.tests.questions import QUESTIONS, SMALL_WORDS
from salesops.ask.tests.wording import sentence
from salesops.core.calendars import FiscalCalendar

LEXICON = lexicon()
SMALL = small_words()
VOCABULARY = LEXICON.vocabulary


def plain(query: Query) -> dict[str, Any]:
    """The fields of a query that are not the usual ones, as the table writes them."""
    told = {name: value for name, value in vars(query).items() if value != getattr(Query(), name)}
    for name in ("period", "against", "created"):
        if name in told:
            told[name] = told[name].label
    if "filters" in told:
        told["filters"] = tuple(f"{f.column}:{f.op}:{'|'.join(f.values)}" for f in told["filters"])
    if "rank" in told:
        told["rank"] = (told["rank"].count, told["rank"].order)
    for name in ("as_of", "known"):
        if name in told:
            told[name] = told[name].isoformat()
    return told


def test_the_table_is_large_and_has_no_question_twice() -> None:
    assert len({text for text, _ in QUESTIONS}) == len(QUESTIONS) >= 120


@pytest.mark.parametrize("text, wanted", QUESTIONS, ids=[text for text, _ in QUESTIONS])
def test_question(text: str, wanted: dict[str, Any]) -> None:
    check(text, wanted, LEXICON)


@pytest.mark.parametrize("text, wanted", SMALL_WORDS, ids=[text for text, _ in SMALL_WORDS])
def test_values_that_are_small_words(text: str, wanted: dict[str, Any]) -> None:
    check(text, wanted, SMALL)


def check(text: str, wanted: dict[str, Any], lexicon: Lexicon) -> None:
    wanted = dict(wanted)
    found = understand(text, lexicon)
    problem, choices = wanted.pop("problem", ""), wanted.pop("choices", None)
    if problem:
        assert found.query is None
        assert re.search(problem.replace("?", r"\?"), found.problem), found.problem
        if choices is not None:
            assert [choice.question for choice in found.choices] == choices
        return
    assert found.problem == ""
    assert found.unknown_words == wanted.pop("unknown", [])
    assert found.query is not None
    assert plain(found.query) == wanted


@pytest.mark.parametrize("text", [text for text, wanted in QUESTIONS if "problem" in wanted])
def test_what_is_offered_instead_can_be_asked(text: str) -> None:
    for choice in understand(text, LEXICON).choices:
        again = understand(choice.question, LEXICON)
        if choice.kpi and again.query is not None:
            assert again.query.kpi == choice.kpi
        assert again.text != understand(text, LEXICON).text


def test_the_examples_are_understood_whole() -> None:
    for text in EXAMPLES:
        found = understand(text, LEXICON)
        assert (found.problem, found.unknown) == ("", ()), text


@pytest.mark.parametrize("number", VOCABULARY.numbers, ids=lambda n: n.name)
def test_each_number_is_found_by_its_name_and_by_its_own_phrase(number: Any) -> None:
    for phrase in (number.name, number.phrases[0]):
        found = understand(phrase, LEXICON)
        assert found.query is not None, found.problem
        assert found.query.kpi == number.name


def test_every_word_of_a_question_is_understood_unknown_or_changes_nothing() -> None:
    """No word is lost: what is neither part of the answer nor told as unknown is one of the small words."""
    from salesops.ask.engine import words
    from salesops.ask.engine.tokens import tokens

    small = (
        words.FILL
        | words.DEALS
        | {w for phrase in (*words.SHOWING, *words.POLITE) for w in phrase.split()}
        | {"and", "from", "by"}
    )
    for text, _ in QUESTIONS:
        found = understand(text, LEXICON)
        if found.query is None or found.query.kind == "record":
            continue
        spans = [span for part in found.parts for span in part.spans] + list(found.unknown)
        for token in tokens(found.text):
            inside = any(start <= token.start and token.end <= end for start, end in spans)
            assert inside or token.stem in small or token.word in small, (text, token.text)


def test_a_chip_taken_away_leaves_the_rest() -> None:
    found = understand("won value in EMEA for SMB by rep last quarter vs last year", LEXICON)
    assert found.query is not None
    for part in found.parts:
        if part.role == "number":
            continue
        again = understand(found.without(part.spans), LEXICON).query
        assert again is not None
        gone = {k for k, v in plain(found.query).items() if plain(again).get(k) != v}
        field = {"filter": "filters", "split": "by", "comparison": "against"}.get(part.role, part.role)
        assert field in gone
        assert gone <= {field, "against"}, "the comparison is with the same period a year before"


def test_two_columns_never_share_a_phrase() -> None:
    found = dimensions_of(
        {"status": "Status in the CRM", "stage_class": "Status", "x_region": "Region", "region": "Region"},
        ALIASES,
    )
    assert found["stage_class"][0] == "status"
    phrases = [p for names in found.values() for p in names]
    assert len(phrases) == len(set(phrases))
    assert "x_region" in found
    assert len({n.phrases[0] for n in VOCABULARY.numbers}) == len(VOCABULARY.numbers)
    assert numbers_of([]) == ()


def test_what_an_address_takes_as_a_column_a_question_takes_too() -> None:
    for word, column in ALIASES.items():
        if column in COLUMNS:
            found = understand(f"win rate by {word.replace('_', ' ')}", LEXICON).query
            assert found is not None, word
            assert (found.kpi, found.by) == ("win_rate_count", (column,)), word


def test_my_is_the_person_that_the_account_stands_for() -> None:
    mine = lexicon(me="Ben Okoro")
    found = understand("my win rate", mine).query
    assert found is not None
    assert found.filters == (Filter("owner_name", "eq", ("Ben Okoro",)),)
    team = understand("my team's win rate", mine).query
    assert team is not None
    assert team.filters == (Filter("manager_name", "eq", ("Ben Okoro",)),)


def test_a_fiscal_year_of_its_own() -> None:
    july = lexicon(FiscalCalendar(start_month=7))
    periods = {
        "won value this year": (date(2026, 7, 1), date(2027, 6, 30)),
        "won value last quarter": (date(2026, 7, 1), date(2026, 9, 30)),
        "won value Q4": (date(2026, 4, 1), date(2026, 6, 30)),
        "won value fiscal 2026": (date(2025, 7, 1), date(2026, 6, 30)),
        "won value in March": (date(2026, 3, 1), date(2026, 3, 31)),
        "won value year to date": (date(2026, 7, 1), TODAY),
    }
    for text, days in periods.items():
        query = understand(text, july).query
        assert query is not None
        assert query.period is not None
        assert (query.period.first, query.period.last) == days, text


def test_a_calendar_of_weeks_moves_months_by_months() -> None:
    weeks = lexicon(FiscalCalendar(start_month=2, pattern="4-4-5"))
    for text, first, last in (
        ("won value in June vs the month before", date(2026, 5, 1), date(2026, 5, 31)),
        ("won value in June vs previous month", date(2026, 5, 1), date(2026, 5, 31)),
        ("won value in June vs the period before", date(2026, 5, 1), date(2026, 5, 31)),
        ("won value in June vs last year", date(2025, 6, 1), date(2025, 6, 30)),
    ):
        query = understand(text, weeks).query
        assert query is not None, text
        assert query.against is not None
        assert (query.against.first, query.against.last) == (first, last), text


def test_a_trend_of_quarters_holds_whole_ones_of_the_firm() -> None:
    """On 31 October a firm whose year begins in March stands in the third of its quarters, September to November."""
    march = lexicon(FiscalCalendar(start_month=3))
    for text, first, last in (
        ("quarterly won value trend", date(2025, 9, 1), date(2026, 8, 31)),
        ("yearly won value trend", date(2023, 3, 1), date(2026, 2, 28)),
        ("won value trend", date(2025, 10, 1), date(2026, 9, 30)),
    ):
        query = understand(text, march).query
        assert query is not None
        assert query.period is not None
        assert (query.period.first, query.period.last) == (first, last), text


def test_the_first_day_of_a_range_is_told_from_every_frame_it_chooses_rows_of() -> None:
    dated = {"closed_on", "created_on", "happened_on", "entered_on", "left_on", "moved_on"}
    kpis = [kpi for family in FAMILIES.values() for kpi in family if kpi.dated_by in dated]
    frames = {side.frame for kpi in kpis for side in kpi.sides} & set(SHOWN) - {"calendar"}
    assert {"deals", "spend"} <= frames
    for frame in sorted(frames):
        days = {name for name in SHOWN[frame] if name.endswith("_on")}
        assert not days or days & set(DATED), frame


# --- Sentences made from queries ------------------------------------------------------------------

_PERIODS = st.sampled_from(
    ["2026-Q2", "2025", "2026-H1", "2026-03", "2026-W05", "2026-02-03..2026-04-09"]
).map(VOCABULARY.calendar.parse)
_WHEN = st.none() | _PERIODS | st.just(ALL)
_COLUMNS = [c for c in VALUES if c != "stage_class"]
_AMOUNTS = st.integers(1, 10**9).map(str)


@st.composite
def _filters(draw: Any) -> tuple[Filter, ...]:
    found = []
    for column in draw(st.lists(st.sampled_from(_COLUMNS), unique=True, max_size=3)):
        values = tuple(draw(st.lists(st.sampled_from(VALUES[column]), unique=True, min_size=1, max_size=3)))
        negated = draw(st.booleans())
        op = {(False, 1): "eq", (True, 1): "ne"}.get((negated, len(values)), "not_in" if negated else "in")
        found.append(Filter(column, op, values))
    if draw(st.booleans()):
        low, high = sorted((draw(st.integers(1, 10**6)), draw(st.integers(1, 10**6))))
        op = draw(st.sampled_from(["gt", "ge", "lt", "le", "between"]))
        found.append(Filter("amount", op, (str(low), str(high)) if op == "between" else (str(low),)))
    return tuple(found)


@st.composite
def _numbers(draw: Any) -> Query:
    number = draw(st.sampled_from(VOCABULARY.numbers))
    by = tuple(draw(st.lists(st.sampled_from(sorted(VOCABULARY.dimensions)), unique=True, max_size=2)))
    rank = None
    if len(by) == 1 and draw(st.booleans()):
        rank = Ranking(draw(st.integers(1, 100)), draw(st.sampled_from(["most", "least"])))
    period = draw(_WHEN)
    as_of = draw(st.none() | st.dates(date(2020, 1, 1), TODAY))
    usual = period or VOCABULARY.calendar.period("quarter", as_of or TODAY)
    against = None if period == ALL else draw(st.none() | _PERIODS.filter(lambda other: other != usual))
    if against is None and number.dated_by in ("closed_on", "created_on") and draw(st.booleans()):
        period = VOCABULARY.calendar.parse(f"0001-01-01..{draw(st.dates(date(2020, 1, 1), TODAY))}")
    known = draw(st.none() | st.dates(date(2020, 1, 1), ASKED_ON))
    filters = draw(_filters())
    if draw(st.booleans()):
        op, day = draw(st.sampled_from(["le", "ge"])), draw(st.dates(date(2020, 1, 1), TODAY))
        filters = (*filters, Filter("expected_close_on", op, (day.isoformat(),)))
    return Query("number", number.name, period, by, filters, as_of, against, rank, known=known)


@st.composite
def _lists(draw: Any) -> Query:
    status = draw(st.sampled_from(["open", "won", "lost"]))
    line = (
        draw(st.sampled_from(["", *(name for name in LINES if name != "no_next_step")]))
        if status == "open"
        else ""
    )
    flags = (
        ()
        if line or status != "open"
        else tuple(sorted(draw(st.lists(st.sampled_from(["DQ07", "DQ12"]), unique=True))))
    )
    created = None if line else draw(st.none() | _PERIODS)
    rank = (
        Ranking(draw(st.integers(1, 100)), draw(st.sampled_from(["most", "least"])))
        if draw(st.booleans())
        else None
    )
    sort = "" if rank is None else "-amount" if rank.order == "most" else "amount"
    as_of = draw(st.none() | st.dates(date(2020, 1, 1), TODAY))
    return Query(
        "list",
        "",
        draw(st.none() | _PERIODS),
        (),
        draw(_filters()),
        as_of,
        None,
        rank,
        status,
        line,
        flags,
        created,
        sort,
    )


@given(_numbers())
def test_a_number_said_in_words_is_read_back(query: Query) -> None:
    found = understand_any(sentence(query, VOCABULARY))
    assert found == query, sentence(query, VOCABULARY)


@given(_lists())
def test_a_list_said_in_words_is_read_back(query: Query) -> None:
    found = understand_any(sentence(query, VOCABULARY))
    assert found is not None
    assert found == query, sentence(query, VOCABULARY)


def understand_any(text: str) -> Query | None:
    """The query of a text of any length; nothing may be left over."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine_tokens, "MOST_CHARACTERS", 10_000)
        found = understand(text, LEXICON)
    assert (found.problem, found.unknown) == ("", ()), text
    return found.query


# --- Hostile texts --------------------------------------------------------------------------------

HOSTILE = (
    "'; DROP TABLE opportunities; --",
    "win rate'; DELETE FROM deals WHERE 1=1; --",
    "<script>alert(1)</script>",
    "win rate in <b>EMEA</b>",
    "{{ 7*7 }} ${jndi:ldap://x} %s %n",
    "win rate in EMEA|APAC",
    "region:eq:EMEA",
    "win rate ../../etc/passwd",
    "=1+1",
    "名前 ü ß 勝率",
    "ｗｉｎ ｒａｔｅ",
    "win rate 99999999999999999999999999 days",
    "won deals over 9999999999999999999999999999999",
    "top 99999999999 reps by won value",
    "won value last 999999 years",
    "won value 31 February 2026",
    "won value from 2026-12-31 to 2026-01-01",
    "won value as of 9999-12-31",
    '"' * 40,
    "by by by per per and and or or",
    "in in in of of from to",
    "top",
    "vs vs vs",
    "?" * 300,
    "a " * 150,
)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_refused_or_harmless(text: str) -> None:
    try:
        found = understand(text, LEXICON)
    except QuestionError:
        return
    # Answered is only what was read whole.
    assert found.query is None or found.query.kind == "record" or found.unknown == ()
    assert found.query is not None or found.problem


@pytest.mark.parametrize(
    "text",
    [
        "win\x00rate",
        "win rate\x1b[31m",
        "win\u202erate",
        "win\u200brate",
        "\ud800",
        "x" * (MOST_CHARACTERS + 1),
    ],
)
def test_what_is_no_question_is_refused(text: str) -> None:
    with pytest.raises(QuestionError):
        understand(text, LEXICON)


@given(st.text(max_size=MOST_CHARACTERS))
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        found = understand(text, LEXICON)
    except QuestionError:
        return
    assert found.query is not None or found.problem


_WORDS = sorted(
    {w for n in VOCABULARY.numbers for p in n.phrases[:2] for w in p.split()}
    | {"by", "in", "not", "except", "vs", "top", "5", "over", "50k", "last", "quarter", "EMEA", "West", "rep", "and",
       "or", "between", "from", "to", "as", "of", "since", "March", "2026", "before", "after", "until", "older", "than",
       "days", "trend", "known", "the", "deals", "show", "closing", "zzz"}
)  # fmt: skip


@given(st.lists(st.sampled_from(_WORDS), max_size=14))
def test_no_mixture_of_our_own_words_breaks_the_reader(words: list[str]) -> None:
    found = understand(" ".join(words)[:MOST_CHARACTERS], LEXICON)
    assert found.query is not None or found.problem
    spans = sorted(found.unknown)
    assert all(one[1] <= two[0] for one, two in pairwise(spans))


def test_a_lexicon_with_more_values_reads_as_one_made_anew() -> None:
    split = {"account_name", "owner_name"} & set(VALUES)
    assert split
    few = Lexicon(replace(VOCABULARY, values={c: v for c, v in VALUES.items() if c not in split}))
    more = few.also({c: VALUES[c] for c in VALUES if c in split})
    whole = Lexicon(more.vocabulary)
    told = 0
    for column in sorted(split):
        for value in VALUES[column]:
            text = f"won value for {value}"
            assert understand(text, more) == understand(text, whole)
            told += understand(text, few) != understand(text, whole)
    assert told, "what it is made of knows none of them"
