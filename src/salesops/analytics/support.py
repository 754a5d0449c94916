"""What the imported data supports: each number of the catalogue available, partial or impossible, with the way out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from salesops.analytics.engine.kpi import Kpi
from salesops.analytics.engine.support import Gap, read_support
from salesops.analytics.selectors import Question, ask, catalogue
from salesops.crm.confirm_view import column_title
from salesops.crm.export_guides import What, report_for
from salesops.platform.actors import Actor

STATES = ("available", "partial", "impossible")

_DECIDED_AT = {"is_pitched": "stages", "quotas": "quotas", "attainment": "quotas"}
"""Column or frame that a decision fills -> the page it is decided at."""


@dataclass(frozen=True)
class Missing:
    """One thing a number lacks.

    Attributes:
        sentence: what is missing and what to do.
        filled, rows: rows that have it, of those that should; 0 rows where there is none at all.
        report: the report that brings it, None where a decision does.
        page: address name of the page where it is decided, "".
    """

    sentence: str
    filled: int
    rows: int
    report: What | None
    page: str


@dataclass(frozen=True)
class Supported:
    """One number and what it rests on."""

    kpi: Kpi
    state: str
    missing: tuple[Missing, ...]


@dataclass(frozen=True)
class Support:
    """The catalogue judged against the data an actor may see."""

    numbers: list[Supported]
    today: date

    def of(self, state: str) -> list[Supported]:
        """Numbers in one state."""
        return [n for n in self.numbers if n.state == state]

    def reasons(self, state: str) -> list[tuple[Missing, list[Kpi]]]:
        """What the numbers of a state lack, each with the numbers it holds back, the most first."""
        found: dict[Missing, list[Kpi]] = {}
        for number in self.of(state):
            for missing in number.missing:
                found.setdefault(missing, []).append(number.kpi)
        return sorted(found.items(), key=lambda pair: -len(pair[1]))

    @property
    def counts(self) -> dict[str, int]:
        """How many numbers there are of each state."""
        return {state: len(self.of(state)) for state in STATES}


def data_support(actor: Actor) -> Support:
    """Judge every number of the catalogue against all the data an actor may see.

    Raises:
        NoDataError: nothing was imported yet.
    """
    # A quota belongs to a period: asked over the year of the data, a quota of any part of it counts.
    with ask(actor, Question(period="year")) as asked:
        names = asked.kpis([kpi.name for kpi in catalogue()])  # people's own against the data
        frames: Any = asked.named
        today = asked.frames.today
        context = asked.context
        found = read_support(names, frames, context, asked.execute)
    by_name = {kpi.name: kpi for kpi in names}
    return Support(
        [Supported(by_name[s.name], s.state, tuple(_missing(g) for g in s.gaps)) for s in found], today
    )


def _missing(gap: Gap) -> Missing:
    page = _DECIDED_AT.get(gap.column) or _DECIDED_AT.get(gap.frame, "")
    report = None if gap.decision else report_for(gap.column, gap.frame)
    sentence = gap.sentence
    if gap.filled:  # the declared sentence speaks of none at all
        what, _, remedy = gap.sentence.rpartition(": ")
        lacking = f"{gap.rows - gap.filled:,} of {gap.rows:,} have no {column_title(gap.column).lower()}"
        sentence = f"{lacking}: {remedy}" if what else lacking
    return Missing(sentence, gap.filled, gap.rows, report, page if gap.decision else "")
