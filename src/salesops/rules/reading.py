"""From text to a syntax tree: limits and letters first, then sqlglot. Nothing is understood here yet."""

from __future__ import annotations

import re
import unicodedata

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType
from sqlglot.tokens import Tokenizer

from salesops.rules.errors import RuleError, shortened

MOST_CHARACTERS = 4_000
MOST_TOKENS = 1_000
MOST_DEPTH = 20
"""Parentheses inside parentheses."""
MOST_SIGNS = 4
"""NOT, + and - directly after one another."""

_SIGNS = frozenset({TokenType.NOT, TokenType.DASH, TokenType.PLUS})
_ENDS = frozenset(
    {
        TokenType.VAR,
        TokenType.IDENTIFIER,
        TokenType.NUMBER,
        TokenType.STRING,
        TokenType.DOT,
        TokenType.R_PAREN,
    }
)
_PUNCTUATION = frozenset({"(", ")", ",", "=", "<", ">", "<=", ">=", "<>", "!=", "+", "-", "*", "/"})
_WORD = re.compile(r"[^\W\d]\w*")
QUERIES = frozenset({
    "select", "union", "intersect", "except", "with", "values", "insert", "update", "delete", "drop", "create",
    "alter", "attach", "detach", "copy", "pragma", "set", "call", "exec", "execute", "merge", "truncate", "grant",
    "install", "load", "export", "import", "explain", "describe", "show", "use", "exists",
})  # fmt: skip
"""Words that begin a query or a command. As a field's name they need double quotes."""
NOT_HERE = {
    "case": "A rule has no CASE: combine conditions with AND, OR and NOT.",
    "cast": "A rule has no CAST: every field has one kind of value already.",
    "similar": "A rule has no patterns but LIKE.",
    "regexp": "A rule has no patterns but LIKE.",
    "rlike": "A rule has no patterns but LIKE.",
    "glob": "A rule has no patterns but LIKE.",
    "collate": "A rule has no COLLATE: use lower(...) to compare texts whatever the case.",
    "over": "A rule looks at one row at a time: it has no OVER.",
    "xor": "A rule has no XOR: write (a and not b) or (b and not a).",
}
_QUOTES = frozenset("\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb\u00b4`")
_SIGNS_ELSEWHERE = {
    "==": "Two values are compared by one =.",
    "&&": "Conditions are joined by AND.",
    "||": "Conditions are joined by OR; texts are not joined.",
    "!": "A condition is turned round by NOT.",
    "::": NOT_HERE["cast"],
    "%": "A rule has no remainders; % stands in a pattern after LIKE.",
    "~": NOT_HERE["regexp"],
    ".": "A field is named by one word, without a dot.",
    "?": "A rule has no placeholders: write the value.",
    ":": "A rule has no placeholders: write the value.",
    "$": "A rule has no placeholders: write the value.",
    "@": "A rule has no placeholders: write the value.",
}


def read(text: str) -> exp.Expression:
    """The syntax tree of one condition or value.

    Raises:
        RuleError: too long or too deep, more than one condition, a character or a word that no rule holds, or
            no sentence of the language at all.
    """
    if not text.strip():
        raise RuleError("The rule is empty.")
    if len(text) > MOST_CHARACTERS:
        raise RuleError(f"The rule has {len(text):,} characters; at most {MOST_CHARACTERS:,} are read.")
    _check_letters(text)
    _check_tokens(_tokens(text))
    try:
        trees = sqlglot.parse(text)
    except RecursionError:
        raise RuleError("The rule is nested too deeply.") from None
    except SqlglotError as error:
        raise _unreadable(error) from None
    if len(trees) != 1 or trees[0] is None:
        raise RuleError("Write one condition.")
    tree = trees[0]
    assert isinstance(tree, exp.Expression)
    return tree


def place(node: exp.Expression) -> int | None:
    """Where a node begins in the text, as far as the parser tells."""
    starts = [found for one in node.walk() if isinstance(found := one.meta.get("start"), int)]
    return min(starts) if starts else None


def _check_letters(text: str) -> None:
    for at, letter in enumerate(text):
        kind = unicodedata.category(letter)
        if kind in ("Cc", "Cs", "Co", "Cn") and letter not in "\t\n\r":
            raise RuleError(f"There is a control character, U+{ord(letter):04X}: remove it.", at)
        if kind == "Cf":
            raise RuleError(
                f"There is an invisible character, U+{ord(letter):04X} "
                f"({unicodedata.name(letter, 'unnamed').lower()}): remove it.",
                at,
            )


def _tokens(text: str) -> list[Token]:
    try:
        return Tokenizer().tokenize(text)
    except SqlglotError:
        message = "The rule can't be read: a quotation mark is not closed."
        if any(quote in text for quote in _QUOTES):
            message += " Only ' and \" are quotation marks here."
        if text.count("'") % 2 == 0 and text.count('"') % 2 == 0:
            message = "The rule can't be read: it holds something that is no word, number or text."
        raise RuleError(message) from None


def _check_tokens(tokens: list[Token]) -> None:
    if len(tokens) > MOST_TOKENS:
        raise RuleError(f"The rule has {len(tokens):,} words and signs; at most {MOST_TOKENS:,} are read.")
    depth = signs = 0
    before: TokenType | None = None
    for number, token in enumerate(tokens):
        if token.comments:
            raise RuleError("A rule holds no comments.", token.start)
        follows = tokens[number + 1] if number + 1 < len(tokens) else None
        _check_pair(token, follows, before)
        before = token.token_type
        if token.token_type in (TokenType.STRING, TokenType.NUMBER, TokenType.IDENTIFIER):
            signs = 0
            continue
        signs = signs + 1 if token.token_type in _SIGNS else 0
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth > MOST_DEPTH:
            raise RuleError(f"More than {MOST_DEPTH} parentheses stand inside one another.", token.start)
        if signs > MOST_SIGNS:
            raise RuleError("Too many signs or NOTs follow one another.", token.start)
        _check_word(token, called=follows is not None and follows.text == "(")


def _check_pair(token: Token, follows: Token | None, before: TokenType | None) -> None:
    """Two neighbours that the parser would take for something nobody wrote."""
    if follows is None:
        return
    if token.token_type == follows.token_type == TokenType.STRING:
        raise RuleError("Two texts stand side by side: a comma or a condition is missing.", follows.start)
    begins = token.text == "." and follows.token_type == TokenType.NUMBER
    if begins and before not in _ENDS:
        raise RuleError(f"A number begins with a digit: write 0.{follows.text}.", token.start)


def _check_word(token: Token, *, called: bool) -> None:
    text = token.text
    word = text.lower()
    if text == ";":
        raise RuleError("A rule is one condition: it holds no semicolon.", token.start)
    quote = next((letter for letter in text if letter in _QUOTES), "")
    if quote:
        raise RuleError(
            f"{quote} is no quotation mark of this language: texts stand in '...', names of fields in \"...\".",
            token.start + text.index(quote),
        )
    if text in _PUNCTUATION:
        return
    sign = text if text in _SIGNS_ELSEWHERE else text[:1]
    if sign in _SIGNS_ELSEWHERE and text not in _PUNCTUATION:
        raise RuleError(_SIGNS_ELSEWHERE[sign], token.start)
    if not _WORD.fullmatch(text) and word.split()[0] not in NOT_HERE:
        raise RuleError(f"{shortened(text)!r} has no meaning in a rule.", token.start)
    if word in QUERIES:
        raise RuleError(
            f"A rule is a condition on one row, no query: {text.upper()} has no place in it.", token.start
        )
    word = word.split()[0]
    if word in NOT_HERE and (called or word != "over"):
        raise RuleError(NOT_HERE[word], token.start)


def _unreadable(error: SqlglotError) -> RuleError:
    found = getattr(error, "errors", None) or [{}]
    at = found[0].get("highlight") or ""
    before = found[0].get("start_context") or ""
    if not at:
        return RuleError("The rule can't be read: something is missing at its end.")
    words = (
        f"The rule can't be read at {shortened(at)!r}: something is missing before it, or it is one too many."
    )
    return RuleError(words, len(before) if len(before) < 100 else None)
