"""A question as words: where each stands, and the form in which it is compared."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

MOST_CHARACTERS = 300

_TOKEN = re.compile(
    r"""
      "(?P<straight>[^"]*)" | “(?P<curly>[^”]*)”
    | \d{4}-\d{2}-\d{2}(?!\w) | \d{4}-[HQMWhqmw]\d{1,2}(?!\w) | \d{4}-\d{2}(?!\w)
    | [$€£]?\d+(?:,\d{3})*(?:\.\d+)?(?:\s?(?:bn|mn|mm|k|m|b|thousand|millions?|billions?))?%?(?!\w)
    | \w+(?:['’]\w+)*
    | (?<![\w.)!-])[-−–!](?=[\w"“$€£])
    | >=|<=|!=|[<>=&%$€£*;|/\\]
    """,
    re.VERBOSE | re.IGNORECASE,
)


class QuestionError(ValueError):
    """A text that can't be read as a question; the message says what to change."""


@dataclass(frozen=True)
class Token:
    """One word of a question.

    Attributes:
        text: as it was written, without quotes.
        word: in the form in which values are compared: small letters, no possessive.
        stem: the word without the ending of a plural, for words of our own.
        start, end: its place in the question, ``end`` excluded.
        quoted: whether it is a whole text in quotation marks.
    """

    text: str
    word: str
    stem: str
    start: int
    end: int
    quoted: bool = False


def cleaned(text: str) -> str:
    """A question as it is read: one line, blanks together.

    Raises:
        QuestionError: it is too long, or holds a character that no question has.
    """
    if len(text) > MOST_CHARACTERS:
        raise QuestionError(
            f"A question has at most {MOST_CHARACTERS} characters; this one has {len(text):,}."
        )
    line = " ".join(text.split())
    for sign in line:
        if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Co", "Cn"):
            raise QuestionError("The question holds a character that can't be seen: type it anew.")
    return line


def folded(word: str) -> str:
    """A word as it is compared."""
    plain = unicodedata.normalize("NFKC", word).casefold().replace("’", "'")
    return plain.removesuffix("'s").removesuffix("'")


def stem(word: str) -> str:
    """A folded word without the ending of a plural."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def tokens(text: str) -> list[Token]:
    """The words of a text, in order."""
    found = []
    for match in _TOKEN.finditer(text):
        inside = match["straight"] if match["straight"] is not None else match["curly"]
        written = match[0] if inside is None else inside
        word = folded(written)
        found.append(Token(written, word, stem(word), match.start(), match.end(), inside is not None))
    return found


def words_of(text: str) -> tuple[str, ...]:
    """The compared words of a text, such as a value as it stands in the data; quotation marks don't count."""
    return tuple(
        word for token in tokens(text) for word in (words_of(token.text) if token.quoted else (token.word,))
    )


def stems_of(text: str) -> tuple[str, ...]:
    """The stems of a phrase of our own."""
    return tuple(stem(word) for word in words_of(text))
