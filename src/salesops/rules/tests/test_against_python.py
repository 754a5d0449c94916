"""Random rules over random rows: the database and an independent evaluator of three values say the same."""

from __future__ import annotations

import ibis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from salesops.rules import Rule, RuleError
from salesops.rules.tests import by_python
from salesops.rules.tests.world import SCHEMA, VALUES, answers, fields, read

QUIET = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def _unless_too_long(text: str) -> Rule | None:
    """The rule; None where chance made more parts than one may have."""
    try:
        return read(text)
    except RuleError as error:
        if "parts" in error.message:
            return None
        raise


@settings(QUIET, max_examples=60)
@given(st.lists(by_python.condition(), min_size=6, max_size=8), by_python.rows)
def test_rules_answer_as_plain_python_does(made: list[by_python.Asks], rows: list[dict[str, object]]) -> None:
    asked = []
    for text, by_hand in made:
        rule = _unless_too_long(text)
        if rule is not None:
            asked.append((text, rule, by_hand))
    found = answers([rule for _, rule, _ in asked], rows) if asked else []
    for (text, rule, by_hand), column in zip(asked, found, strict=True):
        assert column == [by_hand(row) for row in rows], (text, rule.text)


@settings(QUIET, max_examples=150)
@given(by_python.condition())
def test_the_canonical_text_gives_the_same_rule_again(made: by_python.Asks) -> None:
    rule = _unless_too_long(made[0])
    if rule is None:
        return
    again = read(rule.text)
    assert (again.node, again.text, again.fields) == (rule.node, rule.text, rule.fields)
    assert rule.sentence
    assert "n." not in rule.sentence


@settings(QUIET, max_examples=40)
@given(by_python.condition())
def test_rules_compile_for_other_databases(made: by_python.Asks) -> None:
    rule = _unless_too_long(made[0])
    if rule is None:
        return
    table = ibis.table(SCHEMA, name="deals")
    for dialect in ("postgres", "snowflake"):
        assert ibis.to_sql(table.filter(rule.over(table, VALUES)), dialect=dialect)


_letters = st.text(st.characters(blacklist_categories=("Cc", "Cf", "Cs", "Co", "Cn")), max_size=30)


@settings(QUIET, max_examples=60)
@given(_letters, st.lists(_letters, max_size=5))
def test_any_text_in_quotes_is_only_a_text(wanted: str, others: list[str]) -> None:
    rows = [{"stage": value} for value in (wanted, *others)]
    quoted = "'" + wanted.replace("'", "''") + "'"
    rule = read(f"stage = {quoted}")
    assert answers([rule], rows) == [[value == wanted for value in (wanted, *others)]]


_WORDS = """stage amount closed_on pitched seats today 'Won' 5 - + * / ( ) , = <> < and or not in is null true between
like escape '!' select -- ; case when end interval date lower coalesce days_between :: || [ ] { } $1 distinct from any
all exists union cast as " ' % ? @ 0x1 1e9 `"""
_SOUP = [*_WORDS.split(), "'30 days'", "'this quarter'", "\u200b", "\\"]
_DATED = ["closed_on", "created_on", "today", "'2026'", "'this quarter'", "'last month'", "date '2026-01-01'"]
_MADE = ["(today - '1 day')", "(closed_on + '2 days')", "coalesce(closed_on, today)"]
_SIDES = st.sampled_from([*_DATED, *_MADE, "stage", "5", "true", "null", "'x'"])
_SIGNS = ["{} = {}", "{} <> {}", "{} < {}", "{} >= {}", "not {} <= {}", "{} between {} and {}"]
_WORDED = [
    "{} is distinct from {}",
    "{} is not distinct from {}",
    "{} in ({})",
    "{} in ({}, {})",
    "{} is null",
]
_BETWEEN = st.sampled_from([*_SIGNS, *_WORDED])


@settings(QUIET, max_examples=500)
@given(st.lists(st.sampled_from(_SOUP), max_size=14), st.sampled_from([" ", ""]))
def test_word_soup_is_refused_in_words_or_is_a_rule(words: list[str], between: str) -> None:
    _rule_or_refused(between.join(words))


@settings(QUIET, max_examples=400)
@given(_BETWEEN, _SIDES, _SIDES, _SIDES)
def test_a_period_on_any_side_is_refused_in_words_or_is_a_rule(shape: str, a: str, b: str, c: str) -> None:
    _rule_or_refused(shape.format(a, b, c))


def _rule_or_refused(text: str) -> None:
    try:
        rule = read(text)
    except RuleError as error:
        _readable(error)
    else:
        assert read(rule.text).node == rule.node
        rule.over(ibis.table(SCHEMA, name="deals"), VALUES)


@settings(QUIET, max_examples=300)
@given(st.text(max_size=60))
def test_any_text_at_all_is_refused_in_words_or_is_a_rule(text: str) -> None:
    try:
        rule = read(text)
    except RuleError as error:
        _readable(error)
    else:
        assert read(rule.text).node == rule.node


def _readable(error: RuleError) -> None:
    message = error.message
    assert message[0].isupper() or not message[0].isalpha()
    assert len(message) < 400
    for internal in ("sqlglot", "Traceback", "exp.", "object at", "<class", "Expression", "ibis"):
        assert internal not in message


def test_what_can_be_named() -> None:
    assert "pay" in fields()
    assert {field.kind for field in fields()} == {"text", "number", "money", "date", "boolean", "instant"}
