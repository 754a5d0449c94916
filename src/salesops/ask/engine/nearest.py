"""The numbers that come nearest to a question which names none."""

from __future__ import annotations

from difflib import SequenceMatcher

from salesops.ask.engine import words
from salesops.ask.engine.query import Choice, Number, Vocabulary
from salesops.ask.engine.tokens import stems_of

MOST = 3
_ALIKE = 0.72
"""How alike two words are to count as the same, misspelt."""
_ANYTHING = 0.4
"""Below this nothing of a question is near to any number."""
USUAL = ("win_rate_count", "won_value", "open_pipeline")


def nearest(text: str, vocabulary: Vocabulary) -> tuple[Choice, ...]:
    """The three numbers whose words are most like those of a text, as questions."""
    asked = [w for w in stems_of(text) if w not in words.FILL and len(w) > 2]
    scored = [(-_score(asked, number), place, number) for place, number in enumerate(vocabulary.numbers)]
    best = sorted(scored, key=lambda one: one[:2])[:MOST]
    if not best or -best[0][0] < _ANYTHING:
        best = [(0.0, 0, vocabulary.named[name]) for name in USUAL if name in vocabulary.named]
    return tuple(Choice(n.title, n.phrases[0], n.name) for _, _, n in best)


def _score(asked: list[str], number: Number) -> float:
    own = {w for phrase in number.phrases for w in stems_of(phrase)} | set(stems_of(number.title))
    told = set(stems_of(number.sentence)) - words.FILL
    score = 0.0
    for word in asked:
        like = max((_alike(word, other) for other in own), default=0.0)
        score += 3 * like if like >= _ALIKE else 0.5 * (word in told)
    # Of two numbers that share as many words, the one with fewer of its own is nearer.
    return score - 0.001 * len(own)


def _alike(one: str, other: str) -> float:
    if one == other:
        return 1.0
    if abs(len(one) - len(other)) > 3:
        return 0.0
    return SequenceMatcher(None, one, other).ratio()
